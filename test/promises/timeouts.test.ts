/** `Weir-Timeout`: clocks that run only where they were asked for. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { rawRequest } from '../support/http.ts';
import { chatChunks, chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await startProvider((_, response) => json(response, chatCompletion()));
  weir = await startWeir({ openai: provider.url });
});
beforeEach(() => {
  provider.script = (_, response) => json(response, chatCompletion());
});
afterAll(async () => {
  await weir.stop();
  await provider.close();
});

const ask = (timeout: string): ReturnType<typeof rawRequest> =>
  rawRequest(weir.proxy.url, {
    path: '/openai/v1/chat/completions',
    body: JSON.stringify({ model: 'gpt-4o-mini', messages: [], stream: true }),
    headers: [
      ['Content-Type', 'application/json'],
      ['Weir-Timeout', timeout],
    ],
  });
const sse = { 'content-type': 'text/event-stream' };

test.for([
  ['headers=200', 'timeout:headers'],
  ['total=200', 'timeout:total'],
] as const)('%s: no head in time is 504, in the shape of the API that was called', async ([timeout, trigger]) => {
  provider.script = () => undefined;
  const got = await ask(timeout);
  expect([got.status, got.header('weir-error')]).toEqual([504, 'upstream_timeout']);
  expect(JSON.parse(got.body.toString())).toMatchObject({ error: { code: 'upstream_timeout' } });
  expect(await weir.request(got.header('weir-id') ?? '')).toMatchObject({
    outcome: 'timeout',
    status: 504,
    error_type: trigger,
  });
});

test.for([
  ['idle=300', 'timeout:idle'],
  ['total=1500', 'timeout:total'],
] as const)(
  '%s: a stream that stands still, or goes on for too long, ends with an error in it',
  async ([timeout, trigger]) => {
    provider.script = (_, response) => {
      const chunks = chatChunks(['a', 'b', 'c']);
      response.writeHead(200, sse);
      response.write(chunks[0]);
      if (trigger === 'timeout:idle') return;
      const timer = setInterval(() => response.write(chunks[1]), 100);
      response.on('close', () => clearInterval(timer));
    };
    const got = await ask(timeout);
    expect(got.status).toBe(200);
    expect(got.complete).toBe(false);
    expect(got.body.toString()).toContain('upstream_timeout');
    expect(await weir.request(got.header('weir-id') ?? '')).toMatchObject({ outcome: 'timeout', error_type: trigger });
  },
);

test('clocks that do not run out change nothing', async () => {
  provider.script = (_, response) => {
    response.writeHead(200, sse);
    response.end(chatChunks(['a']).join(''));
  };
  const got = await ask('headers=60000, idle=60000, total=60000, drain=1000');
  expect(got.complete).toBe(true);
  expect(got.body.toString()).toBe(chatChunks(['a']).join(''));
  expect(await weir.request(got.header('weir-id') ?? '')).toMatchObject({ outcome: 'ok', input_tokens: 12 });
});

test.for(['headers=1.5', 'idle=-1', 'wait=3', 'headers="10"', 'total=99999999999', 'headers=('])(
  '%s is refused with a sentence',
  async (timeout) => {
    const got = await ask(timeout);
    expect([got.status, got.header('weir-error')]).toEqual([400, 'bad_header']);
    expect(got.body.toString()).toContain('weir-timeout');
  },
);

test('a connection that does not come about is given up as the clock says', async () => {
  const sockets: Socket[] = [];
  // It takes connections, and never says a word of TLS.
  const mute = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  const other = await startWeir({ openai: `https://127.0.0.1:${(mute.address() as AddressInfo).port}` });
  const started = Date.now();
  const got = await rawRequest(other.proxy.url, {
    path: '/openai/v1/chat/completions',
    body: JSON.stringify({ model: 'gpt-4o-mini', messages: [] }),
    headers: [
      ['Content-Type', 'application/json'],
      ['Weir-Timeout', 'headers=300'],
      ['Weir-Retry', 'retries=1, min=1, max=1'],
    ],
  });
  expect([got.status, got.header('weir-error'), got.header('weir-attempts')]).toEqual([504, 'upstream_timeout', '2']);
  expect(Date.now() - started).toBeLessThan(8_000);
  const attempts = await other.attempts(got.header('weir-id') ?? '');
  expect(attempts.map(({ outcome, error_type }) => [outcome, error_type])).toEqual([
    ['timeout', 'timeout:headers'],
    ['timeout', 'timeout:headers'],
  ]);
  expect(other.proxy.log).toEqual([]);
  for (const socket of sockets) socket.destroy();
  await other.stop();
  mute.close();
});

test('a client that is slow at first, with a policy, is not taken for a provider that stands still', async () => {
  const chunks = chatChunks(['a', 'b', 'c']);
  provider.script = (_, response) => {
    response.writeHead(200, sse);
    // More than a client takes at once, in the packet that decides.
    response.write(`${chunks[1]}: ${'x'.repeat(4_000_000)}\n\n`);
    const timer = setInterval(() => response.write(chunks[2]), 100);
    setTimeout(() => {
      clearInterval(timer);
      response.end(chunks.at(-1));
    }, 2_000);
  };
  const response = await fetch(`${weir.proxy.url}/openai/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'gpt-4o-mini', messages: [], stream: true }),
    headers: { 'content-type': 'application/json', 'weir-timeout': 'idle=700', 'weir-retry': 'retries=1' },
  });
  expect(await response.text()).toContain('[DONE]');
});
