import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { hostile } from './hostile.ts';
import { openStore } from './support.ts';
import type { TestStore } from './support.ts';

// A deadline that only a hang reaches: the machine may be busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let store: TestStore;
beforeAll(async () => {
  store = await openStore();
  for (const query of [
    `CREATE TABLE requests (request_id UUID DEFAULT generateUUIDv7(), started_at DateTime64(6), provider LowCardinality(String), user_id String,
      duration_ms Float64, cost_usd Nullable(Decimal(18, 9)), tokens Nullable(UInt32), tags Array(String), properties Map(String, String))
      ENGINE = MergeTree ORDER BY started_at`,
    'CREATE TABLE attempts (request_id UUID, provider String) ENGINE = MergeTree ORDER BY request_id',
    'CREATE TABLE provider_keys (secret String) ENGINE = Memory',
    'CREATE FUNCTION IF NOT EXISTS owned AS x -> file(x)',
    'CREATE DATABASE hidden',
    'CREATE TABLE hidden.t (secret String) ENGINE = Memory',
    `INSERT INTO requests (started_at, provider, user_id, duration_ms, cost_usd, tokens, tags, properties)
      SELECT toDateTime64('2026-01-01', 6) + number * 600, ['openai', 'anthropic'][number % 2 + 1], 'u' || toString(number % 7), number, number / 1000, number, ['x'], map('team', 'a')
      FROM numbers(500)`,
  ]) {
    await store.client.command({ query });
  }
});
afterAll(() => store.remove());

/** Asks without credentials, as a stranger would. */
function ask(query: string, more = ''): Promise<Response> {
  return fetch(`${store.url}/?default_format=JSONEachRow${more}`, { method: 'POST', body: query });
}

describe('without the password', () => {
  test.for([
    'SELECT count() FROM requests',
    'SELECT count() FROM weir.requests FORMAT CSVWithNames',
    'WITH c AS (SELECT user_id, sum(cost_usd) AS cost FROM requests GROUP BY user_id) SELECT * FROM c ORDER BY cost DESC LIMIT 3',
    'SELECT user_id, row_number() OVER (PARTITION BY provider ORDER BY duration_ms DESC) AS n FROM requests QUALIFY n <= 2',
    'SELECT avg(duration_ms) OVER (ORDER BY started_at ROWS BETWEEN 5 PRECEDING AND CURRENT ROW) AS a, lagInFrame(tokens, 1) OVER w FROM requests WINDOW w AS (ORDER BY started_at)',
    'SELECT provider, quantiles(0.5, 0.95, 0.99)(duration_ms), quantileTDigestIf(0.9)(duration_ms, tokens > 3) FROM requests GROUP BY provider WITH TOTALS',
    "SELECT dateDiff('second', min(started_at), max(started_at)) AS d, date_trunc('hour', max(started_at)) FROM requests",
    'SELECT r.provider, count(a.request_id) FROM requests AS r LEFT JOIN attempts AS a USING (request_id) GROUP BY ALL',
    "SELECT provider FROM requests UNION ALL SELECT 'none' UNION DISTINCT SELECT provider FROM attempts",
    "SELECT properties['team'] AS team, mapKeys(properties), uniqExact(user_id) FROM requests GROUP BY 1, 2",
    "SELECT arrayMap(x -> upper(x), tags), arrayJoin(tags), has(tags, 'x') FROM requests LIMIT 1",
    'SELECT toStartOfHour(started_at) AS h, count() FROM requests GROUP BY h ORDER BY h WITH FILL STEP INTERVAL 1 HOUR LIMIT 200',
    "SELECT count() FROM requests WHERE user_id IN (SELECT user_id FROM requests WHERE tokens > 3) AND provider NOT IN ('a', 'b')",
    'SELECT * EXCEPT (tags, properties), round(cost_usd, 2) AS c FROM requests ARRAY JOIN tags AS t LIMIT 1 BY user_id',
    'SELECT number, count(tokens) FROM numbers(3) AS n LEFT JOIN requests AS r ON r.tokens = n.number GROUP BY number',
    'SELECT argMax(user_id, duration_ms), topK(3)(provider), groupUniqArray(5)(user_id), corr(duration_ms, tokens) FROM requests',
    "SELECT multiIf(tokens > 9, 'big', 'small') AS size, CASE provider WHEN 'openai' THEN 1 ELSE 2 END, tokens::String, CAST(tokens AS Nullable(Float64)), countIf(tokens > 1) FROM requests GROUP BY ALL",
    "SELECT extract(user_id, '\\\\d+'), user_id ILIKE 'U%', replaceRegexpOne(user_id, 'u', 'v'), JSONExtractString('{\"a\":\"b\"}', 'a') FROM requests LIMIT 1",
  ])('answers %s', async (query) => {
    const response = await ask(query);
    const text = await response.text();
    expect(response.status, text).toBe(200);
    expect(text.length).toBeGreaterThan(0);
  });

  test('binds parameters and keeps to its limits', async () => {
    const response = await ask(
      'SELECT count() AS n FROM requests WHERE user_id = {u:String}',
      '&param_u=u1&max_threads=1&max_execution_time=999',
    );
    expect(await response.json()).toEqual({ n: 72 });
    const limited = await ask("SELECT getSetting('max_execution_time')");
    expect(limited.status).toBe(403);
  });

  test.for(hostile)('refuses %s', async (query) => {
    const response = await ask(query, '&param_t=requests');
    const text = await response.text();
    expect(response.status, text).toBeGreaterThanOrEqual(400);
    expect(text).not.toContain('root:');
    expect(text).toMatch(/^Code: \d+\. DB::Exception: /);
    expect(text.trim().split('\n').length).toBeLessThan(4);
    // 400: not a statement at all; 403: a statement that is not allowed. Never a matter of what the engine found.
    expect([400, 403], text).toContain(response.status);
  });

  test.for([
    'readonly=0',
    'max_memory_usage=x%27',
    'allow_introspection_functions=1',
    'role=weir_admin',
    'database=hidden',
    'log_comment=x',
    'user=other',
  ])('refuses %s in the URL, or holds it to its limit', async (parameter) => {
    const response = await ask("SELECT file('/etc/passwd')", `&${parameter}`);
    expect(response.status).toBe(403);
  });

  test('bounds memory and time', async () => {
    const huge = await ask('SELECT groupArray(number) FROM numbers(1000000000)');
    expect(huge.status).toBe(500);
    expect(await huge.text()).toContain('MEMORY_LIMIT_EXCEEDED');
    const endless = await ask(
      'SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1',
      '&max_execution_time=1',
    );
    expect(endless.status).toBe(408);
  });
});

describe('who asks', () => {
  test.for([
    { 'x-clickhouse-user': 'default', 'x-clickhouse-key': 'wrong' },
    { 'x-clickhouse-user': 'weir', 'x-clickhouse-key': 'wrong' },
    { 'x-clickhouse-user': 'nobody' },
    { authorization: `Basic ${Buffer.from('default:wrong').toString('base64')}` },
    { authorization: 'Bearer x' },
  ])('a wrong credential is refused, never taken for none: %o', async (headers) => {
    const response = await fetch(`${store.url}/?query=SELECT%201`, { headers: headers as Record<string, string> });
    expect([response.status, response.headers.get('x-clickhouse-exception-code')]).toEqual([403, '516']);
  });

  test.for(['header', 'basic', 'url'])('the password is taken from %s', async (where) => {
    const headers: Record<string, string> = {};
    if (where === 'header') Object.assign(headers, { 'x-clickhouse-user': 'weir', 'x-clickhouse-key': store.password });
    if (where === 'basic')
      headers.authorization = `Basic ${Buffer.from(`default:${store.password}`).toString('base64')}`;
    const more = where === 'url' ? `&user=default&password=${store.password}` : '';
    const response = await fetch(`${store.url}/?query=SELECT%20count()%20FROM%20hidden.t${more}`, { headers });
    expect([response.status, await response.text()]).toEqual([200, '0\n']);
  });

  test.for([
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost:1' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ])('a page of another site is refused: %o', async (headers) => {
    const { request } = await import('node:http');
    const { port } = new URL(store.url);
    const status = await new Promise((resolve, reject) => {
      request({ port, path: '/?query=SELECT%201', headers: { ...headers } }, (answer) =>
        resolve(answer.resume().statusCode),
      )
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });

  test.for([
    ['evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['localhost', 200],
    ['[::1]:8123', 200],
    ['127.0.0.1:1', 200],
  ] as const)('the Host %s is answered with %i', async ([host, expected]) => {
    const { request } = await import('node:http');
    const { port } = new URL(store.url);
    const status = await new Promise((resolve, reject) => {
      request({ port, path: '/ping', headers: { host } }, (answer) => resolve(answer.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(expected);
  });
});
