/**
 * Applies schema/migrations in order, each once. A migration is one statement in a numbered file; its checksum is kept,
 * so that a file changed after it was applied is refused. Statements are idempotent (`IF NOT EXISTS`), so that several
 * proxies may start at once.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { openDb, type Db } from './db.ts';
import { quoteName } from './store/literal.ts';

export interface MigrateOptions {
  /** `WEIR_RETAIN_DAYS`, `WEIR_RETAIN_BODIES_DAYS`. */
  retainDays: number;
  retainBodiesDays: number;
  /** Name of the cluster for `ON CLUSTER` and replicated engines; absent on one server and embedded. */
  cluster?: string;
}

/** The oldest server that is known to understand the schema: year and number of the release. */
const oldestServer = [26, 7] as const;

const appliedRow = z.object({ name: z.string(), checksum: z.string() });

/**
 * Creates the database and brings its tables up to date.
 * @throws with a sentence when the server is too old, or when an applied migration's file was changed.
 */
export async function migrate(url: string, options: MigrateOptions): Promise<void> {
  const { database, server } = splitDatabase(url);
  const admin = openDb(server, { application: 'weir-migrate' });
  try {
    await refuseOldServer(admin);
    await admin.command({ query: `CREATE DATABASE IF NOT EXISTS ${quoteName(database)} ${onCluster(options)}` });
  } finally {
    await admin.close();
  }
  const db = openDb(url, { application: 'weir-migrate', timeoutMs: 120_000 });
  try {
    await applyAll(db, options);
    await applyRetention(db, options);
  } finally {
    await db.close();
  }
}

async function applyAll(db: Db, options: MigrateOptions): Promise<void> {
  await db.command({
    query: `CREATE TABLE IF NOT EXISTS schema_migrations ${onCluster(options)}
      (name String, checksum String, applied_at DateTime64(6, 'UTC') DEFAULT now64(6))
      ENGINE = ${engine('ReplacingMergeTree(applied_at)', options)} ORDER BY name`,
  });
  const result = await db.query({
    query: 'SELECT name, checksum FROM schema_migrations FINAL',
    format: 'JSONEachRow',
  });
  const applied = new Map(
    z
      .array(appliedRow)
      .parse(await result.json())
      .map((row) => [row.name, row.checksum]),
  );
  for (const { name, sql } of await readMigrations()) {
    const checksum = createHash('sha256').update(sql).digest('hex');
    const before = applied.get(name);
    if (before === checksum) continue;
    if (before !== undefined) {
      throw new Error(`migration ${name} was changed after it had been applied; add a new one instead`);
    }
    await db.command({ query: fillIn(sql, options) });
    await db.insert({ table: 'schema_migrations', values: [{ name, checksum }], format: 'JSONEachRow' });
  }
}

/** Retention is a setting, not history: a table whose TTL is another than the one in force gets that one. */
async function applyRetention(db: Db, options: MigrateOptions): Promise<void> {
  const wanted: [table: string, column: string, days: number][] = [
    ['requests', 'started_at', options.retainDays],
    ['attempts', 'started_at', options.retainDays],
    ['bodies', 'started_at', options.retainBodiesDays],
    ['scores', 'request_started_at', options.retainDays],
  ];
  const result = await db.query({
    query: 'SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()',
    format: 'JSONEachRow',
  });
  const engines = new Map(
    z
      .array(z.object({ name: z.string(), engine_full: z.string() }))
      .parse(await result.json())
      .map((row) => [row.name, row.engine_full]),
  );
  for (const [table, column, days] of wanted) {
    if (engines.get(table)?.includes(`toIntervalDay(${days})`) === true) continue;
    await db.command({
      // Parts are dropped whole by their own dates: nothing has to be rewritten now.
      query: `ALTER TABLE ${table} ${onCluster(options)} MODIFY TTL toDateTime(${column}) + INTERVAL ${days} DAY
        SETTINGS materialize_ttl_after_modify = 0`,
    });
  }
}

/** All migrations, in order of their numbers. */
export async function readMigrations(): Promise<{ name: string; sql: string }[]> {
  // Resolved by package name, so that it works from source and from a bundle alike.
  const home = dirname(createRequire(import.meta.url).resolve('@weir/schema/package.json'));
  const directory = join(home, 'migrations');
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(names.map(async (name) => ({ name, sql: await readFile(join(directory, name), 'utf8') })));
}

function fillIn(sql: string, options: MigrateOptions): string {
  return sql
    .replaceAll('{{on_cluster}}', () => onCluster(options))
    .replaceAll('{{retain_days}}', String(options.retainDays))
    .replaceAll('{{retain_bodies_days}}', String(options.retainBodiesDays))
    .replace(/\{\{engine:([^}]*)\}\}/g, (_, name: string) => engine(name, options));
}

function onCluster(options: MigrateOptions): string {
  return options.cluster === undefined ? '' : `ON CLUSTER ${quoteName(options.cluster)}`;
}

/** `MergeTree` stays on one server; in a cluster it becomes `ReplicatedMergeTree` with the server's default path. */
function engine(name: string, options: MigrateOptions): string {
  return options.cluster === undefined ? name : `Replicated${name}`;
}

function splitDatabase(url: string): { database: string; server: string } {
  const parsed = new URL(url);
  const database = decodeURIComponent(parsed.pathname.slice(1)) || 'weir';
  parsed.pathname = '/default';
  return { database, server: parsed.href };
}

async function refuseOldServer(db: Db): Promise<void> {
  const result = await db.query({ query: 'SELECT version() AS version', format: 'JSONEachRow' });
  const [row] = z.tuple([z.object({ version: z.string() })]).parse(await result.json());
  const [year = 0, release = 0] = row.version.split('.').map(Number);
  if (year < oldestServer[0] || (year === oldestServer[0] && release < oldestServer[1])) {
    throw new Error(`ClickHouse ${row.version} is too old: Weir needs ${oldestServer.join('.')} or newer`);
  }
}
