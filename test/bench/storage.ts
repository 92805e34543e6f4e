/**
 * `npx tsx test/bench/storage.ts`: what the sort key, the codecs and the skip indexes of schema/migrations cost and bring, on
 * the demo's traffic in a store of its own. Options: `--rows 100000 --runs 5 --variants zstd3,lz4`
 * (all of them when none is named). The figures stand in schema/README.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDb, type Db } from '@weir/schema/db';
import { migrate } from '@weir/schema/migrate';
import { startStore } from '@weir/schema/store/spawn';
import { historyDays } from '../../proxy/src/demo/history.ts';
import { ask, costOf } from './ask.ts';
import { fillHistory } from './fill.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '100000' },
    runs: { type: 'string', default: '5' },
    variants: { type: 'string' },
  },
});
const rows = Number(values.rows);
const runs = Number(values.runs);

/** `requests` as it is, and what else it might be: each an edit of its own statement, filled from it. */
const variants: { table: string; what: string; edit: (ddl: string) => string }[] = [
  {
    table: 'by_provider',
    what: 'ORDER BY (project, provider, started_at)',
    edit: (ddl) => replaceOnce(ddl, /ORDER BY \([^)]*\)/, 'ORDER BY (project, provider, started_at)'),
  },
  { table: 'zstd3', what: 'ZSTD(3) instead of ZSTD(1)', edit: (ddl) => replaceOnce(ddl, /ZSTD\(1\)/g, 'ZSTD(3)') },
  {
    table: 'lz4',
    what: 'LZ4 (the default) everywhere',
    edit: (ddl) => replaceOnce(ddl, / CODEC\((?:[^()]|\(\d+\))*\)/g, ''),
  },
  {
    table: 'fine',
    what: 'index_granularity 1024',
    edit: (ddl) => replaceOnce(ddl, /index_granularity = \d+/, 'index_granularity = 1024'),
  },
];

const dataDir = mkdtempSync(join(tmpdir(), 'weir-storage-'));
const store = await startStore({ dataDir, port: 0, deadline: 120_000, log: 'error' });
const db = openDb(store.adminUrl, { application: 'weir-bench', timeoutMs: 300_000 });
try {
  await migrate(store.adminUrl, { retainDays: 400, retainBodiesDays: 30 });
  await fillHistory(db, rows, ['attempts', 'requests']);
  await reportSizes(db);
  await reportColumns(db);
  const questions = await makeQuestions(db);
  await reportQueries(db, 'requests', questions);
  const wanted = values.variants?.split(',');
  for (const variant of variants.filter(({ table }) => wanted === undefined || wanted.includes(table))) {
    await makeVariant(db, variant);
    await reportSizes(db);
    await reportQueries(db, variant.table, questions);
    await db.command({ query: `DROP TABLE ${variant.table} SYNC` });
  }
} finally {
  await db.close();
  await store.stop();
  rmSync(dataDir, { recursive: true, force: true });
}

async function makeVariant(on: Db, { table, what, edit }: (typeof variants)[number]): Promise<void> {
  console.log(`\n${what}`);
  const [created] = await ask<{ statement: string }>(on, 'SHOW CREATE TABLE requests');
  const ddl = (created?.statement ?? '').replace(/^CREATE TABLE \S+/, `CREATE TABLE ${table}`);
  await on.command({ query: edit(ddl) });
  await on.command({ query: `INSERT INTO ${table} SELECT * FROM requests` });
}

function replaceOnce(text: string, pattern: RegExp, by: string): string {
  const changed = text.replace(pattern, by);
  if (changed === text) throw new Error(`${pattern} is not in the table's statement`);
  return changed;
}

async function reportSizes(on: Db): Promise<void> {
  const sizes = await ask<{ table: string; rows: string; bytes: string; marks: string }>(
    on,
    `SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes, sum(marks) AS marks
      FROM system.parts WHERE active AND database = currentDatabase()
        AND table IN ('requests', 'attempts', 'by_provider', 'zstd3', 'lz4', 'fine')
      GROUP BY table ORDER BY table`,
  );
  console.log('\nsize');
  console.table(
    sizes.map((row) => ({
      table: row.table,
      what: variants.find((variant) => variant.table === row.table)?.what ?? 'as migrated',
      rows: Number(row.rows),
      'bytes a row': Math.round((10 * Number(row.bytes)) / Number(row.rows)) / 10,
    })),
  );
  const indexes = await ask<{ name: string; bytes: string }>(
    on,
    `SELECT name, data_compressed_bytes AS bytes FROM system.data_skipping_indices
      WHERE database = currentDatabase() AND table = 'requests'`,
  );
  const total = Number(sizes.find((row) => row.table === 'requests')?.rows ?? 1);
  console.log('\nskip indexes of requests');
  console.table(indexes.map((row) => ({ name: row.name, 'bytes a row': (Number(row.bytes) / total).toFixed(2) })));
}

/** Small parts keep their columns in one file, without sizes of their own: a copy in wide parts tells them. */
async function reportColumns(on: Db): Promise<void> {
  const [created] = await ask<{ statement: string }>(on, 'SHOW CREATE TABLE requests');
  const ddl = (created?.statement ?? '').replace(/^CREATE TABLE \S+/, 'CREATE TABLE wide');
  await on.command({ query: `${ddl}, min_bytes_for_wide_part = 0` });
  await on.command({ query: 'INSERT INTO wide SELECT * FROM requests' });
  const columns = await ask<{ column: string; a_row: number; factor: number }>(
    on,
    `SELECT column, round(sum(column_data_compressed_bytes) / sum(rows), 2) AS a_row,
        round(sum(column_data_uncompressed_bytes) / sum(column_data_compressed_bytes), 1) AS factor
      FROM system.parts_columns WHERE active AND database = currentDatabase() AND table = 'wide'
      GROUP BY column ORDER BY a_row DESC LIMIT 10`,
  );
  console.log('\nlargest columns of requests');
  console.table(columns);
  await on.command({ query: 'DROP TABLE wide SYNC' });
}

type Question = [question: string, sql: (table: string) => string];

async function makeQuestions(on: Db): Promise<Question[]> {
  const [one] = await ask<{ id: string; at: string; user: string; named: string }>(
    on,
    `SELECT toString(request_id) AS id, toString(started_at) AS at, user_id AS user,
        (SELECT argMin(u, c) FROM (SELECT user_id AS u, count() AS c FROM requests WHERE u != '' GROUP BY u)) AS named
      FROM requests WHERE user_id != '' ORDER BY cityHash64(request_id) LIMIT 1`,
  );
  if (one === undefined) throw new Error('there are no rows');
  const byId = `request_id = '${one.id}'`;
  const hour = `started_at BETWEEN toDateTime64('${one.at}', 6, 'UTC') - INTERVAL 30 MINUTE
    AND toDateTime64('${one.at}', 6, 'UTC') + INTERVAL 30 MINUTE`;
  const off = 'SETTINGS use_skip_indexes = 0';
  const fortnight = `started_at > now() - INTERVAL ${historyDays} DAY`;
  return [
    ['one request by id, within its hour', (table) => `SELECT * FROM ${table} WHERE ${byId} AND ${hour}`],
    ['one request by id, no time bound', (table) => `SELECT * FROM ${table} WHERE ${byId}`],
    ['the same without skip indexes', (table) => `SELECT * FROM ${table} WHERE ${byId} ${off}`],
    ['rarest user, 14 days', (table) => userOf(table, one.named, fortnight)],
    ['the same without skip indexes', (table) => `${userOf(table, one.named, fortnight)} ${off}`],
    ['an ordinary user, 14 days', (table) => userOf(table, one.user, fortnight)],
    ['the same without skip indexes', (table) => `${userOf(table, one.user, fortnight)} ${off}`],
    ['p50, p95, p99 by hour, 14 days', (table) => percentilesOf(table, fortnight)],
    ['the newest 50', (table) => `SELECT * FROM ${table} ORDER BY started_at DESC, request_id DESC LIMIT 50`],
  ];
}

async function reportQueries(on: Db, table: string, questions: readonly Question[]): Promise<void> {
  const results: object[] = [];
  for (const [question, sql] of questions) {
    const { ms, rows: read } = await costOf(on, sql(table), runs);
    results.push({ question, ms: ms.toFixed(1), 'rows read': read });
  }
  console.log(`\n${table}: fastest of ${runs} runs, and the rows that were read`);
  console.table(results);
}

function userOf(table: string, user: string, range: string): string {
  return `SELECT started_at, request_id, response_model, duration_ms, cost_usd FROM ${table}
    WHERE user_id = '${user}' AND ${range} ORDER BY started_at DESC, request_id DESC LIMIT 50`;
}

function percentilesOf(table: string, range: string): string {
  return `SELECT toStartOfHour(started_at) AS hour, quantiles(0.5, 0.95, 0.99)(duration_ms) FROM ${table}
    WHERE ${range} GROUP BY hour ORDER BY hour`;
}
