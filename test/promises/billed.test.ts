/** What a provider bills is in the row, whatever becomes of the call: clients that leave, upstreams that break. */
import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { until, within } from '../support/deadline.ts';
import { rawRequest } from '../support/http.ts';
import { chatChunks, chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await startProvider((_, response) => json(response, chatCompletion()));
  weir = await startWeir({ openai: provider.url, anthropic: provider.url });
});
beforeEach(() => {
  provider.script = (_, response) => json(response, chatCompletion());
  provider.seen.length = 0;
});
afterAll(async () => {
  await weir.stop();
  await provider.close();
});

const chat = '/openai/v1/chat/completions';
const question = (more: object = {}): string =>
  JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'How are you?' }], ...more });
const headers: [string, string][] = [['Content-Type', 'application/json']];
const ask = (more: object = {}, extra: [string, string][] = [], path = chat): ReturnType<typeof rawRequest> =>
  rawRequest(weir.proxy.url, { path, body: question(more), headers: [...headers, ...extra] });

/** Starts a call that the test can leave. */
function start(
  body: string,
  extra: Record<string, string> = {},
): { call: ClientRequest; head: Promise<IncomingMessage> } {
  const call = httpRequest(`${weir.proxy.url}${chat}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...extra },
  });
  call.on('error', () => undefined);
  const head = once(call, 'response').then(([message]) => message as IncomingMessage);
  head.catch(() => undefined);
  call.end(body);
  return { call, head };
}

/** Weir has seen that the client is gone, and reads the reply on. */
async function clientHasLeft(): Promise<void> {
  await until(20_000, 'Weir sees the client go', async () => {
    const metrics = await (await fetch(`${weir.proxy.url}/weir/metrics`)).text();
    return /^weir_draining_requests 1$/m.test(metrics) ? true : undefined;
  });
}

const sse = { 'content-type': 'text/event-stream' };
/** The id of the only call of a user; a call that is left before its head has no other name for the client. */
async function idOf(user: string): Promise<string> {
  const [row] = await until(90_000, `a row of ${user}`, async () => {
    const rows = await weir.query<{ id: string }>(`SELECT request_id AS id FROM requests WHERE user_id = '${user}'`);
    return rows.length > 0 ? rows : undefined;
  });
  return row?.id ?? '';
}

test('a stream that the provider cuts: what it told, and an estimate of the rest', async () => {
  const start = {
    type: 'message_start',
    message: { id: 'm', model: 'claude-sonnet-4-5', usage: { input_tokens: 900, output_tokens: 1 } },
  };
  const piece = {
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text: 'Words that were written before the end. ' },
  };
  provider.script = (_, response) => {
    response.writeHead(200, sse);
    for (const event of [start, piece, piece])
      response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    setTimeout(() => response.destroy(), 50);
  };
  const got = await ask({ stream: true }, [], '/anthropic/v1/messages');
  const row = await weir.request(got.header('weir-id') ?? '');
  expect(row).toMatchObject({ outcome: 'truncated', input_tokens: 900, usage_source: 'estimated' });
  expect(Number(row.output_tokens)).toBeGreaterThan(10);
  expect(Number(row.cost_usd)).toBeGreaterThan(0);
});

test('a client that leaves before the head: nothing is known, and the row says so', async () => {
  const reached = new Promise<ServerResponse>((resolve) => (provider.script = (_, response) => resolve(response)));
  const { call } = start(question(), { 'Weir-User': 'left-early' });
  const response = await within(20_000, 'the provider is asked', reached);
  const closed = once(response, 'close');
  call.destroy();
  // Without `drain` the provider's connection ends at once.
  await within(20_000, 'the provider sees the end', closed);
  const id = await idOf('left-early');
  expect(await weir.request(id)).toMatchObject({
    outcome: 'cancelled',
    status: 499,
    usage_source: 'none',
    cost_usd: null,
  });
  expect((await weir.attempts(id))[0]?.warnings).toContain('unknown_attempt_cost');
});

test('drain: the reply is read on after the client left, before the head and in mid-stream', async () => {
  let answer: ServerResponse | undefined;
  provider.script = (_, response) => void (answer = response);
  const early = start(question(), { 'Weir-User': 'drained-early', 'Weir-Timeout': 'drain=60000' });
  await until(20_000, 'the provider is asked', () => answer);
  early.call.destroy();
  await clientHasLeft();
  json(answer as ServerResponse, chatCompletion('gpt-4o-mini', 40, 9));
  const first = await weir.request(await idOf('drained-early'));
  expect(first).toMatchObject({
    outcome: 'cancelled',
    status: 499,
    input_tokens: 40,
    output_tokens: 9,
    usage_source: 'provider',
  });
  expect(Number(first.cost_usd)).toBeGreaterThan(0);

  const [opening = '', ...rest] = chatChunks(['Hello ', 'there ', 'again.']);
  provider.script = (_, response) => {
    answer = response;
    response.writeHead(200, sse).write(opening);
  };
  const late = start(question({ stream: true }), { 'Weir-User': 'drained-late', 'Weir-Timeout': 'drain=60000' });
  const message = await within(20_000, 'the head', late.head);
  await once(message, 'data');
  late.call.destroy();
  await clientHasLeft();
  for (const piece of rest) (answer as ServerResponse).write(piece);
  (answer as ServerResponse).end();
  const id = message.headers['weir-id'] as string;
  const second = await weir.request(id);
  expect(second).toMatchObject({
    outcome: 'cancelled',
    status: 200,
    input_tokens: 12,
    output_tokens: 3,
    usage_source: 'provider',
  });
  // The call lasted until the client left; the attempt, until the provider had ended.
  const [attempt] = await weir.attempts(id);
  expect(Number(attempt?.duration_ms)).toBeGreaterThan(Number(second.duration_ms));
  expect((await weir.body(id)).response).toContain('[DONE]');
});

test('drain is not for ever', async () => {
  const reached = new Promise<ServerResponse>((resolve) => (provider.script = (_, response) => resolve(response)));
  const { call } = start(question(), { 'Weir-User': 'drain-over', 'Weir-Timeout': 'drain=300' });
  const response = await within(20_000, 'the provider is asked', reached);
  const closed = once(response, 'close');
  call.destroy();
  await within(20_000, 'the provider sees the end', closed);
  const id = await idOf('drain-over');
  expect(await weir.request(id)).toMatchObject({ outcome: 'cancelled', status: 499, usage_source: 'none' });
  expect((await weir.attempts(id))[0]).toMatchObject({ outcome: 'cancelled' });
});

test('a client that leaves a reply which is no stream: the part that came is no usage, drain finds it', async () => {
  const text = JSON.stringify(chatCompletion('gpt-4o-mini', 21, 7));
  for (const [user, drain] of [
    ['half', '0'],
    ['whole', '60000'],
  ] as const) {
    let answer: ServerResponse | undefined;
    provider.script = (_, response) => {
      answer = response;
      response.writeHead(200, { 'content-type': 'application/json' }).write(text.slice(0, 60));
    };
    const { call, head } = start(question(), { 'Weir-User': user, 'Weir-Timeout': `drain=${drain}` });
    await once(await within(20_000, 'the head', head), 'data');
    const closed = once(answer as unknown as ServerResponse, 'close');
    call.destroy();
    // Without `drain` the provider's connection ends; with it, Weir reads on.
    if (drain === '0') await within(20_000, 'the provider sees the end', closed);
    else await clientHasLeft();
    (answer as ServerResponse).end(text.slice(60));
    const row = await weir.request(await idOf(user));
    expect(row.outcome).toBe('cancelled');
    if (drain === '0') expect(row.usage_source).toBe('estimated');
    else expect(row).toMatchObject({ input_tokens: 21, output_tokens: 7, usage_source: 'provider' });
  }
});

test.for([500, 504])(
  'a provider that answers %i, and the SDK’s next try that succeeds, are a row each; one of them costs',
  async (status) => {
    let tries = 0;
    provider.script = (_, response) =>
      ++tries === 1
        ? json(response, { error: { message: 'later', type: 'server_error' } }, status)
        : json(response, chatCompletion());
    const user = `retried-${status}`;
    const client = new OpenAI({ apiKey: 'sk-test', baseURL: `${weir.proxy.url}/openai/v1`, maxRetries: 2 });
    await client.chat.completions.create(
      { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hi' }] },
      { headers: { 'Weir-User': user } },
    );
    const rows = await until(90_000, 'both rows', async () => {
      const found = await weir.query<object>(
        `SELECT outcome, client_retry, cost_usd IS NOT NULL AS priced FROM requests WHERE user_id = '${user}' ORDER BY started_at`,
      );
      return found.length === 2 ? found : undefined;
    });
    expect(rows).toMatchObject([
      { outcome: 'provider_error', client_retry: 0, priced: 0 },
      { outcome: 'ok', client_retry: 1, priced: 1 },
    ]);
  },
);

test('a reply that is finished in the background is counted once, by the first call that hears its usage', async () => {
  const usage = {
    input_tokens: 30,
    output_tokens: 50,
    output_tokens_details: { reasoning_tokens: 20 },
    total_tokens: 80,
  };
  const reply = { id: 'resp_1', object: 'response', model: 'gpt-4o-mini', background: true, output: [] };
  let polls = 0;
  provider.script = (seen, response) => {
    if (seen.method === 'POST') json(response, { ...reply, status: 'queued', usage: null });
    else
      json(
        response,
        ++polls === 1 ? { ...reply, status: 'in_progress', usage: null } : { ...reply, status: 'completed', usage },
      );
  };
  const made = await ask({ background: true }, [], '/openai/v1/responses');
  expect(await weir.request(made.header('weir-id') ?? '')).toMatchObject({ usage_source: 'none', cost_usd: null });
  const costs: unknown[] = [];
  for (let poll = 0; poll < 4; poll++) {
    const got = await rawRequest(weir.proxy.url, { method: 'GET', path: '/openai/v1/responses/resp_1', headers: [] });
    costs.push((await weir.request(got.header('weir-id') ?? '')).cost_usd);
  }
  expect(costs.map((cost) => cost !== null)).toEqual([false, true, false, false]);
});

test('a reply that cannot be read leaves a row all the same', async () => {
  provider.script = (_, response) =>
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end('no gzip at all');
  const got = await ask();
  // A compressed reply is read later than its slab: nothing else has to come for its row to be sent.
  const row = await within(20_000, 'the row', weir.request(got.header('weir-id') ?? ''));
  expect(row.outcome).toBe('ok');
  expect(row.warnings).toContain('undecodable_body');
});
