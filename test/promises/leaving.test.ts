/** A client leaves, at every moment of a call with policies: nothing is asked afterwards, one row says so, nothing is left over. */
import { connect, type Socket } from 'node:net';
import type { AttemptRow, RequestRow } from '@weir/schema/records';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ask as askAdmin, firstKey, makeKey } from '../support/administration.ts';
import { until } from '../support/deadline.ts';
import { chatChunks, chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
let key: string;
/** Connections from Weir that the provider has seen end. */
let ended = 0;

beforeAll(async () => {
  provider = await startProvider((_, response) => json(response, chatCompletion()));
  provider.server.on('connection', (socket) => socket.on('close', () => ended++));
  weir = await startWeir({ openai: provider.url, groq: provider.url }, { OPENAI_API_KEY: 'sk-h', GROQ_API_KEY: 'gsk' });
  key = firstKey(weir.dataDir);
});
beforeEach(() => {
  provider.seen.length = 0;
  ended = 0;
});
afterEach(async () => {
  await until(10_000, 'no call is open', async () => {
    const health = (await (await fetch(`${weir.proxy.url}/weir/health`)).json()) as { open_requests: number };
    return health.open_requests === 0 ? true : undefined;
  });
  expect(await inFlight('openai/gpt-4o-mini')).toBe(0);
  expect(weir.proxy.log).toEqual([]);
});
afterAll(async () => {
  await weir.stop();
  await provider.close();
});

const body = JSON.stringify({ model: 'gpt-4o-mini', stream: true, messages: [{ role: 'user', content: 'Hi' }] });

/** Calls of a target that are on their way, as a dry run tells them. */
async function inFlight(target: string): Promise<number> {
  const asked = { settings: { name: 'x', target }, request: {} };
  const { json: told } = await askAdmin(weir.proxy.url, key, 'POST', '/routes/dry-run', asked);
  return (told.targets as { calls_in_flight: number }[])[0]?.calls_in_flight ?? -1;
}

/** Begins a call. @param sent of its body. */
function begin(id: string, headers: [string, string][], { sent = body, as = key } = {}): Socket {
  const url = new URL(weir.proxy.url);
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  const lines = [
    'POST /openai/v1/chat/completions HTTP/1.1',
    `Host: ${url.host}`,
    'Content-Type: application/json',
    `Weir-Id: ${id}`,
    `Weir-Key: ${as}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${body.length}`,
  ];
  socket.on('error', () => undefined).resume();
  socket.write(`${lines.join('\r\n')}\r\n\r\n${sent}`);
  return socket;
}
const asked = (count = 1): Promise<true> =>
  until(10_000, 'the provider is asked', () => (provider.seen.length >= count ? true : undefined));
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function rowsOf(id: string): Promise<{ row: RequestRow; attempts: AttemptRow[] }> {
  const rows = await until(20_000, 'its row', async () => {
    const found = await weir.query<RequestRow>(`SELECT * FROM requests WHERE client_request_id = '${id}'`);
    return found.length > 0 ? found : undefined;
  });
  await pause(300);
  expect(await weir.query(`SELECT 1 FROM requests WHERE client_request_id = '${id}'`)).toHaveLength(1);
  const [row] = rows as [RequestRow];
  const attempts = await weir.query<AttemptRow>(
    `SELECT * FROM attempts WHERE request_id = '${row.request_id}' ORDER BY attempt_index`,
  );
  expect(row.overhead_ms + row.wait_ms + row.upstream_ms).toBeCloseTo(row.duration_ms, 2);
  return { row, attempts };
}

const policies: [string, string][] = [
  ['Weir-Split', 'to=(openai/gpt-4o-mini)'],
  ['Weir-Retry', 'retries=3, min=50, max=50'],
  ['Weir-Fallback', 'to=(groq/llama-3.3-70b-versatile)'],
];
const sse = { 'content-type': 'text/event-stream' };

test.for(['', 'drain=5000'])('while an error’s body is read (%s): no other attempt', async (timeout, { task }) => {
  provider.script = (_, response) => {
    response.writeHead(503, { 'content-type': 'application/json' });
    response.write('{"error":');
    setTimeout(() => response.end('{}}'), 600);
  };
  const socket = begin(task.name, [
    ...policies,
    ...(timeout === '' ? [] : [['Weir-Timeout', timeout] as [string, string]]),
  ]);
  await asked();
  await pause(200);
  socket.destroy();
  await pause(1_000);
  expect(provider.seen).toHaveLength(1);
  const { row, attempts } = await rowsOf(task.name);
  expect([row.outcome, row.status, row.attempts]).toEqual(['cancelled', 499, 1]);
  expect(attempts).toHaveLength(1);
});

test('while the beginning of a 200 is looked at: the attempt was cancelled, and nothing is held against its target', async () => {
  provider.script = (_, response) => {
    response.writeHead(200, sse);
    response.write(': nothing yet\n\n');
  };
  for (let n = 1; n <= 6; n++) {
    const socket = begin(`peeked-${n}`, policies);
    await asked(n);
    await pause(100);
    socket.destroy();
    await until(5_000, 'the provider’s connection ends', () => (ended >= n ? true : undefined));
  }
  const { row, attempts } = await rowsOf('peeked-6');
  expect([row.outcome, row.status, row.attempts]).toEqual(['cancelled', 499, 1]);
  expect(attempts.map(({ outcome }) => outcome)).toEqual(['cancelled']);
  const health = (await (await fetch(`${weir.proxy.url}/weir/health`)).json()) as { circuits: object[] };
  expect(health.circuits).toEqual([]);
  expect(provider.seen).toHaveLength(6);
});

test('in mid-stream: the attempt was cancelled too', async () => {
  provider.script = (_, response) => {
    response.writeHead(200, sse);
    response.write(chatChunks(['one ', 'two ']).slice(0, 3).join(''));
  };
  for (const [id, headers] of [
    ['streamed', []],
    ['streamed-routed', policies],
  ] as const) {
    const socket = begin(id, [...headers]);
    await new Promise((resolve) => socket.once('data', resolve));
    await pause(50);
    socket.destroy();
    const { row, attempts } = await rowsOf(id);
    expect([row.outcome, row.status]).toEqual(['cancelled', 200]);
    expect(attempts.map(({ outcome, error_type }) => [outcome, error_type])).toEqual([['cancelled', '']]);
  }
});

test('while its body is held: nobody is asked', async () => {
  provider.script = (_, response) => json(response, chatCompletion());
  const half = begin('half', policies, { sent: body.slice(0, 40) });
  await pause(200);
  half.destroy();
  const { row, attempts } = await rowsOf('half');
  expect([row.outcome, row.status, row.attempts, attempts.length]).toEqual(['cancelled', 499, 0, 0]);
  expect(provider.seen).toHaveLength(0);
});

test('in a wait, with a limit on calls at once: the wait is over, and the next call may come', async () => {
  const { key: limited } = await makeKey(weir.proxy.url, key, {
    name: 'one at once',
    project: 'p',
    limits: [{ name: 'one', unit: 'concurrent', quota: 1, window: null }],
  });
  provider.script = (_, response) => json(response, { error: {} }, 503);
  const headers: [string, string][] = [
    ['Weir-Split', 'to=(openai/gpt-4o-mini)'],
    ['Weir-Retry', 'retries=3, min=60000, max=60000'],
  ];
  for (const id of ['waits-1', 'waits-2']) {
    const socket = begin(id, headers, { as: limited });
    await asked();
    await pause(200);
    // It waits, and is with nobody.
    expect(await inFlight('openai/gpt-4o-mini')).toBe(0);
    socket.destroy();
    const { row } = await rowsOf(id);
    expect([row.outcome, row.attempts, row.warnings]).toEqual(['cancelled', 1, []]);
    expect(row.wait_ms).toBeGreaterThan(50);
    provider.seen.length = 0;
  }
});
