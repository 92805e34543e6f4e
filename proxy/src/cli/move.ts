/** `weir move --to URL`: everything recorded, from here to another ClickHouse; can be broken off and run again. */
import {
  add,
  copiedTables,
  copySpan,
  differingDays,
  type Copied,
  type CopiedTable,
  type Ends,
} from '@weir/schema/copy';
import { openDb, type Db } from '@weir/schema/db';
import { insertRows } from '@weir/schema/insert';
import { migrate } from '@weir/schema/migrate';
import type { Table } from '@weir/schema/records';
import { z } from 'zod';
import type { Settings } from '../env.ts';
import { openOwnStore } from './own-store.ts';
import { readSettings, say } from './start.ts';
import { failure, storeUrl } from './store-url.ts';
import { check, parseWords, UsageError } from './usage.ts';

const usage = 'Usage: npm run weir -- move --to http://user:password@host:8123/weir';
const statementMs = 6 * 3_600_000;
const dayMs = 86_400_000;

export async function move(words: string[]): Promise<void> {
  const { values, positionals } = parseWords(
    { args: words, allowPositionals: true, options: { to: { type: 'string' } } },
    usage,
  );
  if (values.to === undefined || positionals.length > 0) throw new UsageError(usage);
  const to = check('--to', storeUrl, values.to);
  const settings = readSettings();
  const from = await openOwnStore(settings);
  const source = openDb(from.url, { application: 'weir-move', timeoutMs: statementMs });
  const target = openDb(to, { application: 'weir-move', timeoutMs: statementMs });
  try {
    if (new URL(from.url).host === new URL(to).host) throw new Error('--to: that is where the data is now.');
    await migrate(to, {
      retainDays: settings.WEIR_RETAIN_DAYS,
      retainBodiesDays: settings.WEIR_RETAIN_BODIES_DAYS,
    }).catch((error: unknown) => {
      throw failure(to, error);
    });
    const complete = await moveAll({ source, target }, settings);
    if (!complete) {
      process.exitCode = 1;
      return;
    }
    say(
      'Everything is there. Stop Weir, run this once more for what came meanwhile, then start with CLICKHOUSE_URL set.',
    );
  } finally {
    await Promise.all([source.close(), target.close()]);
    await from.close();
  }
}

/** @returns whether every row of the source is on the target, unchanged. */
async function moveAll(ends: Ends, settings: Settings): Promise<boolean> {
  for (const table of Object.keys(smallTables) as SmallTable[]) await moveSmall(ends, table);
  let complete = true;
  for (const table of copiedTables) {
    const days = table.table === 'bodies' ? settings.WEIR_RETAIN_BODIES_DAYS : settings.WEIR_RETAIN_DAYS;
    const since = BigInt(Math.floor(Date.now() / dayMs) - days) * BigInt(dayMs * 1000);
    complete = (await moveTable(ends, table, since)) && complete;
  }
  return complete;
}

/** Days whose rows would be dropped for their age are not looked at: `since`, microseconds. */
async function moveTable(ends: Ends, table: CopiedTable, since: bigint): Promise<boolean> {
  const before = await differingDays(ends, table, since);
  let moved: Copied = { copied: 0, missing: 0, differing: 0 };
  for (const [index, day] of before.days.entries()) {
    const date = new Date(Number(day.from / 1000n)).toISOString().slice(0, 10);
    const done = await copySpan(ends, table, day);
    moved = add(moved, done);
    process.stderr.write(`${table.table} ${date}: ${done.copied} rows (day ${index + 1} of ${before.days.length})\n`);
  }
  // The proof is a second look, not the absence of an error.
  let left: Copied = { copied: 0, missing: 0, differing: 0 };
  const after = before.days.length === 0 ? before : await differingDays(ends, table, since);
  for (const day of after.days) left = add(left, await copySpan(ends, table, day, true));
  const more = after.days.length > 0 && left.missing + left.differing === 0 ? '; the target has rows of its own' : '';
  say(
    `${table.table}: ${moved.copied} rows copied, ${after.equal} days equal by count and checksum, ` +
      `${left.missing} rows missing, ${left.differing} differing${more}`,
  );
  return left.missing === 0 && left.differing === 0;
}

/** Small tables: what names a row, and what tells a newer version of it. Some are appended to: their rows have one version. */
const smallTables = {
  keys: { name: ['key_id'], version: 'updated_at', replaced: true },
  provider_keys: { name: ['provider_key_id'], version: 'updated_at', replaced: true },
  limits: { name: ['limit_id'], version: 'updated_at', replaced: true },
  routes: { name: ['name'], version: 'updated_at', replaced: true },
  route_versions: { name: ['name', 'version', 'at'], version: 'at', replaced: false },
  prices: { name: ['name'], version: 'updated_at', replaced: true },
  revisions: { name: ['revision_id', 'day'], version: 'updated_at', replaced: true },
  audit: { name: ['audit_id'], version: 'at', replaced: false },
} as const satisfies Partial<Record<Table, { name: readonly string[]; version: string; replaced: boolean }>>;
type SmallTable = keyof typeof smallTables;

/** Rows that the target does not know, or knows in an older version. */
async function moveSmall({ source, target }: Ends, table: SmallTable): Promise<void> {
  const { name, version } = smallTables[table];
  const nameOf = (row: Record<string, unknown>): string => name.map((key) => String(row[key])).join(' ');
  const known = new Map((await readSmall(target, table)).map((row) => [nameOf(row), String(row[version])]));
  const fresh = (await readSmall(source, table)).filter((row) => (known.get(nameOf(row)) ?? '') < String(row[version]));
  await insertRows(target, table, fresh);
  say(`${table}: ${fresh.length} copied`);
}

async function readSmall(db: Db, table: SmallTable): Promise<Record<string, unknown>[]> {
  const query = `SELECT * FROM ${table} ${smallTables[table].replaced ? 'FINAL' : ''}`;
  const result = await db.query({ query, format: 'JSONEachRow' });
  return z.array(z.record(z.string(), z.unknown())).parse(await result.json());
}
