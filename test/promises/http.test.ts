/** The details of HTTP that programs rely on (CONTRACT.md §3 to §6). */
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { until, within } from '../support/deadline.ts';
import { rawRequest } from '../support/http.ts';
import { chatChunks, chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await startProvider((_, response) => json(response, chatCompletion()));
  weir = await startWeir(
    { openai: provider.url, anthropic: provider.url, google: provider.url },
    { WEIR_ALLOW_TARGETS: `${new URL(provider.url).host}, refused.internal`, WEIR_CORS_ORIGINS: 'https://app.example' },
  );
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
const question = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hi' }] });
const ask = (headers: [string, string][] = [], path = chat): ReturnType<typeof rawRequest> =>
  rawRequest(weir.proxy.url, { path, body: question, headers: [['Content-Type', 'application/json'], ...headers] });

test('the raw request target is appended as it came', async () => {
  await rawRequest(weir.proxy.url, { method: 'GET', path: '/openai/v1//a%2Fb/../c?x=%20&y=a+b&&z' });
  expect(provider.seen[0]?.url).toBe('/v1//a%2Fb/../c?x=%20&y=a+b&&z');
});

test('any method passes, and HEAD leaves a row', async () => {
  for (const method of ['HEAD', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'PROPFIND']) {
    provider.script = (_, response) => response.writeHead(204).end();
    const got = await rawRequest(weir.proxy.url, { method, path: '/openai/v1/things' });
    expect(got.status, method).toBe(204);
    expect((await weir.request(got.header('weir-id') ?? '')).method).toBe(method);
  }
});

test('Weir’s own headers and hop-by-hop headers are not forwarded; an upstream’s Weir-* is dropped', async () => {
  provider.script = (_, response) => response.writeHead(200, { 'Weir-Id': 'forged', 'X-Own': 'kept' }).end('ok');
  const got = await ask([
    ['Weir-User', 'alice'],
    ['Helicone-User-Id', 'bob'],
    ['x-portkey-metadata', '{"a":"b"}'],
    ['cf-aig-metadata', '{"c":1}'],
    ['Proxy-Authorization', 'Basic x'],
    ['TE', 'trailers'],
    ['X-Custom', 'stays'],
  ]);
  const names = provider.seen[0]?.headers.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()) ?? [];
  expect(names.filter((name) => /^(weir-|helicone-|x-portkey-|cf-aig-|te$|proxy-)/.test(name))).toEqual([]);
  expect(names).toContain('x-custom');
  expect(got.header('weir-id')).not.toBe('forged');
  expect(got.header('x-own')).toBe('kept');
  const row = await weir.request(got.header('weir-id') ?? '');
  expect(row.user_id).toBe('bob');
  expect(row.properties).toEqual({ a: 'b', c: '1' });
});

test('a header may have any name, those of an object’s own members among them', async () => {
  const headers = ['__proto__', 'constructor', 'toString'].map((name): [string, string] => [name, 'x']);
  const got = await rawRequest(weir.proxy.url, { path: '/openai/v1/models', method: 'GET', headers });
  expect(got.status).toBe(200);
  expect(provider.seen[0]?.headers).toEqual(expect.arrayContaining(headers.flat()));
});

test('headers of 100 KB pass both ways', async () => {
  const long = 'x'.repeat(100_000);
  provider.script = (seen, response) =>
    response.writeHead(200, { 'x-long': long, 'x-seen': String(seen.headers.join('').length) }).end();
  const got = await ask([['X-Long', long]]);
  expect(got.header('x-long')).toBe(long);
  expect(Number(got.header('x-seen'))).toBeGreaterThan(100_000);
});

test('Expect: 100-continue is answered, and trailers pass', async () => {
  provider.script = (_, response) => {
    response.writeHead(200, { Trailer: 'X-Sum' });
    response.write('body');
    response.addTrailers({ 'X-Sum': '42' });
    response.end();
  };
  const url = new URL(weir.proxy.url);
  const socket = connect(Number(url.port), url.hostname);
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  socket.write(
    `POST ${chat} HTTP/1.1\r\nHost: ${url.host}\r\nExpect: 100-continue\r\nContent-Length: ${question.length}\r\n\r\n`,
  );
  await until(5_000, '100 Continue', () => (text.startsWith('HTTP/1.1 100') ? true : undefined));
  socket.write(question);
  await until(5_000, 'the trailer', () => (/X-Sum: 42/i.test(text) ? true : undefined));
  socket.destroy();
});

test('a preflight is answered by Weir, and a foreign page is refused', async () => {
  const preflight = (origin: string): ReturnType<typeof rawRequest> =>
    rawRequest(weir.proxy.url, {
      method: 'OPTIONS',
      path: chat,
      headers: [
        ['Origin', origin],
        ['Access-Control-Request-Method', 'POST'],
        ['Access-Control-Request-Headers', 'x-a'],
      ],
    });
  expect((await preflight('https://app.example')).header('access-control-allow-origin')).toBe('https://app.example');
  expect((await preflight('https://evil.example')).status).toBe(403);
  const refused = await ask([['Origin', 'https://evil.example']]);
  expect([refused.status, refused.header('weir-error')]).toEqual([403, 'forbidden_origin']);
  expect((await weir.request(refused.header('weir-id') ?? '')).outcome).toBe('blocked');
  expect(provider.seen).toHaveLength(0);
});

test('a Host that is not loopback is refused', async () => {
  const url = new URL(weir.proxy.url);
  const got = await within(
    5_000,
    'an answer',
    new Promise<string>((resolve) => {
      const socket = connect(Number(url.port), url.hostname, () =>
        socket.write(`GET /openai/v1/models HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`),
      );
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('close', () => resolve(text));
    }),
  );
  expect(got).toMatch(/^HTTP\/1.1 403/);
  expect(got).toMatch(/forbidden_origin/);
});

test('Weir’s errors have the shape of the API that was called', async () => {
  const cases: [path: string, check: (body: Record<string, never>) => unknown][] = [
    [chat, (body) => expect(body).toMatchObject({ error: { message: expect.any(String), code: 'bad_header' } })],
    [
      '/anthropic/v1/messages',
      (body) => expect(body).toMatchObject({ type: 'error', error: { message: expect.any(String) } }),
    ],
    [
      '/google/v1beta/models/gemini-2.5-flash:generateContent',
      (body) => expect(body).toMatchObject({ error: { code: 400, status: expect.any(String) } }),
    ],
  ];
  for (const [path, check] of cases) {
    const got = await ask([['Weir-Retry', 'retries=many']], path);
    expect([got.status, got.header('weir-error')], path).toEqual([400, 'bad_header']);
    check(JSON.parse(got.body.toString()) as Record<string, never>);
  }
  const unknown = await ask([], '/nobody/v1/chat');
  expect([unknown.status, unknown.header('weir-error')]).toEqual([404, 'unknown_provider']);
});

test('a provider that cannot be reached is a 502 that lists the attempt', async () => {
  const gone = await startProvider((_, response) => response.end());
  const other = await startWeir({ openai: gone.url });
  await gone.close();
  const got = await rawRequest(other.proxy.url, { path: chat, body: question });
  expect([got.status, got.header('weir-error')]).toEqual([502, 'upstream_unreachable']);
  expect(got.body.toString()).toContain('ECONNREFUSED');
  const row = await other.request(got.header('weir-id') ?? '');
  expect([row.outcome, row.error_type, row.attempts, row.cost_usd]).toEqual([
    'network_error',
    'network:ECONNREFUSED',
    1,
    null,
  ]);
  expect(await other.attempts(row.request_id)).toHaveLength(1);
  await other.stop();
});

test('an upstream that dies in mid-stream: an error event, an aborted connection, no [DONE], a truncated row', async () => {
  provider.script = async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const chunk of chatChunks(['a', 'b', 'c']).slice(0, 3)) response.write(chunk);
    await new Promise((resolve) => setTimeout(resolve, 50));
    response.destroy();
  };
  const got = await ask();
  expect(got.complete).toBe(false);
  expect(got.body.toString()).toContain('"error"');
  expect(got.body.toString()).not.toContain('[DONE]');
  const row = await weir.request(got.header('weir-id') ?? '');
  expect([row.outcome, row.status, row.usage_source]).toEqual(['truncated', 200, 'estimated']);
});

test('a compressed stream that dies is aborted, with not one byte of Weir’s in it', async () => {
  const whole = gzipSync(chatChunks(['a', 'b']).join(''));
  provider.script = async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
    response.write(whole.subarray(0, 40));
    await new Promise((resolve) => setTimeout(resolve, 50));
    response.destroy();
  };
  const got = await ask();
  expect(got.complete).toBe(false);
  expect(got.body.equals(whole.subarray(0, got.body.length))).toBe(true);
});

test('a client that leaves in mid-stream aborts the upstream at once and still leaves a row with its cost', async () => {
  let closed = false;
  provider.script = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const chunk of chatChunks(['one ', 'two ', 'three ']).slice(0, 4)) response.write(chunk);
    response.on('close', () => (closed = true));
  };
  const controller = new AbortController();
  const response = await fetch(weir.proxy.url + chat, { method: 'POST', body: question, signal: controller.signal });
  const id = response.headers.get('weir-id') ?? '';
  await response.body?.getReader().read();
  controller.abort();
  await until(2_000, 'the upstream is aborted', () => (closed ? true : undefined));
  const row = await weir.request(id);
  expect([row.outcome, row.status, row.usage_source]).toEqual(['cancelled', 200, 'estimated']);
  expect(Number(row.cost_usd)).toBeGreaterThan(0);
  expect(row.ttft_ms).not.toBeNull();
});

test('a client that leaves before the status line is recorded as 499', async () => {
  let aborted = false;
  provider.script = (_, __, incoming) => {
    incoming.socket.on('close', () => (aborted = true));
  };
  const controller = new AbortController();
  const asked = fetch(weir.proxy.url + chat, {
    method: 'POST',
    body: question,
    signal: controller.signal,
    headers: { 'weir-user': 'leaver' },
  });
  await until(2_000, 'the provider is asked', () => (provider.seen.length > 0 ? true : undefined));
  controller.abort();
  await asked.catch(() => undefined);
  await until(2_000, 'the upstream is aborted', () => (aborted ? true : undefined));
  const [row] = await until(10_000, 'a row', async () => {
    const rows = await weir.query<{ status: number; outcome: string }>(
      `SELECT status, outcome FROM requests WHERE user_id = 'leaver'`,
    );
    return rows.length > 0 ? rows : undefined;
  });
  expect(row).toEqual({ status: 499, outcome: 'cancelled' });
});

test('the times add up, and a slow client’s share is told', async () => {
  provider.script = async (_, response) => {
    await new Promise((resolve) => setTimeout(resolve, 60));
    json(response, chatCompletion());
  };
  const got = await ask();
  const row = await weir.request(got.header('weir-id') ?? '');
  expect(row.overhead_ms + row.wait_ms + row.upstream_ms).toBeCloseTo(row.duration_ms, 3);
  expect(row.upstream_ms).toBeGreaterThan(55);
  expect(got.header('server-timing')).toMatch(/^weir;dur=[\d.]+, wait;dur=0, upstream-headers;dur=[\d.]+$/);
});

test('/custom reaches listed hosts only', async () => {
  const target = new URL(provider.url);
  const good = await ask([['Weir-Target-Url', provider.url]], '/custom/v1/chat/completions');
  expect(good.status).toBe(200);
  const bad: [string, number, string][] = [
    ['http://169.254.169.254', 403, 'forbidden_target'],
    [`http://127.0.0.1:${new URL(weir.proxy.url).port}`, 403, 'forbidden_target'],
    [`http://user:pass@${target.host}`, 400, 'bad_header'],
    ['file:///etc/passwd', 400, 'bad_header'],
    [`${provider.url}#x`, 400, 'bad_header'],
    ['nonsense', 400, 'bad_header'],
  ];
  for (const [url, status, code] of bad) {
    const got = await ask([['Weir-Target-Url', url]], '/custom/v1/chat/completions');
    expect([got.status, got.header('weir-error')], url).toEqual([status, code]);
  }
  expect((await ask([['Weir-Target-Url', provider.url]])).status).toBe(400);
});

test('malformed identity headers never break a call, and are named', async () => {
  const got = await ask([
    ['Weir-User', 'u'.repeat(600)],
    ['Weir-Session', '%E2%82%AC uro'],
    ['traceparent', 'nonsense'],
    ['Weir-Property-Team', 'search'],
    ['Weir-Property-__proto__', 'x'],
  ]);
  expect(got.status).toBe(200);
  const row = await weir.request(got.header('weir-id') ?? '');
  expect(row.user_id).toHaveLength(512);
  expect(row.session_id).toBe('€ uro');
  expect(row.properties).toEqual(
    Object.fromEntries([
      ['team', 'search'],
      ['__proto__', 'x'],
    ]),
  );
  expect(row.warnings).toEqual(expect.arrayContaining(['cut_header:weir-user', 'malformed_header:traceparent']));
});

test('Weir-Log leaves bodies out, or blacks personal data out of them', async () => {
  const silent = await ask([['Weir-Log', 'bodies=?0']]);
  await weir.request(silent.header('weir-id') ?? '');
  const [count] = await weir.query<{ n: string }>(
    `SELECT count() AS n FROM bodies WHERE request_id = '${silent.header('weir-id')}'`,
  );
  expect(Number(count?.n)).toBe(0);
  const body = JSON.stringify({
    model: 'gpt-4o-mini',
    messages: [{ role: 'user', content: 'write to ada@example.com, card 4111 1111 1111 1111' }],
  });
  const redacted = await rawRequest(weir.proxy.url, {
    path: chat,
    body,
    headers: [['Weir-Log', 'redact=(email card)']],
  });
  const kept = await weir.body(redacted.header('weir-id') ?? '');
  expect(kept.request).toContain('write to [email], card [card]');
  expect(provider.seen.at(-1)?.body.toString()).toBe(body);
});
