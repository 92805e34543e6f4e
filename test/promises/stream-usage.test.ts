/** `Weir-Log: usage=?1`: a stream is asked for its usage, and the client gets the stream that it asked for. */
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { askForUsage, UsageChunkFilter } from '../../proxy/src/stages/stream-usage.ts';
import { rawRequest } from '../support/http.ts';
import { chatChunks, chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let always: TestWeir;
let provider: ScriptedProvider;
const all = chatChunks(['Hello ', 'there.']);
const withoutUsage = all.filter((chunk) => !chunk.includes('"usage"'));
beforeAll(async () => {
  provider = await startProvider((_, response) => json(response, chatCompletion()));
  [weir, always] = await Promise.all([
    startWeir({ openai: provider.url }),
    startWeir({ openai: provider.url }, { WEIR_STREAM_USAGE: '1' }),
  ]);
});
beforeEach(() => {
  provider.seen.length = 0;
  // As OpenAI does: the chunk comes only when it was asked for.
  provider.script = (seen, response) => {
    const asked = /"include_usage"\s*:\s*true/.test(seen.body.toString());
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end((asked ? all : withoutUsage).join(''));
  };
});
afterAll(async () => {
  await Promise.all([weir.stop(), always.stop()]);
  await provider.close();
});

const ask = (to: TestWeir, body: string, headers: [string, string][] = []): ReturnType<typeof rawRequest> =>
  rawRequest(to.proxy.url, {
    path: '/openai/v1/chat/completions',
    body,
    headers: [['Content-Type', 'application/json'], ['Accept-Encoding', 'gzip'], ...headers],
  });
const question =
  '{"model": "gpt-4o-mini",\n "messages": [{"role":"user","content":"\\"stream\\": false"}], "stream" : true}';
const usage: [string, string] = ['Weir-Log', 'usage=?1'];

test('the row has the provider’s usage; the client’s bytes are those of a stream that was not asked', async () => {
  const got = await ask(weir, question, [usage]);
  expect(got.body.toString()).toBe(withoutUsage.join(''));
  const row = await weir.request(got.header('weir-id') ?? '');
  expect(row).toMatchObject({ input_tokens: 12, output_tokens: 2, usage_source: 'provider' });
  expect(row.warnings).toContain('stream_usage_added');
  const sent = JSON.parse(provider.seen[0]?.body.toString() ?? '') as object;
  expect(sent).toEqual({ ...(JSON.parse(question) as object), stream_options: { include_usage: true } });
  // What the client sent is what is kept.
  expect((await weir.body(got.header('weir-id') ?? '')).request).toBe(question);
});

test('WEIR_STREAM_USAGE asks for every call, unless the call says no', async () => {
  const asked = await ask(always, question);
  expect(asked.body.toString()).toBe(withoutUsage.join(''));
  expect((await always.request(asked.header('weir-id') ?? '')).usage_source).toBe('provider');
  const not = await ask(always, question, [['Weir-Log', 'usage=?0']]);
  expect((await always.request(not.header('weir-id') ?? '')).usage_source).toBe('estimated');
});

test.for([
  ['no stream', '{"model":"gpt-4o-mini","messages":[]}'],
  ['a client that asks itself', '{"stream":true,"stream_options":{"include_usage":true},"model":"m"}'],
  ['no JSON', 'stream=true'],
] as const)('%s: not a byte differs', async ([, body]) => {
  const got = await ask(weir, body, [usage]);
  expect(provider.seen[0]?.body.toString()).toBe(body);
  if (body.includes('include_usage')) expect(got.body.toString()).toBe(all.join(''));
  expect((await weir.request(got.header('weir-id') ?? '')).warnings).not.toContain('stream_usage_added');
});

test('the real SDK sees no chunk without choices', async () => {
  const client = new OpenAI({ apiKey: 'sk-test', baseURL: `${weir.proxy.url}/openai/v1` });
  const stream = await client.chat.completions.create(
    { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hi' }], stream: true },
    { headers: { 'Weir-Log': 'usage=?1' } },
  );
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]!.delta.content ?? '';
  expect(text).toBe('Hello there.');
});

test.for(['\n', '\r\n', '\r'])('the chunk is found however the stream is split, with lines ended by %j', (end) => {
  const bytes = Buffer.from(all.join('').replaceAll('\n', end));
  const expected = withoutUsage.join('').replaceAll('\n', end);
  for (const size of [1, 2, 7, 64, bytes.length]) {
    const filter = new UsageChunkFilter();
    const out: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) out.push(Buffer.from(filter.feed(bytes.subarray(at, at + size))));
    out.push(filter.end() ?? Buffer.alloc(0));
    expect(Buffer.concat(out).toString(), `pieces of ${size}`).toBe(expected);
  }
});

test('an event of any length passes whole', () => {
  const long = `data: {"choices":[],"usage":{"x":"${'y'.repeat(100_000)}"}}\n\n`;
  const filter = new UsageChunkFilter();
  let out = '';
  for (let at = 0; at < long.length; at += 1000) out += filter.feed(Buffer.from(long.slice(at, at + 1000))).toString();
  expect(out + filter.feed(Buffer.from(all.join(''))).toString()).toBe(long + withoutUsage.join(''));
});

test.for([
  ['{"stream":true}', '{"stream_options":{"include_usage":true},"stream":true}'],
  ['{"stream":true,"stream_options":null}', '{"stream":true,"stream_options":{"include_usage":true}}'],
  [
    '{"a":"}{","stream_options":{"x":1}, "stream":true}',
    '{"a":"}{","stream_options":{"x":1,"include_usage":true}, "stream":true}',
  ],
  ['{"nested":{"stream":true}}', null],
  ['[{"stream":true}]', null],
  ['{"stream":"true"}', null],
  ['{"stream":true', null],
])('%s becomes %s', ([before, after]) => {
  expect(askForUsage(Buffer.from(before ?? ''))?.toString() ?? null).toBe(after);
});
