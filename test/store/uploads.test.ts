import { request } from 'node:http';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openTarget, post, rows, until } from './support.ts';
import type { Target } from './support.ts';

// A deadline that only a hang reaches: the machine may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let target: Target;
beforeAll(async () => {
  target = await openTarget();
  await target.client.command({
    query: "CREATE OR REPLACE TABLE u (id UInt64, name String DEFAULT 'none') ENGINE = MergeTree ORDER BY id",
  });
});
afterAll(() => target.remove());

const into = (format: string) => `&query=${encodeURIComponent(`INSERT INTO u (id, name) FORMAT ${format}`)}`;

async function total(): Promise<number> {
  return Number((await rows<{ n: number | string }>(target.client, 'SELECT count() AS n FROM u'))[0]!.n);
}

test.for(['JSONEachRow', 'CSVWithNames', 'Values', 'RowBinary', 'Parquet'])(
  'data larger than what is held in memory arrives whole as %s',
  async (format) => {
    await target.client.command({ query: 'TRUNCATE TABLE u' });
    const sql = `SELECT number AS id, repeat('x', 100) || toString(rand64()) AS name FROM numbers(200000) FORMAT ${format}`;
    const data = Buffer.from(await (await post(target, sql)).arrayBuffer());
    expect(data.length).toBeGreaterThan(format === 'Parquet' ? 1_000_000 : 16 * 1024 * 1024);
    const response = await post(target, data, into(format));
    expect([response.status, await response.text()]).toEqual([200, '']);
    expect(JSON.parse(response.headers.get('x-clickhouse-summary')!)).toMatchObject({ written_rows: '200000' });
    const [sum] = await rows<object>(target.client, 'SELECT toString(sum(id)) AS s, toString(count()) AS n FROM u');
    expect(sum).toEqual({ s: '19999900000', n: '200000' });
  },
);

test('the statement may stand before its data in a large body', async () => {
  const before = await total();
  const data = `{"id":1}\n`.repeat(2_000_000);
  const response = await post(target, `INSERT INTO u (id) SETTINGS max_threads = 1 FORMAT JSONEachRow\n${data}`);
  expect([response.status, await response.text()]).toEqual([200, '']);
  expect((await total()) - before).toBe(2_000_000);
});

test.for([
  ['CSV', '1,"a\n\nDROP TABLE u"\n2,"b"\n'],
  ['TSV', '1\ta\n\n2\tb\n'],
  ['JSONEachRow', '{"id":1}\n\n{"id":2}\n'],
  ['Values', "(1,'a\n\nDROP TABLE u')\n\n,(2,'b')"],
] as const)('an empty line in %s is data, and not an end with a next statement after it', async ([format, data]) => {
  await target.client.command({ query: 'TRUNCATE TABLE u' });
  const response = await post(target, data, into(format));
  // An empty line is no row of two columns in TSV: an error, and nothing else.
  expect(response.status).toBe(format === 'TSV' ? 400 : 200);
  expect(await total()).toBe(format === 'TSV' ? 0 : 2);
});

test('columns that the data leaves out get their defaults, in a file as in memory', async () => {
  await target.client.command({ query: 'TRUNCATE TABLE u' });
  for (const data of ['{"id":1}\n{"id":2,"name":"b"}\n', '{"id":3}\n\n{"id":4,"name":"d"}\n']) {
    const response = await post(target, data, into('JSONEachRow'));
    expect([response.status, await response.text()]).toEqual([200, '']);
  }
  expect(await rows(target.client, 'SELECT name FROM u ORDER BY id')).toEqual(
    ['none', 'b', 'none', 'd'].map((name) => ({ name })),
  );
});

test('a deduplication token counts for data that goes through a file', async () => {
  await target.client.command({
    query:
      'CREATE OR REPLACE TABLE once (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100',
  });
  const insert = `&insert_deduplication_token=a&query=${encodeURIComponent('INSERT INTO once FORMAT JSONEachRow')}`;
  for (let time = 0; time < 2; time++) expect((await post(target, '{"id":1}\n\n{"id":2}\n', insert)).status).toBe(200);
  expect(await rows(target.client, 'SELECT toString(count()) AS n FROM once')).toEqual([{ n: '2' }]);
});

test('an upload that breaks off inserts nothing and leaves nothing behind', async () => {
  const before = await total();
  const url = new URL(`${target.url}/?database=weir${into('JSONEachRow')}`);
  const sending = request(url, { method: 'POST', headers: { ...target.headers, 'content-length': 40_000_000 } });
  sending.on('error', () => undefined);
  if (!sending.write('{"id":7}\n'.repeat(2_500_000))) await once(sending, 'drain');
  sending.destroy();
  const { dataDir } = target;
  if (dataDir !== undefined)
    await until('its file is gone', () => Promise.resolve(readdirSync(join(dataDir, 'store-run', 'tmp')).length === 0));
  expect(await total()).toBe(before);
});
