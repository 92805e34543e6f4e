/** Azure, Bedrock, Vertex and APIs of other shapes over real sockets: where a call goes, what it carries, what its row says. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { chunkEvent, eventStream } from '../providers/support.ts';
import { rawRequest } from '../support/http.ts';
import { json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
let weirKey = '';
beforeAll(async () => {
  provider = await startProvider(() => undefined);
  weir = await startWeir(
    { azure: provider.url, bedrock: provider.url, ollama: provider.url },
    { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret-CANARY', AZURE_OPENAI_API_KEY: 'held-azure' },
  );
  weirKey = readFileSync(join(weir.dataDir, 'key'), 'utf8').trim();
});
beforeEach(() => {
  provider.seen.length = 0;
});
afterAll(async () => {
  await weir.stop();
  await provider.close();
});

const usage = { inputTokens: 10, outputTokens: 7, totalTokens: 22, cacheReadInputTokens: 5 };
const events = eventStream([
  ['messageStart', { role: 'assistant' }],
  ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'hi' } }],
  ['messageStop', { stopReason: 'end_turn' }],
  ['metadata', { usage }],
]);
const body = JSON.stringify({ messages: [{ role: 'user', content: [{ text: 'hi' }] }] });
const seenHeader = (name: string): string | undefined => {
  const raw = provider.seen[0]?.headers ?? [];
  return raw[raw.findIndex((entry, index) => index % 2 === 0 && entry.toLowerCase() === name) + 1];
};

/** Sends bytes in pieces, each in a packet of its own. */
async function inPieces(response: ServerResponse, type: string, bytes: Buffer, size: number): Promise<void> {
  response.writeHead(200, { 'Content-Type': type });
  for (let at = 0; at < bytes.length; at += size) {
    response.write(bytes.subarray(at, at + size));
    await new Promise((resolve) => setImmediate(resolve));
  }
  response.end();
}

test('an event stream passes byte for byte, and its row has its counts', async () => {
  provider.script = (_, response) => inPieces(response, 'application/vnd.amazon.eventstream', events, 7);
  const path = '/bedrock/us-east-1/model/amazon.nova-lite-v1%3A0/converse-stream';
  const got = await rawRequest(weir.proxy.url, { path, body, headers: [['Authorization', 'Bearer own']] });
  expect(got.body.equals(events)).toBe(true);
  expect(provider.seen[0]?.url).toBe('/model/amazon.nova-lite-v1%3A0/converse-stream');
  expect(seenHeader('authorization')).toBe('Bearer own');
  expect(await weir.request(got.header('weir-id') ?? '')).toMatchObject({
    provider: 'bedrock',
    operation: 'chat',
    path: '/model/amazon.nova-lite-v1%3A0/converse-stream',
    request_model: 'amazon.nova-lite-v1:0',
    streamed: true,
    outcome: 'ok',
    input_tokens: 15,
    cache_read_tokens: 5,
    output_tokens: 7,
    usage_source: 'provider',
    finish_reasons: ['end_turn'],
  });
});

test('for a Weir key the call is signed over what was sent', async () => {
  provider.script = (_, response) =>
    inPieces(
      response,
      'application/vnd.amazon.eventstream',
      eventStream([chunkEvent({ generation: 'x', stop_reason: 'stop' })]),
      1000,
    );
  const large = JSON.stringify({ prompt: 'x'.repeat(200_000) });
  const got = await rawRequest(weir.proxy.url, {
    path: '/bedrock/eu-west-1/model/meta.llama3/invoke-with-response-stream',
    body: large,
    headers: [
      ['Weir-Key', weirKey],
      [
        'Authorization',
        'AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/bedrock/aws4_request, SignedHeaders=host, Signature=00',
      ],
      ['X-Amz-Date', '20260101T000000Z'],
    ],
  });
  expect(got.status).toBe(200);
  expect(provider.seen[0]?.body.toString()).toBe(large);
  expect(seenHeader('x-amz-content-sha256')).toBe(createHash('sha256').update(large).digest('hex'));
  expect(seenHeader('authorization')).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d+\/eu-west-1\/bedrock\//);
  expect(JSON.stringify(provider.seen)).not.toMatch(/wk_|CANARY/);
  const row = await weir.request(got.header('weir-id') ?? '');
  expect(row).toMatchObject({ status: 200, request_bytes: String(large.length), finish_reasons: ['stop'] });
  expect((await weir.body(got.header('weir-id') ?? '')).request).toBe(large);
});

test('a signature without a Weir key is refused in AWS’s shape, with a row', async () => {
  const headers: [string, string][] = [
    ['Authorization', 'AWS4-HMAC-SHA256 Credential=AKIA/x/y/z/aws4_request, Signature=00'],
  ];
  const got = await rawRequest(weir.proxy.url, { path: '/bedrock/us-east-1/model/m/converse', body, headers });
  expect([got.status, got.header('weir-error')]).toEqual([401, 'unauthorized']);
  expect(JSON.parse(got.body.toString())).toEqual({
    __type: 'UnrecognizedClientException',
    message: expect.stringContaining('signature') as string,
  });
  expect(provider.seen).toHaveLength(0);
  expect(await weir.request(got.header('weir-id') ?? '')).toMatchObject({ outcome: 'blocked', provider: 'bedrock' });
});

test('a place that is none is refused, with a row; a resource gets the key that Weir holds', async () => {
  const wrong = await rawRequest(weir.proxy.url, { path: '/azure/evil.com/openai/v1/responses', body });
  expect([wrong.status, wrong.header('weir-error')]).toEqual([404, 'unknown_provider']);
  expect(provider.seen).toHaveLength(0);
  expect((await weir.request(wrong.header('weir-id') ?? '')).outcome).toBe('blocked');
  provider.script = (_, response) =>
    json(response, { model: 'gpt-5', status: 'completed', usage: { input_tokens: 3, output_tokens: 4 } });
  const got = await rawRequest(weir.proxy.url, {
    path: '/azure/my-res/openai/v1/responses',
    body,
    headers: [['api-key', weirKey]],
  });
  expect(got.status).toBe(200);
  expect([provider.seen[0]?.url, seenHeader('api-key')]).toEqual(['/openai/v1/responses', 'held-azure']);
  expect(await weir.request(got.header('weir-id') ?? '')).toMatchObject({ response_model: 'gpt-5', input_tokens: 3 });
});

test('lines of JSON are read as they pass', async () => {
  const lines = [
    { model: 'm', response: 'hi', done: false },
    { model: 'm', response: '', done: true, done_reason: 'stop', prompt_eval_count: 5, eval_count: 6 },
  ];
  const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  provider.script = (_, response) => inPieces(response, 'application/x-ndjson', bytes, 9);
  const got = await rawRequest(weir.proxy.url, { path: '/ollama/api/generate', body: '{"model":"m","prompt":"x"}' });
  expect(got.body.equals(bytes)).toBe(true);
  expect(await weir.request(got.header('weir-id') ?? '')).toMatchObject({
    operation: 'completion',
    streamed: true,
    input_tokens: 5,
    output_tokens: 6,
  });
});
