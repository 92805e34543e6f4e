import { createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { openStore, rows, until } from './support.ts';
import type { TestStore } from './support.ts';

// A deadline that only a hang reaches: the machine may be busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let store: TestStore;
beforeAll(async () => {
  store = await openStore();
  await store.client.command({
    query: `CREATE TABLE t (id UInt64, name String, at DateTime64(6), cost Nullable(Decimal(18, 9)), tags Map(LowCardinality(String), String))
      ENGINE = MergeTree ORDER BY id`,
  });
});
afterAll(() => store.remove());

describe('@clickhouse/client', () => {
  test('pings', async () => {
    expect(await store.client.ping()).toEqual({ success: true });
    expect(await store.client.ping({ select: true })).toEqual({ success: true });
  });

  test('inserts JSON rows and reads them back exactly', async () => {
    const values = [
      {
        id: '18446744073709551615',
        name: "it's\n\t\\ \u0000 ü",
        at: '2026-01-02 03:04:05.123456',
        cost: '0.000000001',
        tags: { a: 'b' },
      },
      { id: 1, name: '', at: '2026-01-02 03:04:05', cost: null, tags: {} },
    ];
    const columns: [string, ...string[]] = ['id', 'name', 'at', 'cost', 'tags'];
    const { summary } = await store.client.insert({ table: 't', values, format: 'JSONEachRow', columns });
    expect(summary?.written_rows).toBe('2');
    const settings = {
      output_format_json_quote_64bit_integers: 1 as const,
      output_format_json_quote_decimals: 1 as const,
    };
    expect(await rows(store.client, 'SELECT * FROM t ORDER BY id', { clickhouse_settings: settings })).toEqual([
      { id: '1', name: '', at: '2026-01-02 03:04:05.000000', cost: null, tags: {} },
      { ...values[0], id: '18446744073709551615' },
    ]);
  });

  test('an empty insert is no rows', async () => {
    await store.client.insert({ table: 't', values: [], format: 'JSONEachRow' });
    const response = await post(store, 'INSERT INTO t (id) FORMAT JSONEachRow');
    expect(response.status).toBe(200);
  });

  test('binds parameters of every kind', async () => {
    const query =
      'SELECT {s:String} AS s, {a:Array(String)} AS a, {n:Nullable(String)} AS n, {d:DateTime64(3)} AS d, {m:Map(String, UInt8)} AS m';
    const query_params = {
      s: "'; DROP\t\\'\n",
      a: ["x'", 'y\\'],
      n: null,
      d: new Date('2026-01-02T03:04:05.678Z'),
      m: { k: 1 },
    };
    expect(await rows(store.client, query, { query_params })).toEqual([
      { s: query_params.s, a: query_params.a, n: null, d: '2026-01-02 03:04:05.678', m: { k: 1 } },
    ]);
  });

  test('parameters of queries at the same time do not mix', async () => {
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, v) => rows(store.client, 'SELECT {v:UInt32} AS v', { query_params: { v } })),
    );
    expect(answers).toEqual(answers.map((_, v) => [{ v }]));
  });

  test('a setting, even readonly, ends with its query', async () => {
    const ask = "SELECT getSetting('max_block_size') AS v, getSetting('readonly') AS r";
    const [before] = await rows(store.client, ask);
    for (let i = 0; i < 20; i += 1) {
      const clickhouse_settings = { max_block_size: '7', readonly: '2' };
      expect(await rows(store.client, ask, { clickhouse_settings })).toEqual([{ v: 7, r: 2 }]);
    }
    await store.client.command({ query: 'SET max_block_size = 9' });
    expect(await rows(store.client, ask)).toEqual([before]);
    await store.client.command({ query: 'CREATE TABLE writable (a UInt8) ENGINE = Memory' });
  });

  test.for([
    ['SELECT nope', 47, 404],
    ['SELECT * FROM nope', 60, 404],
    ['SELECT * FROM nodb.t', 81, 404],
    ['SELECT 1 FROM', 62, 400],
    ['SELEC 1', 62, 400],
    ['SELECT nofunction(1)', 46, 404],
    ['SELECT 1; SELECT 2', 62, 400],
    ["SELECT toUInt8('x')", 6, 400],
    ['CREATE TABLE t (a UInt8) ENGINE = Memory', 57, 500],
    ["SELECT 1 INTO OUTFILE '/tmp/x'", 48, 501],
  ] as const)('%s is error %i with status %i', async ([sql, code, status]) => {
    const response = await post(store, sql);
    const text = await response.text();
    expect([response.status, response.headers.get('x-clickhouse-exception-code')], text).toEqual([
      status,
      String(code),
    ]);
    expect(text).toMatch(
      new RegExp(`^Code: ${code}\\. DB::Exception: [^]*\\([A-Z_]+\\) \\(version [\\d.]+ \\(official build\\)\\)\\n$`),
    );
    expect(text).not.toContain('store-run');
    await expect(store.client.query({ query: sql, format: 'JSONEachRow' })).rejects.toMatchObject({ name: 'Error' });
  });

  test('compresses both ways', async () => {
    const client = createClient({ url: store.adminUrl, compression: { request: true, response: true } });
    try {
      await client.insert({ table: 't', values: [{ id: 77, name: 'z'.repeat(100_000) }], format: 'JSONEachRow' });
      expect(await rows(client, 'SELECT length(name) AS n FROM t WHERE id = 77')).toEqual([{ n: 100_000 }]);
    } finally {
      await client.close();
    }
    const response = await post(store, 'SELECT 1', '&enable_http_compression=1', { 'accept-encoding': 'gzip' });
    expect([response.headers.get('content-encoding'), await response.text()]).toEqual(['gzip', '1\n']);
  });

  test('streams a million rows whole, with one header and one footer', async () => {
    const csv = await (
      await post(store, 'SELECT number AS n, toString(n) AS s FROM numbers(1000000) FORMAT CSVWithNames')
    ).text();
    expect([csv.split('"n","s"').length, csv.trimEnd().split('\n').length]).toEqual([2, 1_000_001]);
    const json = await (await post(store, 'SELECT number AS n FROM numbers(1000000) FORMAT JSONCompact')).text();
    expect(JSON.parse(json)).toMatchObject({ rows: 1_000_000 });
    const parquet = Buffer.from(
      await (await post(store, 'SELECT number AS n FROM numbers(1000000) FORMAT Parquet')).arrayBuffer(),
    );
    expect([parquet.indexOf('PAR1'), parquet.lastIndexOf('PAR1'), parquet.subarray(4, -4).includes('PAR1')]).toEqual([
      0,
      parquet.length - 4,
      false,
    ]);
  });

  test('an error in mid-stream reaches the client as that error, and never as an end', async () => {
    const read = async (): Promise<void> => {
      const result = await store.client.query({
        query: 'SELECT throwIf(number = 900000) FROM numbers(1000000)',
        format: 'JSONEachRow',
      });
      for await (const _ of result.stream());
    };
    await expect(read()).rejects.toMatchObject({ code: '395' });
    const response = await post(store, 'SELECT throwIf(number = 900000) FROM numbers(1000000)');
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });

  test('a client that goes ends its query', async () => {
    const running = async (): Promise<boolean> =>
      (
        await rows<{ n: number }>(
          store.client,
          "SELECT count() AS n FROM system.processes WHERE query LIKE '%endless%' AND query NOT LIKE '%processes%'",
        )
      )[0]!.n > 0;
    const abort = new AbortController();
    const query = 'SELECT count() AS endless FROM numbers(1000000000000) WHERE sipHash64(number) = 1';
    const asked = store.client.query({ query, format: 'JSONEachRow', abort_signal: abort.signal });
    asked.catch(() => undefined);
    await until('the query runs', running);
    abort.abort();
    await expect(asked).rejects.toThrow(/abort/);
    await until('the query has ended', async () => !(await running()), 3_000);
  });

  test('a slow query is stopped at its limit', async () => {
    const clickhouse_settings = { max_execution_time: 1, max_block_size: '1' };
    const asked = rows(store.client, 'SELECT sleepEachRow(0.2) FROM numbers(100)', { clickhouse_settings });
    await expect(asked).rejects.toMatchObject({ code: '159' });
  });

  test('an insert does not wait behind readers', async () => {
    const readers = Array.from({ length: 30 }, () => rows(store.client, 'SELECT sleep(2)'));
    const started = performance.now();
    // Not through the client: it opens ten connections at most, and they are busy.
    expect((await post(store, 'INSERT INTO t (id) VALUES (5)')).status).toBe(200);
    expect(performance.now() - started).toBeLessThan(4_000);
    await Promise.all(readers);
  });
});

describe('the HTTP interface', () => {
  test('joins the query of the URL and the body', async () => {
    const url = `&query=${encodeURIComponent('INSERT INTO t (id, name) FORMAT TabSeparated')}`;
    expect((await post(store, '900\tone\n901\ttwo;\n', url)).status).toBe(200);
    expect(
      (await post(store, "VALUES (902, 'three;')", `&query=${encodeURIComponent('INSERT INTO t (id, name)')}`)).status,
    ).toBe(200);
    expect(
      await (await post(store, ' FROM t WHERE id >= 900 AND id < 999', '&query=SELECT%20groupArray(name)')).text(),
    ).toBe("['one','two;','three;']\n");
  });

  test.for(['JSONCompactEachRowWithNames', 'CSVWithNames', 'Parquet', 'Native', 'RowBinary', 'ArrowStream', 'Values'])(
    'writes out and takes in %s',
    async (format) => {
      await store.client.command({ query: `CREATE OR REPLACE TABLE f (a UInt8, b String) ENGINE = Memory` });
      const out = await post(
        store,
        `SELECT toUInt8(number) AS a, '\\n \\t;\\'' AS b FROM numbers(10, 5) FORMAT ${format}`,
      );
      const response = await post(
        store,
        Buffer.from(await out.arrayBuffer()),
        `&query=INSERT%20INTO%20f%20FORMAT%20${format}`,
      );
      expect([response.status, await response.text()]).toEqual([200, '']);
      expect(
        await rows(store.client, "SELECT count() AS n, sum(a) AS s, countIf(b = '\\n \\t;\\'') AS b FROM f"),
      ).toEqual([{ n: 5, s: 60, b: 5 }]);
    },
  );

  test('names the format, the query and the server', async () => {
    const response = await post(store, 'SELECT 1 AS format FORMAT JSONEachRow', '&query_id=mine');
    const names = ['format', 'query-id', 'timezone', 'server-display-name'].map((name) =>
      response.headers.get(`x-clickhouse-${name}`),
    );
    expect(names).toEqual(['JSONEachRow', 'mine', 'UTC', 'weir']);
    expect(JSON.parse(response.headers.get('x-clickhouse-summary') ?? '')).toMatchObject({ result_rows: '1' });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    expect(await response.text()).toBe('{"format":1}\n');
  });

  test('GET reads and does not write', async () => {
    const ask = (query: string) => fetch(`${store.url}/?query=${encodeURIComponent(query)}`, { headers: key(store) });
    expect(await (await ask('SELECT 1')).text()).toBe('1\n');
    expect((await ask('DROP TABLE t')).headers.get('x-clickhouse-exception-code')).toBe('164');
    expect(await (await fetch(`${store.url}/ping`)).text()).toBe('Ok.\n');
  });
});

function key(of: TestStore): Record<string, string> {
  return { 'x-clickhouse-user': 'default', 'x-clickhouse-key': of.password };
}

function post(
  of: TestStore,
  body: string | Buffer,
  more = '',
  headers: Record<string, string> = {},
): Promise<Response> {
  const payload = typeof body === 'string' ? body : new Uint8Array(body);
  return fetch(`${of.url}/?database=weir${more}`, {
    method: 'POST',
    body: payload,
    headers: { ...key(of), ...headers },
  });
}
