/** Replies that providers really gave, read by the SDKs of the other dialects: the same words, calls, reason and usage. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { translateRequest, type TranslatedDialect } from '../../proxy/src/translate/translate.ts';
import { ABSENT, recordingsPresent } from '../providers/recordings.ts';
import { bytewise, providerOf, randomly, whole, type Split } from '../providers/judge.ts';
import { startProvider, type ScriptedProvider } from '../support/provider.ts';
import { stable } from './meaning.ts';
import { comparable, saidBy } from './said.ts';
import { aiSdk, sdks } from './sdk.ts';
import { dialects, takeRecordings, type Taken } from './traffic.ts';

if (!recordingsPresent) console.warn(ABSENT);

const QUESTIONS: Readonly<Record<TranslatedDialect, Record<string, unknown>>> = {
  chat: { messages: [{ role: 'user', content: 'Hi' }], stream_options: { include_usage: true } },
  messages: { max_tokens: 64, messages: [{ role: 'user', content: 'Hi' }] },
  generate_content: { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] },
};

interface Given {
  bytes: Buffer;
  whole: boolean;
  contentType: string;
  status: number;
}

/** The reply as a client of another dialect gets it. */
function replyTo(
  client: TranslatedDialect,
  { dialect, streamed, status, contentType, reply }: Taken,
  split: Split,
): Given {
  const options = {
    from: client,
    to: dialect,
    body: QUESTIONS[client],
    streamed,
    model: 'm',
    askedModel: 'p/m',
    now: () => 1e12,
  };
  const translator = translateRequest(options).reply(status, contentType);
  const out: Buffer[] = [];
  for (const chunk of split(reply)) out.push(translator.feed(chunk));
  out.push(translator.end());
  const bytes = Buffer.concat(out);
  return { bytes, whole: translator.whole, contentType: translator.contentType, status: translator.status };
}

describe.skipIf(!recordingsPresent)('recorded replies', () => {
  const taken = takeRecordings().filter((one) => one.status < 300);
  const pairs = dialects.flatMap((client) => dialects.filter((to) => to !== client).map((to) => [to, client] as const));
  let provider: ScriptedProvider;
  let current: Given;

  beforeAll(async () => {
    provider = await startProvider((_, response) => {
      response.writeHead(current.status, { 'content-type': current.contentType }).end(current.bytes);
    });
  });
  afterAll(() => provider.close());

  test.each(pairs)('%s for clients of %s: their SDK reads the same', async (upstream, client) => {
    const wrong: string[] = [];
    let right = 0;
    let errors = 0;
    const own = taken.filter((one) => one.dialect === upstream);
    for (const one of own) {
      current = replyTo(client, one, whole);
      const known = saidBy(upstream, one.reply, one.contentType, providerOf(one.recording).name);
      try {
        const said = await sdks[client](provider.url, one.streamed, { model: 'm', apiKey: 'k' });
        if (comparable(said, known) === comparable(known, known)) right++;
        else
          wrong.push(
            `${one.id}\n  ${comparable(known, known).slice(0, 1200)}\n  ${comparable(said, known).slice(0, 1200)}`,
          );
      } catch (error) {
        // What failed at the provider fails for the client too.
        if (one.recording.expect.is_error === true || one.recording.tags.includes('error_in_200')) errors++;
        else wrong.push(`${one.id}: ${String(error).slice(0, 500)}`);
      }
    }
    console.log(`${upstream} for ${client}: ${right} of ${own.length} the same, ${errors} errors raised`);
    expect(wrong.join('\n')).toBe('');
    expect(right).toBeGreaterThan(100);
  });

  test('for clients of the AI SDK: the same text and usage', async () => {
    const wrong: string[] = [];
    let right = 0;
    const own = taken.filter((one) => one.dialect !== 'chat');
    for (const one of own) {
      current = replyTo('chat', one, whole);
      const known = saidBy(one.dialect, one.reply, one.contentType, providerOf(one.recording).name);
      const said = await aiSdk(provider.url, one.streamed).catch((error: unknown) => String(error));
      // The SDK has no word for a count that it was not told.
      const expected = { text: known.text, input: known.input, output: known.output ?? 0 };
      if (stable(said) === stable(expected)) right++;
      else wrong.push(`${one.id}\n  ${stable(expected).slice(0, 600)}\n  ${stable(said).slice(0, 600)}`);
    }
    console.log(`AI SDK: ${right} of ${own.length} the same`);
    expect(wrong.join('\n')).toBe('');
  });

  test.each([
    ['single bytes', bytewise],
    ['random chunks', randomly(7, 30)],
    ['packets', randomly(3, 1400)],
  ] as const)('in %s: the same bytes as whole', (_, split) => {
    let compared = 0;
    for (const one of taken) {
      for (const client of dialects.filter((dialect) => dialect !== one.dialect)) {
        const inOne = replyTo(client, one, whole);
        const inMany = replyTo(client, one, split);
        expect(inMany.bytes.toString(), `${one.id} for ${client}`).toBe(inOne.bytes.toString());
        expect(inMany.whole).toBe(inOne.whole);
        compared++;
      }
    }
    expect(compared).toBe(2 * taken.length);
  });
});
