/**
 * What people edit, followed while the process runs (CONTRACT.md §7): the store is asked every 1.5 s whether anything has
 * changed, so that a change made anywhere is in force within two seconds, one made here at once; the last good copy on disk
 * serves while the store is away. The copy holds what the tables hold: hashes and ciphertext, no secrets.
 */
import { readFileSync } from 'node:fs';
import { openDb, type Db } from '@weir/schema/db';
import { insertRows } from '@weir/schema/insert';
import {
  keyRow,
  limitRow,
  providerKeyRow,
  routeRow,
  type KeyRow,
  type LimitRow,
  type ProviderKeyRow,
  type RouteRow,
} from '@weir/schema/records';
import { z } from 'zod';
import { firstKeyRow } from './keys/text.ts';
import { repeat } from './repeat.ts';
import { replaceFile } from './replace-file.ts';

const refreshMs = 1_500;

/** Each table that is followed: what names a row of it. */
export const namedBy = {
  keys: 'key_id',
  provider_keys: 'provider_key_id',
  limits: 'limit_id',
  routes: 'name',
} as const;
export type EditedTable = keyof typeof namedBy;
const tables = Object.keys(namedBy) as EditedTable[];
const digestRow = z.object({ keys: z.string(), provider_keys: z.string(), limits: z.string(), routes: z.string() });

export interface EditedRows {
  keys: KeyRow[];
  provider_keys: ProviderKeyRow[];
  limits: LimitRow[];
  routes: RouteRow[];
}

const rowsOf = {
  keys: z.array(keyRow),
  provider_keys: z.array(providerKeyRow),
  limits: z.array(limitRow),
  routes: z.array(routeRow),
} satisfies { [T in EditedTable]: z.ZodType<EditedRows[T]> };

export interface EditedOptions {
  /** Path of the last good copy. */
  copy: string;
  clickhouseUrl: string;
  /** Text of the data directory's own key, whose row the store must have. */
  firstKey: string;
  /** Told at the start, and whenever something has changed. */
  onChange: (rows: EditedRows) => void;
}

export class Edited {
  /** Whether what is in force is older than the store's, because the store does not answer. */
  stale = true;
  rows: EditedRows;
  #db: Db | null = null;
  #stopRefreshing: () => void = () => undefined;
  /** What each of the store's tables was when it was read last. */
  #seen: Partial<Record<EditedTable, string>> = {};
  /** Counts the changes made here: a list that was read before one of them is not taken. */
  #changes = 0;
  #copied = false;

  constructor(private readonly options: EditedOptions) {
    this.rows = readCopy(options.copy);
    options.onChange(this.rows);
  }

  start(): void {
    this.#stopRefreshing = repeat(() => this.#refresh(), refreshMs);
  }

  async stop(): Promise<void> {
    this.#stopRefreshing();
    await this.#db?.close();
  }

  /** Takes a row that was just written to the store. */
  took<T extends EditedTable>(table: T, row: EditedRows[T][number]): void {
    this.#changes++;
    const name = (one: EditedRows[T][number]): unknown => (one as Record<string, unknown>)[namedBy[table]];
    const others = (this.rows[table] as EditedRows[T][number][]).filter((one) => name(one) !== name(row));
    this.#take({ ...this.rows, [table]: [...others, row] });
  }

  async #refresh(): Promise<void> {
    try {
      const db = (this.#db ??= openDb(this.options.clickhouseUrl, { application: 'weir-settings', timeoutMs: 5_000 }));
      const changes = this.#changes;
      const seen = await digests(db);
      const changed = tables.filter((table) => seen[table] !== this.#seen[table]);
      if (changed.length > 0) {
        const read = await Promise.all(changed.map(async (table) => [table, await readEdited(db, table)] as const));
        const rows: EditedRows = { ...this.rows, ...Object.fromEntries(read) };
        if (changes === this.#changes) {
          this.#take(rows);
          this.#seen = seen;
        }
        await this.#tellFirst(db, rows.keys);
      }
      this.stale = false;
      if (!this.#copied) this.#keepCopy();
    } catch {
      // Told by `stale`, in /weir/health; what is in force stays.
      this.stale = true;
    }
  }

  /** The store must know the first key, as the administrator it is: other proxies ask there. */
  async #tellFirst(db: Db, keys: readonly KeyRow[]): Promise<void> {
    const first = firstKeyRow(this.options.firstKey);
    const stored = keys.find((row) => row.key_id === first.key_id);
    if (stored?.created_by === stored?.key_id && stored !== undefined) return;
    // A version without roles had written it.
    const row = stored === undefined ? first : { ...stored, role: first.role, created_by: first.created_by };
    const told = { ...row, updated_at: first.updated_at };
    await insertRows(db, 'keys', [told]);
    this.took('keys', told);
  }

  #take(rows: EditedRows): void {
    this.rows = rows;
    this.#copied = false;
    this.options.onChange(rows);
    this.#keepCopy();
  }

  #keepCopy(): void {
    try {
      replaceFile(this.options.copy, JSON.stringify(this.rows));
      this.#copied = true;
    } catch {
      // The disk is full: the copy is older than what is in memory until there is room.
    }
  }
}

/** For each table a text that changes whenever one of its rows does. */
async function digests(db: Db): Promise<Record<EditedTable, string>> {
  const sums = tables.map((table) => `(SELECT toString(sum(cityHash64(tuple(*)))) FROM ${table} FINAL) AS ${table}`);
  const result = await db.query({ query: `SELECT ${sums.join(', ')}`, format: 'JSONEachRow' });
  return digestRow.parse((await result.json())[0]);
}

/** Every row of a table, newest version each. */
export async function readEdited<T extends EditedTable>(db: Db, table: T): Promise<EditedRows[T]> {
  const query = `SELECT * FROM ${table} FINAL ORDER BY ${namedBy[table]}`;
  const result = await db.query({ query, format: 'JSONEachRow' });
  return rowsOf[table].parse(await result.json()) as EditedRows[T];
}

/** The newest version of one row; undefined when there is none. */
export async function readOne<T extends EditedTable>(
  db: Db,
  table: T,
  id: string,
): Promise<EditedRows[T][number] | undefined> {
  const query = `SELECT * FROM ${table} FINAL WHERE ${namedBy[table]} = {id:String}`;
  const result = await db.query({ query, query_params: { id }, format: 'JSONEachRow' });
  return rowsOf[table].parse(await result.json())[0] as EditedRows[T][number] | undefined;
}

/** The last good copy. What cannot be read of it (a torn file, another version's) is none: the store has it. */
function readCopy(path: string): EditedRows {
  try {
    const none: never[] = [];
    const copy = z.object({
      keys: rowsOf.keys.catch(none),
      provider_keys: rowsOf.provider_keys.catch(none),
      limits: rowsOf.limits.catch(none),
      routes: rowsOf.routes.catch(none),
    });
    return copy.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return { keys: [], provider_keys: [], limits: [], routes: [] };
  }
}
