/** Whatever a provider sends: no exception, work in proportion to the bytes, and no byte held that need not be. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { translateRequest, type TranslatedDialect } from '../../proxy/src/translate/translate.ts';
import { WeirError } from '../../proxy/src/errors.ts';
import { workOf } from '../support/work.ts';
import { chunk, event, hi, named, reply } from './support.ts';
import { dialects } from './traffic.ts';

const pairs = dialects.flatMap((from) => dialects.filter((to) => to !== from).map((to) => [from, to] as const));

const words = [
  'choices',
  'delta',
  'message',
  'content',
  'tool_calls',
  'function',
  'name',
  'arguments',
  'index',
  'type',
  'id',
  'usage',
  'candidates',
  'parts',
  'functionCall',
  'args',
  'content_block',
  'error',
  'text',
  'finish_reason',
  'stop_reason',
  'messages',
  'role',
  'tools',
  'contents',
];
const values = [
  'text',
  'message_start',
  'content_block_start',
  'content_block_delta',
  'message_delta',
  'tool_use',
  'input_json_delta',
  'error',
  'user',
  'assistant',
  'tool',
  '__proto__',
  '',
];
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 6 },
    fc.oneof(fc.constantFrom(...values), fc.integer(), fc.double(), fc.boolean(), fc.constant(null)),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...words), tie('tree'), { maxKeys: 6 }),
  ),
}));

describe('never throws', () => {
  test.each(pairs)('for %s, on any events of %s', (from, to) => {
    let seen = 0;
    fc.assert(
      fc.property(fc.array(tree, { maxLength: 6 }), fc.boolean(), (all, streamed) => {
        const made = reply(
          from,
          to,
          all.map((value) => event(value)),
          { streamed },
        );
        seen += made.text.length;
        reply(from, to, [JSON.stringify(all[0] ?? null)], { streamed });
      }),
      { numRuns: 300, seed: 5 },
    );
    expect(seen).toBeGreaterThan(0);
  });

  test.each(pairs)('of %s as %s: any request is translated or refused', (from, to) => {
    let refused = 0;
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...words), tree), (body) => {
        try {
          translateRequest({ from, to, body, streamed: false, model: 'm', askedModel: 'm' });
        } catch (error) {
          refused++;
          if (!(error instanceof WeirError) || error.code !== 'bad_request') throw error;
        }
      }),
      { numRuns: 300, seed: 5 },
    );
    expect(refused).toBeGreaterThan(0);
  });

  test('arguments that nest without end, or are no JSON, are kept as they came', () => {
    const deep = '['.repeat(200_000);
    const { text, warnings } = reply(
      'generate_content',
      'chat',
      [
        chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: deep } }] }),
        chunk({}, 'tool_calls'),
        'data: [DONE]\n\n',
      ],
      { streamed: true },
    );
    expect(warnings).toContain('malformed_arguments');
    expect(text).toContain('malformed_arguments');
  });
});

describe('linear', () => {
  const text: Readonly<Record<TranslatedDialect, (words: string) => string>> = {
    chat: (content) => chunk({ content }),
    messages: (words) => named('content_block_delta', { index: 0, delta: { type: 'text_delta', text: words } }),
    generate_content: (words) => event({ candidates: [{ content: { parts: [{ text: words }] } }] }),
  };
  const feeds: readonly (readonly [string, number, (size: number, to: TranslatedDialect) => string])[] = [
    ['many events in large chunks', 65_536, (size, to) => text[to]('hello').repeat(size / 100)],
    ['many events in single bytes', 1, (size, to) => text[to]('hello').repeat(size / 2000)],
    ['one event of one line', 1400, (size, to) => text[to]('x'.repeat(size))],
    ['a line without end', 1400, (size) => `data: ${'x'.repeat(size)}`],
  ];
  test.each(pairs.flatMap(([from, to]) => feeds.map((feed) => [feed[0], from, to, feed] as const)))(
    '%s: for %s of %s',
    (_, from, to, [, step, make]) => {
      const work = (size: number): number => {
        const bytes = Buffer.from(make(size, to));
        const translator = translateRequest({
          from,
          to,
          body: hi[from],
          streamed: true,
          model: 'm',
          askedModel: 'm',
        }).reply(200, 'text/event-stream');
        return workOf(() => {
          for (let at = 0; at < bytes.length; at += step) translator.feed(bytes.subarray(at, at + step));
          translator.end();
        });
      };
      expect(work(1_200_000)).toBeLessThan(5.5 * work(300_000) + 40_000);
    },
  );

  test('text goes on with the chunk that ends its event', () => {
    for (const [from, to] of pairs) {
      const translator = translateRequest({
        from,
        to,
        body: hi[from],
        streamed: true,
        model: 'm',
        askedModel: 'm',
      }).reply(200, 'text/event-stream');
      const bytes = Buffer.from(text[to]('hello'));
      expect(translator.feed(bytes.subarray(0, -1)).length).toBe(0);
      expect(translator.feed(bytes.subarray(-1)).toString()).toContain('hello');
    }
  });
});
