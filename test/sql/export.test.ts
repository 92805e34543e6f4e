/** A million rows as CSV, JSON lines and Parquet: whole, at bounded memory, and with the same sums in another database. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore, rows, type TestStore } from '../store/support.ts';
import { within } from '../support/deadline.ts';
import { start } from './cli.ts';

// Its engine is a package of the platform: absent where npm could not install it.
const duckdb = await import('@duckdb/node-api').catch(() => undefined);
if (duckdb === undefined) console.log('SKIPPED sql/export, sums in DuckDB: it has no package for this machine.');

const million = 1_000_000;
const MiB = 1024 ** 2;
/** What `openStore` gives its engine. */
const cap = 1024 * MiB;
let store: TestStore;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'weir-export-'));
  store = await openStore();
  await store.client.command({
    query: `CREATE TABLE calls (id UInt64, started_at DateTime64(6, 'UTC'), model LowCardinality(String), words String,
      ms Float64, usd Nullable(Decimal(18, 9))) ENGINE = MergeTree ORDER BY id`,
  });
  await store.client.command({
    query: `INSERT INTO calls SELECT number, fromUnixTimestamp64Micro(1767225600000000 + toInt64(number) * 1000003),
      concat('model-', toString(number % 7)), if(number % 10 = 0, 'said "so",\\nüber', 'plain'), number / 8,
      if(number % 9 = 0, NULL, toDecimal64(number, 9) / 1000003) FROM numbers(${million})`,
  });
});
afterAll(async () => {
  await store.remove();
  rmSync(directory, { recursive: true, force: true });
});

/** Memory of a process that is its own, in bytes; 0 where the system does not tell, or when it has ended. */
function ownMemory(pid: number | undefined): number {
  try {
    const [, kilobytes = '0'] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return 0;
  }
}

async function exportTo(path: string): Promise<{ store: number; command: number }> {
  const child = start(store, ['sql', 'SELECT * FROM calls ORDER BY id', '--out', path]);
  const most = { store: 0, command: 0 };
  const timer = setInterval(() => {
    most.store = Math.max(most.store, ownMemory(store.pid));
    most.command = Math.max(most.command, ownMemory(child.pid));
  }, 25);
  try {
    const [code] = await within(150_000, `the export to ${path}`, once(child, 'exit'));
    expect(code).toBe(0);
    return most;
  } finally {
    clearInterval(timer);
  }
}

const sums = (from: string): string =>
  `SELECT count(*)::VARCHAR AS n, sum(id)::VARCHAR AS ids, sum(usd::DECIMAL(18, 9))::VARCHAR AS usd, count(usd)::VARCHAR AS priced,
    sum(ms)::VARCHAR AS ms, sum(length(words))::VARCHAR AS letters, count(DISTINCT model)::VARCHAR AS models,
    epoch_us(max(started_at))::VARCHAR AS latest FROM ${from}`;
const types =
  "{id: 'UBIGINT', started_at: 'TIMESTAMP', model: 'VARCHAR', words: 'VARCHAR', ms: 'DOUBLE', usd: 'DECIMAL(18, 9)'}";

test.for([
  ['calls.csv', (path: string) => `read_csv('${path}', header = true, columns = ${types}, nullstr = '\\N')`],
  ['calls.jsonl', (path: string) => `read_json('${path}', format = 'newline_delimited', columns = ${types})`],
  ['calls.parquet', (path: string) => `read_parquet('${path}')`],
] as const)('%s: a million rows, whole, at bounded memory, with equal sums in DuckDB', async ([name, reader]) => {
  const path = join(directory, name);
  const most = await exportTo(path);
  const size = statSync(path).size;
  console.log(
    `${name}: ${Math.round(size / MiB)} MiB; at most ${Math.round(most.store / MiB)} MiB in the store, ${Math.round(most.command / MiB)} MiB in the command`,
  );
  expect(most.store).toBeLessThan(cap);
  expect(most.command).toBeLessThan(160 * MiB);
  if (duckdb === undefined) return;
  const instance = await duckdb.DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const [there] = (await connection.runAndReadAll(sums(reader(path)))).getRowObjectsJson();
    const [here] = await rows<Record<string, string>>(
      store.client,
      `SELECT toString(count()) AS n, toString(sum(c.id)) AS ids, toString(sum(c.usd)) AS usd, toString(count(c.usd)) AS priced,
        sum(c.ms) AS ms, toString(sum(lengthUTF8(c.words))) AS letters, toString(uniqExact(c.model)) AS models,
        toString(toUnixTimestamp64Micro(max(c.started_at))) AS latest FROM calls AS c`,
    );
    expect({ ...there, ms: Number(there?.ms) }).toEqual({ ...here, ms: Number(here?.ms) });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
});
