import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chunkEvent, eventStream, readReply, readRequest } from './support.ts';

const SEED = 20_26;
const OPTIONS = { seed: SEED, numRuns: 200 };

/** Cuts a body at these places, given as shares of its length. */
function cutAt(body: Buffer, places: readonly number[]): Buffer[] {
  const offsets = [0, ...places.map((place) => Math.floor(place * body.length)).sort((a, b) => a - b), body.length];
  return offsets.slice(1).map((end, at) => body.subarray(offsets[at] ?? 0, end));
}

const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 });
const word = fc.string({ unit: 'grapheme', maxLength: 30 });
const providers = fc.constantFrom('openai', 'anthropic', 'google', 'xai', 'voyage', 'bedrock', 'vertex', 'cohere');
const types = fc.constantFrom(
  'application/json',
  'text/event-stream',
  'application/x-ndjson',
  'application/vnd.amazon.eventstream',
  '',
  'text/plain',
);
const paths = fc.constantFrom(
  '/v1/chat/completions',
  '/v1/responses',
  '/v1/messages',
  '/v1/models/m:generateContent',
  '/v1/models/text-embedding:predict',
  '/model/m/converse-stream',
  '/model/m/invoke-with-response-stream',
  '/v2/chat',
  '/v1/chat',
  '/api/chat',
  '/v1/images/generations',
  '/ml/v1/text/generation_stream',
  '/v1/x',
);

const chatEvent = fc.record({
  id: word,
  model: word,
  choices: fc.array(
    fc.record({
      index: fc.nat(3),
      delta: fc.record({
        content: word,
        tool_calls: fc.array(fc.record({ index: fc.nat(2), id: word, function: fc.record({ name: word }) })),
      }),
      finish_reason: fc.option(word),
    }),
    { maxLength: 3 },
  ),
  usage: fc.option(fc.record({ prompt_tokens: fc.nat(), completion_tokens: fc.nat() })),
});

describe('a reader', () => {
  test('gives the same facts however a stream is split, whatever its line ends', () => {
    const stream = fc.record({
      events: fc.array(fc.oneof(chatEvent, fc.constant('[DONE]'), fc.jsonValue()), { maxLength: 12 }),
      eol: fc.constantFrom('\n', '\r\n', '\r'),
      places,
    });
    fc.assert(
      fc.property(stream, ({ events, eol, places: cuts }) => {
        const text = events.map(
          (event) => `: c${eol}data: ${event === '[DONE]' ? event : JSON.stringify(event)}${eol}${eol}`,
        );
        const body = Buffer.from(text.join(''));
        const given = { type: 'text/event-stream' };
        expect(readReply(cutAt(body, cuts), given)).toEqual(readReply([body], given));
      }),
      OPTIONS,
    );
  });

  test('gives the same facts however lines of JSON are split, whatever they and their type are', () => {
    const body = fc.record({
      values: fc.array(fc.oneof(chatEvent, fc.jsonValue(), fc.constant('oops'), fc.constant('')), { maxLength: 8 }),
      space: fc.constantFrom('', ' ', '  '),
      eol: fc.constantFrom('\n', '\r\n', '\n\n'),
      path: paths,
      type: types,
      places,
    });
    fc.assert(
      fc.property(body, ({ values, space, eol, places: cuts, ...given }) => {
        const text = values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value, null, space)));
        const bytes = Buffer.from(text.join(eol));
        expect(readReply(cutAt(bytes, cuts), given)).toEqual(readReply([bytes], given));
      }),
      OPTIONS,
    );
  });

  test('gives the same facts however an event stream is split, sound or damaged', () => {
    const event = fc.oneof(
      chatEvent.map((value) => chunkEvent(value)),
      fc.jsonValue().map((value) => chunkEvent(value)),
      fc
        .record({ contentBlockIndex: fc.nat(3), delta: fc.record({ text: word }) })
        .map((value) => ['contentBlockDelta', value] as const),
      fc.record({ stopReason: word }).map((value) => ['messageStop', value] as const),
      fc
        .record({ usage: fc.record({ inputTokens: fc.nat(), outputTokens: fc.nat() }) })
        .map((value) => ['metadata', value] as const),
    );
    const stream = fc.record({
      events: fc.array(event, { maxLength: 6 }),
      path: fc.constantFrom('/model/m/converse-stream', '/model/m/invoke-with-response-stream'),
      damage: fc.option(fc.tuple(fc.nat(), fc.nat(255))),
      places,
    });
    fc.assert(
      fc.property(stream, ({ events, path, damage, places: cuts }) => {
        const bytes = eventStream(events);
        if (damage !== null && bytes.length > 0) bytes[damage[0] % bytes.length] = damage[1];
        const given = { provider: 'bedrock', path, type: 'application/vnd.amazon.eventstream' };
        expect(readReply(cutAt(bytes, cuts), given)).toEqual(readReply([bytes], given));
      }),
      OPTIONS,
    );
  });

  test('never throws, and gives the same facts for random bytes however split', () => {
    const anything = fc.record({
      body: fc.uint8Array({ maxLength: 400 }),
      path: paths,
      provider: providers,
      type: types,
      places,
    });
    fc.assert(
      fc.property(anything, ({ body, places: cuts, ...given }) => {
        const bytes = Buffer.from(body);
        expect(readReply(cutAt(bytes, cuts), given)).toEqual(readReply([bytes], given));
        expect(readRequest(cutAt(bytes, cuts), given)).toEqual(readRequest([bytes], given));
      }),
      OPTIONS,
    );
  });

  test('never throws for JSON of any shape, whole or broken off', () => {
    const names = fc.constantFrom(
      ...[
        'choices',
        'usage',
        'error',
        'message',
        'delta',
        'content',
        'candidates',
        'output',
        'response',
        'type',
        'item',
      ],
      ...[
        'tool_calls',
        '__proto__',
        'constructor',
        'parts',
        'content_block',
        'prompt_tokens',
        'usageMetadata',
        'model',
        'generations',
        'outputs',
        'results',
        'metadata',
        'contentBlockDelta',
        'contentBlockStart',
        'toolUse',
        'predictions',
        'errors',
        'detail',
        'meta',
        'tokens',
      ],
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'medium', withCrossShrink: true },
        fc.constantFrom('message_start', 'error', 'tool_use', 'response.completed', null, -1, Infinity, 'x'),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.array(fc.tuple(names, tie('value')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
      ),
    }));
    fc.assert(
      fc.property(
        value,
        paths,
        providers,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (json, path, provider, share) => {
          const body = Buffer.from(JSON.stringify(json));
          readReply([body], { path, provider });
          readReply([body.subarray(0, Math.floor(share * body.length))], { path, provider }, true);
          readReply(['data: ', body, '\n\n'], { path, provider, type: 'text/event-stream' });
          readReply([body, '\n', body, '\n'], { path, provider, type: 'application/x-ndjson' });
          readReply([eventStream([['chunk', json], chunkEvent(json), ['metadata', json]])], { path, provider });
          readRequest([body], { path, provider });
        },
      ),
      { ...OPTIONS, numRuns: 400 },
    );
  });

  test.each([
    ['lists', '['.repeat(100_000)],
    ['objects', '{"a":'.repeat(100_000)],
    ['closed lists', '['.repeat(100_000) + ']'.repeat(100_000)],
    [
      'a tool input',
      `{"content":[{"type":"tool_use","name":"f","input":{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}}]}`,
    ],
    ['a long name', `{"${'n'.repeat(1_000_000)}":1}`],
    ['a long number', `[${'9'.repeat(1_000_000)}]`],
    ['backslashes', `["${'\\'.repeat(1_000_000)}`],
    ['many names', `{${Array.from({ length: 100_000 }, (_, at) => `"k${at}":${at}`).join()}}`],
  ])('stands hostile JSON: %s', (_, text) => {
    for (const path of ['/v1/chat/completions', '/v1/messages', '/v1/models/m:generateContent']) {
      readReply([text], { path });
      readReply(['data: ', text, '\n\n'], { path, type: 'text/event-stream' });
      readRequest([text], { path });
    }
  });
});
