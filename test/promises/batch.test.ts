/** Lines of a finished batch are rows at batch prices, once each, however often and wherever they are downloaded. */
import { gzipSync } from 'node:zlib';
import type { RequestRow } from '@weir/schema/records';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../support/deadline.ts';
import { rawRequest } from '../support/http.ts';
import { chatCompletion, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await startProvider((_, response) => response.end());
  weir = await startWeir({ openai: provider.url, anthropic: provider.url, google: provider.url });
});
afterAll(async () => {
  await weir.stop();
  await provider.close();
});

const chatLine = (id: string, customId: string, body: object = chatCompletion('gpt-4o-mini', 1000, 100)): object => ({
  id,
  custom_id: customId,
  response: { status_code: 200, request_id: 'r', body },
  error: null,
});
const lines = (all: readonly object[]): string => all.map((line) => `${JSON.stringify(line)}\n`).join('');

/** Downloads a file through Weir, and waits until the download has its row: its lines were written before it. */
async function download(
  path: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
  asked: [string, string][] = [],
): Promise<RequestRow> {
  provider.script = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream', ...headers });
    response.end(body);
  };
  const got = await rawRequest(weir.proxy.url, { method: 'GET', path, headers: asked });
  expect(got.body.equals(Buffer.from(body))).toBe(true);
  return weir.request(got.header('weir-id') ?? '');
}

async function linesOf(batch: string, count: number): Promise<RequestRow[]> {
  return until(90_000, `${count} lines of ${batch}`, async () => {
    const rows = await weir.query<RequestRow>(
      `SELECT * FROM requests WHERE properties['batch_id'] = '${batch}' ORDER BY client_request_id`,
    );
    return rows.length >= count ? rows : undefined;
  });
}

test('OpenAI: each line is a row of its endpoint, at half the price', async () => {
  const embedding = {
    object: 'list',
    model: 'text-embedding-3-small',
    data: [{ object: 'embedding', embedding: [0.5] }],
    usage: { prompt_tokens: 5000, total_tokens: 5000 },
  };
  const response = {
    id: 'resp_1',
    object: 'response',
    created_at: Math.floor(Date.now() / 1000) - 3600,
    status: 'completed',
    model: 'gpt-4o-mini',
    output: [{ type: 'function_call', name: 'f', arguments: '{}', call_id: 'c' }],
    usage: { input_tokens: 1000, output_tokens: 100 },
  };
  const failed = { error: { message: 'No such model.', type: 'invalid_request_error', code: 'model_not_found' } };
  const row = await download(
    '/openai/v1/files/file-out1/content',
    lines([
      chatLine('batch_req_1', 'a'),
      chatLine('batch_req_2', 'b', embedding),
      chatLine('batch_req_3', 'c', response),
      { ...chatLine('batch_req_4', 'd'), response: { status_code: 404, request_id: 'r', body: failed } },
      {
        id: 'batch_req_5',
        custom_id: 'e',
        response: null,
        error: { code: 'batch_expired', message: 'This request could not be executed in time.' },
      },
    ]),
    {},
    [['Weir-Session', 'nightly']],
  );
  expect(row).toMatchObject({ operation: 'file', outcome: 'ok', usage_source: 'none', cost_usd: null });
  const found = await linesOf('file-out1', 5);
  expect(found.map((one) => [one.client_request_id, one.operation, one.status, one.outcome])).toEqual([
    ['a', 'chat', 200, 'ok'],
    ['b', 'embeddings', 200, 'ok'],
    ['c', 'responses', 200, 'ok'],
    ['d', 'batch', 404, 'client_error'],
    ['e', 'batch', null, 'timeout'],
  ]);
  const [chat, vectors, tools, wrong, late] = found;
  // gpt-4o-mini: $0.15 and $0.60 for a million tokens, text-embedding-3-small $0.02; batches are half of it.
  expect(chat).toMatchObject({
    input_tokens: 1000,
    output_tokens: 100,
    service_tier: 'batch',
    cost_usd: '0.000105',
  });
  expect(chat).toMatchObject({
    session_id: 'nightly',
    usage_source: 'provider',
    finish_reasons: ['stop'],
    attempts: 0,
  });
  expect(vectors).toMatchObject({ input_tokens: 5000, output_tokens: null, cost_usd: '0.00005' });
  expect(tools).toMatchObject({ tool_calls: 1, cost_usd: '0.000105', path: '/v1/responses' });
  expect(Date.parse(`${tools?.started_at}Z`) / 1000).toBe(response.created_at);
  expect(wrong).toMatchObject({ error_type: 'invalid_request_error', error_message: 'No such model.', cost_usd: null });
  expect(late).toMatchObject({ error_type: 'batch_expired', cost_usd: null });
  expect((await weir.body(chat?.request_id ?? '')).response).toBe(JSON.stringify(chatLine('batch_req_1', 'a')));
});

test('Anthropic: results, compressed, in the middle of a line at every write', async () => {
  const message = (text: string): object => ({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-4-5-20250929',
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    usage: { input_tokens: 2000, output_tokens: 100, service_tier: 'batch' },
  });
  const results = [
    { custom_id: 'a', result: { type: 'succeeded', message: message('6') } },
    // Longer than a line that is held.
    { custom_id: 'b', result: { type: 'succeeded', message: message('7 '.repeat(300_000)) } },
    {
      custom_id: 'c',
      result: { type: 'errored', error: { type: 'error', error: { type: 'invalid_request_error', message: 'Bad.' } } },
    },
    { custom_id: 'd', result: { type: 'canceled' } },
    { custom_id: 'e', result: { type: 'expired' } },
  ];
  const path = '/anthropic/v1/messages/batches/msgbatch_1/results';
  await download(path, gzipSync(lines(results)), { 'content-type': 'application/x-jsonl', 'content-encoding': 'gzip' });
  const found = await linesOf('msgbatch_1', 5);
  expect(found.map((one) => [one.operation, one.outcome, one.error_type, one.cost_usd])).toEqual([
    // $3 and $15 for a million tokens, half of it.
    ['messages', 'ok', '', '0.00375'],
    ['messages', 'ok', '', '0.00375'],
    ['messages', 'client_error', 'invalid_request_error', null],
    ['messages', 'cancelled', 'canceled', null],
    ['messages', 'timeout', 'expired', null],
  ]);
  expect(await weir.body(found[1]?.request_id ?? '')).toMatchObject({ response: '', response_truncated: true });
});

test('Gemini: the lines of a result file', async () => {
  const reply = {
    candidates: [{ content: { parts: [{ text: 'hi' }] }, finishReason: 'STOP' }],
    modelVersion: 'gemini-2.5-flash',
    usageMetadata: { promptTokenCount: 1000, candidatesTokenCount: 100, totalTokenCount: 1100 },
  };
  const path = '/google/download/v1beta/files/batch-1:download?alt=media';
  await download(path, lines([{ key: 'a', response: reply }]));
  // $0.30 and $2.50 for a million tokens, half of it.
  expect(await linesOf('batch-1', 1)).toMatchObject([
    { operation: 'generate_content', request_model: '', response_model: 'gemini-2.5-flash', cost_usd: '0.000275' },
  ]);
});

test('Gemini: the answers of a batch that was sent whole, fetched twice, are rows once', async () => {
  const usageMetadata = { promptTokenCount: 1000, candidatesTokenCount: 100, totalTokenCount: 1100 };
  const response = { candidates: [], modelVersion: 'gemini-2.5-flash', usageMetadata };
  const error = { code: 400, message: 'Too long.', status: 'INVALID_ARGUMENT' };
  const answers = [{ response, metadata: { key: 'a' } }, { error, metadata: { key: 'b' } }, { response }];
  const done = { name: 'batches/whole', done: true, response: { inlinedResponses: { inlinedResponses: answers } } };
  const fetched = (body: object): Promise<RequestRow> =>
    download('/google/v1beta/batches/whole', JSON.stringify(body), { 'content-type': 'application/json' });
  await fetched({ name: 'batches/whole', metadata: { state: 'BATCH_STATE_RUNNING' } });
  const row = await fetched(done);
  expect(row).toMatchObject({ operation: 'batch', usage_source: 'none', cost_usd: null });
  await linesOf('whole', 3);
  await fetched(done);
  // A line of its own comes after all of them.
  await download('/openai/v1/files/file-after/content', lines([chatLine('batch_req_after', 'z')]));
  await linesOf('file-after', 1);
  const found = await linesOf('whole', 3);
  // $0.30 and $2.50 for a million tokens, half of it.
  expect(found.map((one) => [one.client_request_id, one.outcome, one.service_tier, one.cost_usd])).toEqual([
    ['', 'ok', 'batch', '0.000275'],
    ['a', 'ok', 'batch', '0.000275'],
    ['b', 'client_error', 'batch', null],
  ]);
});

test('a second download adds nothing: at once, under another name, after a death, or cut before', async () => {
  const all = Array.from({ length: 500 }, (_, at) => chatLine(`batch_req_x${at}`, `x${String(at).padStart(3, '0')}`));
  const path = '/openai/v1/files/file-twice/content';
  const text = lines(all);
  provider.script = (_, response) => {
    response.writeHead(200, { 'content-length': String(text.length) });
    response.write(text.slice(0, text.length / 3));
    setTimeout(() => response.destroy(), 100);
  };
  await rawRequest(weir.proxy.url, { method: 'GET', path });
  await Promise.all([download(path, text), download('/openai/v1/files/file-other/content', text)]);
  await until(90_000, 'every line', async () => {
    const [count] = await weir.query<{ n: string }>(
      `SELECT count() AS n FROM requests WHERE client_request_id LIKE 'x%'`,
    );
    return Number(count?.n) >= all.length ? true : undefined;
  });
  await weir.proxy.kill();
  await weir.restartProxy();
  await download(path, text);
  // A line of its own comes after all of them: what was to be inserted before it, was.
  await download(path, lines([chatLine('batch_req_last', 'y')]));
  const rows = await until(90_000, 'the last line', async () => {
    const found = await weir.query<{ id: string; request_id: string }>(
      `SELECT client_request_id AS id, request_id FROM requests WHERE client_request_id LIKE 'x%' OR client_request_id = 'y'`,
    );
    return found.some(({ id }) => id === 'y') ? found : undefined;
  });
  expect(rows).toHaveLength(501);
  expect(new Set(rows.map(({ request_id }) => request_id)).size).toBe(501);
  const [bodies] = await weir.query<{ all: string; ids: string }>(
    `SELECT count() AS all, uniqExact(request_id) AS ids FROM bodies
     WHERE request_id IN (SELECT request_id FROM requests WHERE client_request_id LIKE 'x%')`,
  );
  expect([Number(bodies?.all), Number(bodies?.ids)]).toEqual([500, 500]);
}, 600_000);

test('a file of one line that is an error is no failed download', async () => {
  const error = { code: 'batch_cancelled', message: 'This request was cancelled.' };
  const path = '/openai/v1/files/file-errors/content';
  const row = await download(path, lines([{ id: 'batch_req_z', custom_id: 'z', response: null, error }]));
  expect(row).toMatchObject({ outcome: 'ok', error_type: '' });
  expect(await linesOf('file-errors', 1)).toMatchObject([{ outcome: 'cancelled', error_type: 'batch_cancelled' }]);
});

test('a file that is no batch leaves one row', async () => {
  const before = await weir.query<{ n: string }>('SELECT count() AS n FROM requests');
  await download(
    '/openai/v1/files/file-data/content',
    '{"prompt":"a","completion":"b"}\n{"custom_id":"c","error":{}}\n',
  );
  const after = await weir.query<{ n: string }>('SELECT count() AS n FROM requests');
  expect(Number(after[0]?.n) - Number(before[0]?.n)).toBe(1);
});
