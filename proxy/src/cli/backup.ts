/**
 * `weir backup` and `weir restore`: the embedded store as ClickHouse's own backup (docs: sql-reference/statements/backup), a
 * folder of checksummed parts, taken while Weir runs. A ClickHouse server has its own `BACKUP`, and places of its own.
 */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { openDb, type Db } from '@weir/schema/db';
import { quoteName, quoteString } from '@weir/schema/store/literal';
import { startStore } from '@weir/schema/store/spawn';
import { z } from 'zod';
import { sizeText } from './size.ts';
import { readSettings, say } from './start.ts';
import { failure, storeUrlOf } from './store-url.ts';
import { parseWords, UsageError } from './usage.ts';

/** A backup answers when it is done: hours for a large store. */
const longMs = 24 * 3_600_000;
const backupUsage = 'Usage: npm run weir -- backup [--to DIR] [--base EARLIER-BACKUP]';
const restoreUsage = 'Usage: npm run weir -- restore DIR (with WEIR_DATA_DIR a new directory, Weir not running there)';

/** Writes all tables to a new folder; with `--base` only what that earlier backup does not hold. */
export async function backup(words: string[]): Promise<void> {
  const { values, positionals } = parseWords(
    { args: words, allowPositionals: true, options: { to: { type: 'string' }, base: { type: 'string' } } },
    backupUsage,
  );
  if (positionals.length > 0) throw new UsageError(backupUsage);
  const settings = readSettings();
  if (settings.CLICKHOUSE_URL !== undefined) {
    throw new Error(
      'The store is a ClickHouse server, whose disks are its own: ask it for BACKUP DATABASE weir TO Disk(…), see docs/operations.md.',
    );
  }
  const target = resolve(values.to ?? join(settings.WEIR_DATA_DIR, 'backups', stamp(new Date())));
  if (existsSync(target)) throw new Error(`${target} exists already: a backup is a new folder.`);
  const base = values.base === undefined ? null : existingBackup(values.base);
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  const url = storeUrlOf(settings);
  const db = openDb(url, { application: 'weir-backup', timeoutMs: longMs });
  try {
    const against = base === null ? '' : ` SETTINGS base_backup = File(${quoteString(base)})`;
    const database = quoteName(new URL(url).pathname.slice(1));
    await db.command({ query: `BACKUP DATABASE ${database} TO File(${quoteString(target)})${against}` });
    const [made] = z
      .array(z.object({ files: z.coerce.number(), bytes: z.coerce.number() }))
      .parse(
        await json(
          db,
          'SELECT num_files AS files, total_size AS bytes FROM system.backups WHERE name = {name:String} ORDER BY start_time DESC LIMIT 1',
          { name: `File(${quoteString(target)})` },
        ),
      );
    say(
      `${target}: ${made?.files ?? '?'} files, ${sizeText(made?.bytes ?? 0)}${base === null ? '' : ` in all, with ${base}`}.`,
    );
    say(`To restore: WEIR_DATA_DIR=… npm run weir -- restore ${target}`);
  } catch (error) {
    throw failure(url, error);
  } finally {
    await db.close();
  }
}

/** Fills a data directory that has no tables yet; `npm start` brings them up to this version's schema. */
export async function restore(words: string[]): Promise<void> {
  const { positionals } = parseWords({ args: words, allowPositionals: true, options: {} }, restoreUsage);
  const [from] = positionals;
  if (from === undefined || positionals.length > 1) throw new UsageError(restoreUsage);
  const settings = readSettings();
  if (settings.CLICKHOUSE_URL !== undefined)
    throw new Error('CLICKHOUSE_URL is set: restore fills the embedded store only.');
  const source = existingBackup(from);
  const dataDir = resolve(settings.WEIR_DATA_DIR);
  const store = await startStore({ dataDir, port: 0, log: 'warn', deadline: 120_000 });
  const db = openDb(store.adminUrl, { application: 'weir-restore', timeoutMs: longMs });
  try {
    const tables = z.array(z.object({ name: z.string() })).parse(await json(db, 'SHOW TABLES'));
    if (tables.length > 0) {
      throw new Error(`${settings.WEIR_DATA_DIR} has tables already: restore into a new directory (WEIR_DATA_DIR).`);
    }
    await db.command({ query: `RESTORE DATABASE weir FROM File(${quoteString(source)})` });
    const counts = await json(
      db,
      'SELECT (SELECT count() FROM requests) AS requests, (SELECT count() FROM attempts) AS attempts, (SELECT count() FROM bodies) AS bodies',
    );
    const [{ requests, attempts, bodies }] = z
      .tuple([z.object({ requests: z.string(), attempts: z.string(), bodies: z.string() })])
      .parse(counts);
    say(
      `${settings.WEIR_DATA_DIR}: ${requests} requests, ${attempts} attempts, ${bodies} bodies. npm start goes on from here.`,
    );
  } finally {
    await db.close();
    await store.stop();
  }
}

function existingBackup(path: string): string {
  const whole = resolve(path);
  if (!existsSync(join(whole, '.backup'))) {
    const what = existsSync(whole) ? `holds ${readdirSync(whole).length} files but no .backup` : 'is not there';
    throw new Error(`${whole} is no backup: it ${what}.`);
  }
  return whole;
}

/** 2026-11-22T09-30-05: sorts by time, and is a name on every file system. */
function stamp(date: Date): string {
  return date.toISOString().slice(0, 19).replaceAll(':', '-');
}

async function json(db: Db, query: string, parameters: Record<string, string> = {}): Promise<unknown> {
  const result = await db.query({ query, format: 'JSONEachRow', query_params: parameters });
  return result.json();
}
