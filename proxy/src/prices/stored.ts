/** Prices that people set, in the store's table `prices`: a list of rules (`own`), and a newer list (`list`). */
import { readFileSync } from 'node:fs';
import { openDb, type Db } from '@weir/schema/db';
import { insertRows } from '@weir/schema/insert';
import { priceRow, timeText, type PriceRow } from '@weir/schema/records';
import { z } from 'zod';
import { repeat } from '../repeat.ts';
import { replaceFile } from '../replace-file.ts';
import { builtInBook, makeBook, versionOf, type PriceBook } from './book.ts';
import { builtInList, makeList } from './list.ts';
import { parseList } from './list-file.ts';

const refreshMs = 2_000;
const rows = z.array(priceRow);

/** The newest version of each document. */
export async function readStored(db: Db): Promise<PriceRow[]> {
  const result = await db.query({ query: 'SELECT * FROM prices FINAL ORDER BY name', format: 'JSONEachRow' });
  return rows.parse(await result.json());
}

/** Replaces a document. What it holds must have been parsed before. @returns its version. */
export async function writeStored(db: Db, name: PriceRow['name'], document: unknown): Promise<string> {
  const hash = versionOf(document);
  const version = name === 'list' && hash !== '' ? `${new Date().toISOString().slice(0, 10)}-${hash}` : hash;
  const updated_at = timeText(Date.now() * 1000);
  await insertRows(db, 'prices', [
    { name, version, document: JSON.stringify(document), updated_at } satisfies PriceRow,
  ]);
  return version;
}

/** The prices in force. An empty document takes nothing from the built-in list. @throws PriceFileError */
export function bookOf(stored: readonly PriceRow[]): PriceBook {
  const document = (name: PriceRow['name']): unknown[] => {
    const row = stored.find((candidate) => candidate.name === name);
    return row === undefined ? [] : z.array(z.unknown()).parse(JSON.parse(row.document));
  };
  const list = document('list');
  const version = stored.find(({ name }) => name === 'list')?.version ?? '';
  return makeBook(
    list.length === 0 ? builtInList : makeList(`genai-prices@${version}`, parseList(list)),
    document('own'),
  );
}

/**
 * The prices in force, followed while the process runs: the store is asked every two seconds, and the last good copy on
 * disk serves while it is away.
 */
export class Prices {
  book: PriceBook = builtInBook;
  /** Told when other prices have come into force. */
  onChange: () => void = () => undefined;
  #seen = '';
  #stopRefreshing: () => void = () => undefined;
  #db: Db | null = null;

  constructor(
    private readonly copy: string,
    private readonly clickhouseUrl: string,
  ) {
    try {
      this.#take(rows.parse(JSON.parse(readFileSync(copy, 'utf8'))));
    } catch {
      // None yet, or one that cannot be read: the built-in prices until the store has been asked.
    }
  }

  start(): void {
    this.#stopRefreshing = repeat(() => this.#refresh(), refreshMs);
  }

  async stop(): Promise<void> {
    this.#stopRefreshing();
    await this.#db?.close();
  }

  async #refresh(): Promise<void> {
    try {
      this.#db ??= openDb(this.clickhouseUrl, { application: 'weir-prices', timeoutMs: 5_000 });
      const query = 'SELECT name, version, toString(updated_at) AS at FROM prices FINAL ORDER BY name';
      const seen = await (await this.#db.query({ query, format: 'JSONCompactEachRow' })).text();
      if (seen === this.#seen) return;
      const stored = await readStored(this.#db);
      this.#take(stored);
      this.#seen = seen;
      this.#keep(JSON.stringify(stored));
      this.onChange();
    } catch {
      // The store is away (which /weir/health says), or has prices that cannot be read: those in force stay.
    }
  }

  #take(stored: readonly PriceRow[]): void {
    this.book = stored.length === 0 ? builtInBook : bookOf(stored);
  }

  #keep(text: string): void {
    try {
      replaceFile(this.copy, text);
    } catch {
      // The disk is full: the copy is older until there is room.
    }
  }
}
