import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
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

  test.for([
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT file('/etc/passwd')",
    "SELECT FILE('/etc/passwd')",
    "SELECT `file`('/etc/passwd')",
    'SELECT "file"(\'/etc/passwd\')',
    "SELECT file /* */ ('/etc/passwd')",
    "SELECT length(concat('a', file('/etc/passwd')))",
    "WITH file('/etc/passwd') AS f SELECT f",
    "SELECT (SELECT file('/etc/passwd'))",
    "SELECT arrayMap(x -> file(x), ['/etc/passwd'])",
    "SELECT arrayMap(file, ['/etc/passwd'])",
    "SELECT arrayMap(`file`, ['/etc/passwd'])",
    "SELECT arrayMap(FILE, ['/etc/passwd'])",
    "SELECT arrayFilter(x -> 1, arrayMap(file, ['/etc/passwd']))",
    "SELECT mapApply(file, map('a', 'b'))",
    "SELECT arrayMap(owned, ['/etc/passwd'])",
    "SELECT owned('/etc/passwd')",
    "SELECT * APPLY(x -> file('/etc/passwd')) FROM requests",
    "SELECT COLUMNS('user_id') APPLY(file) FROM requests",
    "SELECT * REPLACE (file('/etc/passwd') AS user_id) FROM requests",
    "SELECT user_id FROM requests ORDER BY file('/etc/passwd')",
    "SELECT user_id FROM requests WHERE file('/etc/passwd') != ''",
    "SELECT sum(1) OVER (PARTITION BY file('/etc/passwd')) FROM requests",
    "SELECT 1 FROM requests ORDER BY tokens WITH FILL INTERPOLATE (user_id AS file('/etc/passwd'))",
    "SELECT 1 FROM requests LIMIT length(file('/etc/passwd'))",
    "SELECT 1 FROM requests GROUP BY GROUPING SETS ((file('/etc/passwd')))",
    "SELECT * FROM url('http://127.0.0.1/', 'LineAsString')",
    "SELECT * FROM s3('http://127.0.0.1/b/k', 'CSV')",
    "SELECT * FROM remote('127.0.0.1', system.one)",
    "SELECT * FROM remoteSecure('127.0.0.1', system.one)",
    "SELECT * FROM cluster('default', system.one)",
    "SELECT * FROM executable('x', 'CSV', 'a String')",
    "SELECT * FROM mysql('127.0.0.1', 'a', 'b', 'c', 'd')",
    "SELECT * FROM postgresql('127.0.0.1', 'a', 'b', 'c', 'd')",
    "SELECT * FROM sqlite('/tmp/x', 't')",
    "SELECT * FROM merge('hidden', '.*')",
    "SELECT * FROM merge(REGEXP('.*'), '.*')",
    "SELECT * FROM mergeTreeIndex('hidden', 't')",
    "SELECT * FROM dictionary('d')",
    'SELECT * FROM loop(hidden.t)',
    'SELECT * FROM loop(requests)',
    "SELECT * FROM input('a String')",
    'SELECT * FROM view(SELECT * FROM hidden.t)',
    "SELECT * FROM fileCluster('default', '/etc/passwd')",
    'SELECT * FROM Python(x)',
    'SELECT * FROM hidden.t',
    'SELECT * FROM `hidden`.`t`',
    'SELECT * FROM hidden/**/.t',
    'SELECT t.secret FROM requests, hidden.t',
    'SELECT count() FROM requests JOIN hidden.t ON 1',
    "SELECT 1 WHERE 'x' IN hidden.t",
    "SELECT 1 WHERE 'x' IN (SELECT secret FROM hidden.t)",
    'SELECT 1 WHERE (1, 2) NOT IN system.tables',
    'SELECT in(1, hidden.t)',
    'SELECT 1 UNION ALL SELECT secret FROM hidden.t',
    'SELECT 1 EXCEPT SELECT secret FROM hidden.t',
    'WITH c AS (SELECT * FROM hidden.t) SELECT 1',
    'WITH RECURSIVE c AS (SELECT 1 UNION ALL SELECT 1 FROM system.processes) SELECT * FROM c',
    'SELECT exists(SELECT 1 FROM hidden.t)',
    'SELECT * FROM provider_keys',
    'SELECT * FROM weir.provider_keys',
    'SELECT * FROM system.processes',
    'SELECT * FROM system.one',
    'SELECT * FROM information_schema.tables',
    'SELECT * FROM INFORMATION_SCHEMA.TABLES',
    'SELECT * FROM default."/etc/passwd"',
    'SELECT * FROM "/etc/passwd"',
    "SELECT * FROM '/etc/passwd'",
    'SELECT * FROM {t:Identifier}',
    "SELECT dictGet('d', 'a', 1)",
    "SELECT joinGet('hidden.t', 'secret', 1)",
    "SELECT hasColumnInTable('hidden', 't', 'secret')",
    'SELECT sleep(3)',
    'SELECT sleepEachRow(1) FROM requests',
    'SELECT hostName(), FQDN()',
    "SELECT getSetting('max_threads')",
    "SELECT getServerSetting('x')",
    "SELECT getMacro('x')",
    'SELECT currentUser()',
    'SELECT addressToSymbol(1)',
    "SELECT aiGenerate('x')",
    "SELECT catboostEvaluate('/etc/passwd', 1)",
    'SELECT showCertificate()',
    'SELECT filesystemAvailable()',
    "SELECT 1 INTO OUTFILE '/tmp/weir-gate'",
    'SELECT 1 SETTINGS readonly = 0',
    'SELECT 1 SETTINGS max_memory_usage = 0',
    'SELECT 1 FORMAT JSON SETTINGS max_threads = 64',
    'SELECT * FROM (SELECT 1 SETTINGS max_threads = 64)',
    'SELECT 1; DROP TABLE requests',
    "SELECT 1;\nSELECT file('/etc/passwd')",
    'SET readonly = 0',
    'SET ROLE weir_admin',
    'EXPLAIN SELECT 1',
    'DESCRIBE TABLE requests',
    "DESCRIBE file('/etc/passwd')",
    'SHOW TABLES',
    'SHOW CREATE TABLE requests',
    'USE hidden',
    'KILL QUERY WHERE 1',
    'SYSTEM SHUTDOWN',
    'DROP TABLE requests',
    'CREATE TABLE x (a UInt8) ENGINE = Memory',
    'CREATE TABLE x ENGINE = Memory AS SELECT 1',
    "INSERT INTO requests (user_id) VALUES ('x')",
    "INSERT INTO requests (user_id) SELECT 'x'",
    "INSERT INTO FUNCTION file('/tmp/x') SELECT 1",
    'ALTER TABLE requests DELETE WHERE 1',
    'TRUNCATE TABLE requests',
    'OPTIMIZE TABLE requests',
    'DELETE FROM requests WHERE 1',
    'ATTACH TABLE x',
    "BACKUP DATABASE weir TO Disk('a', 'b')",
    'GRANT ALL ON *.* TO default',
    'CREATE FUNCTION f AS x -> file(x)',
    'SELECT 1 PARALLEL WITH SELECT 2',
    'EXECUTE AS default SELECT 1',
    'EXISTS TABLE hidden.t',
    'CHECK TABLE requests',
    'SELECT `a\\n  Function x` FROM requests',
    'SELECT \u0000 1',
    '',
  ])('refuses %s', async (query) => {
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
