/**
 * Weir's own keys: made once, shown once, kept as a hash. The list lives in the store; the proxy holds a copy in memory,
 * refreshed every two seconds, and the last good one on disk, so that it starts and serves while the store is away.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDb, type Db } from '@weir/schema/db';
import { insertRows } from '@weir/schema/insert';
import { keyRow, timeText, type KeyRow } from '@weir/schema/records';
import { z } from 'zod';

const refreshMs = 1_500;
export const keyPrefix = 'wk_';

/** A new key: its text, to be shown once, and the row that is kept. 256 random bits need no slow hash. */
export function makeKey(name: string, project: string): { text: string; row: KeyRow } {
  const text = keyPrefix + randomBytes(32).toString('base64url');
  return { text, row: keyRowOf(text, name, project) };
}

function keyRowOf(text: string, name: string, project: string): KeyRow {
  const at = timeText(Date.now() * 1000);
  const hash = hashKey(text);
  return { key_id: `key_${hash.slice(0, 12)}`, hash, name, project, created_at: at, disabled: false, updated_at: at };
}

export function hashKey(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export interface KeyHolder {
  keyId: string;
  project: string;
}

export class Keys {
  /** Whether the list is older than the store's, because the store does not answer. */
  stale = true;
  /** Hash → key. Looking a hash up tells nothing of the key, so that no comparison has to take constant time. */
  #known = new Map<string, KeyRow>();
  #timer: NodeJS.Timeout | null = null;
  #db: Db | null = null;
  readonly #first: KeyRow;
  readonly #copy: string;
  #copied = '';

  constructor(
    dataDir: string,
    private readonly clickhouseUrl: string,
  ) {
    this.#copy = join(dataDir, 'settings.json');
    this.#first = keyRowOf(readFirstKey(dataDir).text, 'first key', 'default');
    this.#replace(readCopy(this.#copy));
  }

  /** The holder of a key; null when it is unknown or disabled. */
  find(text: string): KeyHolder | null {
    const row = this.#known.get(hashKey(text));
    return row === undefined || row.disabled ? null : { keyId: row.key_id, project: row.project };
  }

  start(): void {
    const tick = async (): Promise<void> => {
      await this.#refresh();
      this.#timer = setTimeout(() => void tick(), refreshMs).unref();
    };
    void tick();
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#db?.close();
  }

  async #refresh(): Promise<void> {
    try {
      this.#db ??= openDb(this.clickhouseUrl, { application: 'weir-keys', timeoutMs: 5_000 });
      const rows = await listKeys(this.#db);
      if (!rows.some((row) => row.key_id === this.#first.key_id)) await insertRows(this.#db, 'keys', [this.#first]);
      this.#replace(rows);
      this.stale = false;
      this.#keepCopy(rows);
    } catch {
      // Told by `stale`, in /weir/health; the copy goes on serving.
      this.stale = true;
    }
  }

  #replace(rows: KeyRow[]): void {
    this.#known = new Map([this.#first, ...rows].map((row) => [row.hash, row]));
  }

  #keepCopy(rows: KeyRow[]): void {
    const text = JSON.stringify({ keys: rows });
    if (text === this.#copied) return;
    try {
      writeFileSync(`${this.#copy}.new`, text, { mode: 0o600, flush: true });
      renameSync(`${this.#copy}.new`, this.#copy);
      this.#copied = text;
    } catch {
      // The disk is full: the copy is older than the list in memory until there is room.
    }
  }
}

/** Every key in the store, newest version each. */
export async function listKeys(db: Db): Promise<KeyRow[]> {
  const result = await db.query({ query: 'SELECT * FROM keys FINAL ORDER BY key_id', format: 'JSONEachRow' });
  return z.array(keyRow).parse(await result.json());
}

/** The key made at the first start: `<data dir>/key`. `made`: just now. */
export function readFirstKey(dataDir: string): { text: string; made: boolean } {
  const path = join(dataDir, 'key');
  const made = !existsSync(path);
  if (made) writeFileSync(path, `${makeKey('', '').text}\n`, { mode: 0o600, flag: 'wx' });
  return { text: readFileSync(path, 'utf8').trim(), made };
}

/** The last good list. One that cannot be read (a torn file, another version's) is none: the store has it. */
function readCopy(path: string): KeyRow[] {
  try {
    return z.object({ keys: z.array(keyRow) }).parse(JSON.parse(readFileSync(path, 'utf8'))).keys;
  } catch {
    return [];
  }
}
