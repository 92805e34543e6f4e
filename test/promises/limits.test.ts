/** Limits hold, on every way through Weir, for calls at once as for one after the other, and over the death of the process. */
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { ask, firstKey, makeKey, type MadeKey } from '../support/administration.ts';
import { until, within } from '../support/deadline.ts';
import { rawRequest, type RawResponse } from '../support/http.ts';
import { chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { reachesStore, startWeir, type TestWeir } from '../support/weir.ts';

/** 1,000 tokens in and 1,000 out: at gpt-4o-mini's 15 and 60 cents a million, 750 millionths of a dollar. */
const usage = { prompt_tokens: 1000, completion_tokens: 1000, total_tokens: 2000 };
const nanosOfCall = 750_000;

let weir: TestWeir;
let provider: ScriptedProvider;
let sockets: WebSocketServer;
let admin = '';
let release: (() => void)[] = [];
beforeAll(async () => {
  provider = await startProvider(async (seen, response) => {
    if (seen.body.includes('"hold"')) await new Promise<void>((resolve) => release.push(resolve));
    if (seen.body.includes('"fail"')) return json(response, { error: { message: 'no' } }, 500);
    if (!seen.body.includes('"stream":true')) return json(response, { ...chatCompletion(), usage });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const chunk = { id: 'c', object: 'chat.completion.chunk', model: 'gpt-4o-mini' };
    const say = (more: object): void => void response.write(`data: ${JSON.stringify({ ...chunk, ...more })}\n\n`);
    say({ choices: [{ index: 0, delta: { role: 'assistant', content: 'Hello' } }] });
    say({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
    say({ choices: [], usage });
    response.end('data: [DONE]\n\n');
  });
  sockets = new WebSocketServer({ server: provider.server });
  weir = await startWeir({ openai: provider.url }, { OPENAI_API_KEY: 'sk-held' });
  admin = firstKey(weir.dataDir);
});
beforeEach(() => {
  provider.seen.length = 0;
  release = [];
});
afterAll(async () => {
  for (const one of release) one();
  await weir.stop();
  sockets.close();
  await provider.close();
});

const minute = { seconds: 60 };
const make = (limits: object[], more: object = {}): Promise<MadeKey> =>
  makeKey(weir.proxy.url, admin, { limits, ...more });
const body = (more: object = {}): string =>
  JSON.stringify({ model: 'gpt-4o-mini', max_tokens: 1000, messages: [{ role: 'user', content: 'Hi' }], ...more });

function call(key: string, headers: [string, string][] = [], text = body()): Promise<RawResponse> {
  return rawRequest(weir.proxy.url, {
    path: '/openai/v1/chat/completions',
    body: text,
    headers: [['Weir-Key', key], ['Content-Type', 'application/json'], ...headers],
  });
}

/** What a key has spent by the log, nano-dollars; once every call of it has its row. */
async function spent(keyId: string, calls: number): Promise<number> {
  return until(60_000, `${calls} rows of ${keyId}`, async () => {
    const [row] = await weir.query<{ rows: string; nanos: string }>(
      `SELECT count() AS rows, sum(toInt64(ifNull(cost_usd, 0) * 1000000000)) AS nanos FROM requests WHERE key_id = '${keyId}'`,
    );
    return Number(row?.rows) >= calls ? Number(row?.nanos) : undefined;
  });
}

test('requests: the refusal names the limit, how it stands, and when there is room', async () => {
  const { key, key_id } = await make([{ name: 'rpm', quota: 2, window: minute }]);
  const first = await call(key);
  expect(first.status).toBe(200);
  expect(first.header('ratelimit-policy')).toBe('"rpm";q=2;w=60');
  expect(first.header('ratelimit')).toMatch(/^"rpm";r=1;t=6[01]$/);
  expect((await call(key)).header('ratelimit')).toMatch(/^"rpm";r=0;t=\d+$/);
  const refused = await call(key);
  expect([refused.status, refused.header('weir-error')]).toEqual([429, 'limit_exceeded']);
  expect(Number(refused.header('retry-after'))).toBeGreaterThan(50);
  const { error } = JSON.parse(refused.body.toString()) as { error: { message: string; code: string } };
  expect(error.message).toMatch(/^The limit rpm is reached: 2 of 2 requests are taken. There is room from 20.+Z on\.$/);
  expect(provider.seen).toHaveLength(2);
  await spent(key_id, 3);
  const [row] = await weir.query(
    `SELECT outcome, error_type, attempts FROM requests WHERE key_id = '${key_id}' AND outcome = 'blocked'`,
  );
  expect(row).toMatchObject({ outcome: 'blocked', error_type: 'limit_exceeded', attempts: 0 });
});

test('200 calls at once against a dollar budget: the sum never passes it, and the refusals name it', async () => {
  // Room for twenty calls of known cost; what each may come to at most is more.
  const quota = (20 * nanosOfCall) / 1e9;
  const { key, key_id } = await make([{ name: 'day', unit: 'usd', quota, window: { calendar: 'day' } }]);
  let [answered, refused] = [0, 0];
  await Promise.all(
    Array.from({ length: 200 }, async () => {
      const got = await call(key);
      if (got.status === 200) answered++;
      else {
        refused++;
        expect(got.body.toString()).toContain('The limit day is reached: ');
        expect(got.body.toString()).toContain(`of ${quota} usd are taken; this call may come to 0.00`);
      }
    }),
  );
  expect(answered + refused).toBe(200);
  expect(refused).toBeGreaterThan(0);
  const nanos = await spent(key_id, 200);
  expect(nanos).toBe(answered * nanosOfCall);
  expect(nanos).toBeLessThanOrEqual(quota * 1e9);
  // What was reserved and not used is back: one after the other, all that fit are let through.
  const after = await until(60_000, 'the budget is used up', async () =>
    (await call(key)).status === 429 ? true : undefined,
  );
  expect(after).toBe(true);
  const made = provider.seen.length;
  expect(made * nanosOfCall).toBeLessThanOrEqual(quota * 1e9);
  // Less than the most that one more call might come to is left.
  expect(quota * 1e9 - made * nanosOfCall).toBeLessThan(2 * nanosOfCall);
});

test('calls at once: the third waits until one of the two has ended, or its client has left', async () => {
  const { key } = await make([{ name: 'at once', unit: 'concurrent', quota: 2 }]);
  const hold = body({ user: 'hold' });
  const first = call(key, [], hold);
  const second = call(key, [], hold);
  await until(20_000, 'two are held', async () => (release.length === 2 ? true : undefined));
  const third = await call(key);
  expect(third.status).toBe(429);
  expect(third.body.toString()).toContain('The limit at once is reached: 2 of 2 calls at once are taken.');
  release.shift()?.();
  release.shift()?.();
  expect((await Promise.all([first, second])).map(({ status }) => status)).toEqual([200, 200]);
  expect((await call(key)).status).toBe(200);
  // A client that leaves gives its place back.
  const controllers = [new AbortController(), new AbortController()];
  const left = controllers.map(({ signal }) =>
    fetch(`${weir.proxy.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { 'Weir-Key': key, 'Content-Type': 'application/json' },
      body: hold,
      signal,
    }).catch(() => undefined),
  );
  await until(20_000, 'two more are held', async () => (release.length === 2 ? true : undefined));
  for (const controller of controllers) controller.abort();
  await Promise.all(left);
  await until(20_000, 'their places are back', async () => ((await call(key)).status === 200 ? true : undefined));
});

test('a soft limit lets pass, and says so in a header and in the row', async () => {
  const { key, key_id } = await make([{ name: 'hint', quota: 1, window: minute, action: 'warn' }]);
  expect((await call(key)).header('weir-warning')).toBeUndefined();
  const second = await call(key);
  expect([second.status, second.header('weir-warning')]).toEqual([200, 'limit_exceeded;name="hint"']);
  await spent(key_id, 2);
  const rows = await weir.query<{ warnings: string[] }>(
    `SELECT warnings FROM requests WHERE key_id = '${key_id}' ORDER BY started_at`,
  );
  expect(rows.map(({ warnings }) => warnings)).toEqual([[], ['limit_exceeded:hint']]);
});

test('a model without a price is refused where a sum in dollars has to be held', async () => {
  const { key } = await make([{ name: 'day', unit: 'usd', quota: 1, window: minute }]);
  const got = await call(key, [], body({ model: 'no-such-model' }));
  expect(got.status).toBe(429);
  expect(got.body.toString()).toContain('no price of \\"no-such-model\\" is known: set one (docs/prices.md)');
  expect(provider.seen).toHaveLength(0);
});

test('tokens: a call that fails takes none, one that answers what it used', async () => {
  const { key } = await make([{ name: 'tokens', unit: 'tokens', quota: 6_500, window: minute }]);
  for (let failed = 0; failed < 5; failed++) {
    const got = await until(20_000, 'what was taken is back', async () => {
      const one = await call(key, [], body({ user: 'fail' }));
      return one.status === 429 ? undefined : one;
    });
    expect(got.status).toBe(500);
  }
  const passed = async (): Promise<true | undefined> => ((await call(key)).status === 200 ? true : undefined);
  for (let answered = 0; answered < 3; answered++) await until(20_000, 'there is room', passed);
  const before = provider.seen.length;
  expect((await call(key)).status).toBe(429);
  expect(provider.seen).toHaveLength(before);
});

describe('what is counted apart', () => {
  const cases: [string, object, [string, string][], [string, string][]][] = [
    ['user', { by: ['user'] }, [['Weir-User', 'a']], [['Weir-User', 'b']]],
    ['session', { by: ['session'] }, [['Weir-Session', 'a']], [['Weir-Session', 'b']]],
    ['property:team', { by: ['property:team'] }, [['Weir-Property-Team', 'a']], [['Weir-Property-Team', 'b']]],
    [
      'user and session',
      { by: ['user', 'session'] },
      [
        ['Weir-User', 'a'],
        ['Weir-Session', 'a'],
      ],
      [
        ['Weir-User', 'a'],
        ['Weir-Session', 'b'],
      ],
    ],
  ];
  test.each(cases)('%s', async (_, limit, one, other) => {
    const { key } = await make([{ name: 'apart', quota: 1, window: minute, ...limit }]);
    expect((await call(key, one)).status).toBe(200);
    expect((await call(key, one)).status).toBe(429);
    expect((await call(key, other)).status).toBe(200);
    // Calls that do not say whose they are share one count.
    expect((await call(key)).status).toBe(200);
    expect((await call(key)).status).toBe(429);
  });

  test('the user that only the body names', async () => {
    const { key } = await make([{ name: 'apart', quota: 1, window: minute, by: ['user'] }]);
    expect((await call(key, [], body({ user: 'a' }))).status).toBe(200);
    expect((await call(key, [], body({ user: 'a' }))).status).toBe(429);
    expect((await call(key, [['Weir-User', 'a']])).status).toBe(429);
    expect((await call(key, [], body({ safety_identifier: 'b' }))).status).toBe(200);
  });

  test('model and provider, and only those that match', async () => {
    const { key } = await make([
      { name: 'minis', quota: 1, window: minute, by: ['model'], match: { models: ['*-mini'] } },
    ]);
    expect((await call(key)).status).toBe(200);
    expect((await call(key)).status).toBe(429);
    expect((await call(key, [], body({ model: 'gpt-4.1-mini' }))).status).toBe(200);
    for (let n = 0; n < 3; n++) expect((await call(key, [], body({ model: 'gpt-4o' }))).status).toBe(200);
  });
});

describe('no way round', () => {
  const ways: [string, (key: string) => Promise<number>][] = [
    ['plain', async (key) => (await call(key)).status],
    ['streaming', async (key) => (await call(key, [], body({ stream: true }))).status],
    [
      'an unknown path',
      async (key) =>
        (await rawRequest(weir.proxy.url, { path: '/openai/v9/new', body: '{}', headers: [['Weir-Key', key]] })).status,
    ],
    [
      'a GET',
      async (key) =>
        (await rawRequest(weir.proxy.url, { path: '/openai/v1/models', headers: [['Weir-Key', key]] })).status,
    ],
    [
      'the key where the SDK has it',
      async (key) =>
        (
          await rawRequest(weir.proxy.url, {
            path: '/openai/v1/chat/completions',
            body: body(),
            headers: [['Authorization', `Bearer ${key}`]],
          })
        ).status,
    ],
    ['a WebSocket', (key) => upgrade(key)],
  ];
  test.each(ways)('%s', async (_, way) => {
    const { key } = await make([{ name: 'one', quota: 1, window: minute }]);
    expect((await call(key)).status).toBe(200);
    expect(await way(key)).toBe(429);
    expect(provider.seen).toHaveLength(1);
  });

  test('a key that another made counts under its maker’s limits too', async () => {
    const maker = await make([{ name: 'own', quota: 2, window: minute }], { role: 'editor' });
    const children = await Promise.all([1, 2].map(() => makeKey(weir.proxy.url, maker.key, {})));
    const [one, other] = children as [MadeKey, MadeKey];
    expect((await call(one.key)).status).toBe(200);
    expect((await call(other.key)).status).toBe(200);
    for (const { key } of [one, other, maker]) expect((await call(key)).status).toBe(429);
  });

  test('Weir-Limit tightens, for a key as for a call without one, and does not loosen', async () => {
    const { key } = await make([{ name: 'rpm', quota: 2, window: minute }]);
    const tight: [string, string][] = [
      ['Weir-Limit', '"mine";q=1;w=60;pk=user'],
      ['Weir-User', 'tight'],
    ];
    expect((await call(key, tight)).status).toBe(200);
    expect((await call(key, tight)).status).toBe(429);
    const loose: [string, string][] = [['Weir-Limit', '"rpm";q=1000;w=60']];
    expect((await call(key, loose)).status).toBe(200);
    expect((await call(key, loose)).status).toBe(429);
  });

  test('a Weir-Limit that does not parse is refused before anything is sent', async () => {
    const got = await call(admin, [['Weir-Limit', '"rpm";q=60']]);
    expect([got.status, got.header('weir-error')]).toEqual([400, 'bad_header']);
    expect(provider.seen).toHaveLength(0);
  });
});

/** The status with which an upgrade ended. */
function upgrade(key: string): Promise<number> {
  const client = new WebSocket(`${weir.proxy.url.replace('http', 'ws')}/openai/v1/realtime?model=gpt-realtime`, {
    headers: { 'Weir-Key': key },
  });
  client.on('error', () => undefined);
  return new Promise((resolve) => {
    client.on('open', () => {
      client.terminate();
      resolve(101);
    });
    client.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
  });
}

test('a WebSocket counts with each response, and is cut when it has passed its limit', async () => {
  const { key } = await make([{ name: 'tokens', unit: 'tokens', quota: 3_000, window: minute }]);
  const usage = { input_tokens: 1000, output_tokens: 1000, total_tokens: 2000 };
  sockets.once('connection', (socket) => {
    socket.on('message', (text) => {
      const id = String(text);
      socket.send(JSON.stringify({ type: 'response.created', response: { id } }));
      socket.send(JSON.stringify({ type: 'response.done', response: { id, status: 'completed', output: [], usage } }));
    });
  });
  const url = `${weir.proxy.url.replace('http', 'ws')}/openai/v1/realtime?model=gpt-realtime`;
  const client = new WebSocket(url, { headers: { 'Weir-Key': key } });
  const closed = once(client, 'close');
  await within(20_000, 'the connection is open', once(client, 'open'));
  client.on('error', () => undefined);
  client.send('one');
  await within(20_000, 'the first response', once(client, 'message'));
  client.send('two');
  // 4,000 of 3,000 tokens: the third would be one too many.
  await within(20_000, 'the connection is cut', closed);
  expect((await call(key)).status).toBe(429);
});

test('saved limits hold for every key, from the moment they are saved until they are removed', async () => {
  const saved = await ask(weir.proxy.url, admin, 'POST', '/limits', {
    name: 'team x',
    quota: 1,
    window: minute,
    match: { properties: { team: 'x' } },
  });
  expect(saved.status).toBe(201);
  const keys = await Promise.all([make([]), make([])]);
  const team: [string, string][] = [['Weir-Property-Team', 'x']];
  const statuses: number[] = [];
  for (const { key } of keys) statuses.push((await call(key, team)).status);
  expect(statuses).toEqual([200, 429]);
  expect((await call(keys[0].key)).status).toBe(200);
  const removed = await ask(weir.proxy.url, admin, 'DELETE', `/limits/${String(saved.json.limit_id)}`);
  expect(removed.status).toBe(200);
  expect((await call(keys[1].key, team)).status).toBe(200);
});

test('spend: by day and in each limit’s window, with the forecast of a calendar’s', async () => {
  const { key, key_id } = await make([
    { name: 'day', unit: 'usd', quota: 1, window: { calendar: 'day' }, by: ['user'] },
  ]);
  for (const user of ['a', 'a', 'b']) expect((await call(key, [['Weir-User', user]])).status).toBe(200);
  await spent(key_id, 3);
  const { json: told } = await ask(weir.proxy.url, admin, 'GET', `/keys/${key_id}/spend`);
  expect(told).toMatchObject({
    key_id,
    total: { requests: 3, tokens: 6000, cost_usd: '0.002250000', unpriced: 0 },
    limits: [
      {
        name: 'day',
        quota: 1,
        counts: [
          { of: ['a'], used: 0.0015 },
          { of: ['b'], used: 0.00075 },
        ],
      },
    ],
  });
  expect((told.limits as { forecast: number }[])[0]?.forecast).toBeGreaterThanOrEqual(0.00225);
});

test('after kill -9 in the middle: what was spent is still counted, and nothing is stuck', async () => {
  const quota = (10 * nanosOfCall) / 1e9;
  const { key, key_id } = await make([
    { name: 'day', unit: 'usd', quota, window: { calendar: 'day' } },
    { name: 'at once', unit: 'concurrent', quota: 3 },
  ]);
  for (let n = 0; n < 3; n++) expect((await call(key)).status).toBe(200);
  await spent(key_id, 3);
  // Two are in flight when the process dies.
  const held = [1, 2].map(() => call(key, [], body({ user: 'hold' })).catch(() => undefined));
  await until(20_000, 'two are held', async () => (release.length === 2 ? true : undefined));
  await weir.proxy.kill();
  await Promise.all(held);
  await weir.restartProxy();
  await reachesStore(weir.proxy.url);
  await spent(key_id, 5);
  await until(60_000, 'what was spent before is counted, and nothing waits', async () => {
    const { json: health } = await ask(weir.proxy.url, null, 'GET', '/health');
    const { limits, spool } = health as { limits: { restoring: number }; spool: { rows: number } };
    return limits.restoring === 0 && spool.rows === 0 ? true : undefined;
  });
  const interrupted = await weir.query<{ limit_usd: string }>(
    `SELECT toString(limit_usd) AS limit_usd FROM requests WHERE key_id = '${key_id}' AND outcome = 'interrupted'`,
  );
  expect(interrupted).toHaveLength(2);
  const taken = interrupted.reduce((sum, row) => sum + Math.round(Number(row.limit_usd) * 1e9), 0);
  expect(taken).toBeGreaterThan(0);
  // Nobody knows what the two came to: they stand at what they had taken.
  let answered = 3;
  for (let got = await call(key); got.status === 200; got = await call(key)) {
    answered++;
    await spent(key_id, answered + 2);
  }
  expect(answered * nanosOfCall + taken).toBeLessThanOrEqual(quota * 1e9);
  expect(answered).toBeGreaterThan(3);
});
