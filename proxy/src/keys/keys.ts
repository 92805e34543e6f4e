/** Weir's own keys as calls find them: by the hash of their text, in memory. `edited.ts` keeps the list up to date. */
import type { KeyRow } from '@weir/schema/records';
import { settingsOf, type KeyHolder } from './holder.ts';
import { firstKeyRow, hashKey } from './text.ts';

/** One text of a key: its present one, or the one before the last rotation. */
interface Known {
  row: KeyRow;
  /** Null: the row is not one that this version understands. */
  holder: KeyHolder | null;
  /** Milliseconds since 1970; Infinity: for good. */
  until: number;
  /** It was replaced: `until` is the end of the overlap. */
  replaced: boolean;
}

export class Keys {
  /** Hash → key. Looking a hash up tells nothing of the key, so that no comparison has to take constant time. */
  #known = new Map<string, Known>();
  #rows = new Map<string, KeyRow>();

  /** @param first text of the data directory's own key, which is valid before the store has been asked. */
  constructor(private readonly first: string) {
    this.replace([]);
  }

  /** Takes another list; the first key is as the list has it, if it does. */
  replace(rows: readonly KeyRow[]): void {
    const first = firstKeyRow(this.first);
    const all = rows.some((row) => row.key_id === first.key_id) ? rows : [first, ...rows];
    const known = new Map<string, Known>();
    for (const row of all) {
      const holder = readHolder(row);
      const expires = row.expires_at === null ? Infinity : momentOf(row.expires_at);
      if (row.previous_hash !== '' && row.previous_until !== null) {
        const until = Math.min(expires, momentOf(row.previous_until));
        known.set(row.previous_hash, { row, holder, until, replaced: true });
      }
      known.set(row.hash, { row, holder, until: expires, replaced: false });
    }
    this.#known = known;
    this.#rows = new Map(all.map((row) => [row.key_id, row]));
  }

  /** Who made a key, nearest first; itself is not among them. */
  makersOf(holder: KeyHolder): KeyHolder[] {
    const makers: KeyHolder[] = [];
    const seen = new Set([holder.keyId]);
    for (let row = this.#makerOf(holder.keyId); row !== undefined && !seen.has(row.key_id);) {
      seen.add(row.key_id);
      const maker = readHolder(row);
      if (maker !== null) makers.push(maker);
      row = this.#makerOf(row.key_id);
    }
    return makers;
  }

  /** Ids of the keys that a key made, and of those that they made. */
  madeBy(keyId: string): string[] {
    const made = new Set<string>();
    for (let size = -1; size < made.size;) {
      size = made.size;
      for (const { key_id, created_by } of this.#rows.values()) {
        if (key_id !== keyId && (created_by === keyId || made.has(created_by))) made.add(key_id);
      }
    }
    return [...made];
  }

  /** Holders of every key that can be read. */
  holders(): KeyHolder[] {
    return [...this.#rows.values()].map(readHolder).filter((holder) => holder !== null);
  }

  #makerOf(keyId: string): KeyRow | undefined {
    return this.#rows.get(this.#rows.get(keyId)?.created_by ?? '');
  }

  /** The holder of a key; null when it is unknown, disabled, expired or replaced. @param at milliseconds since 1970. */
  find(text: string, at = Date.now()): KeyHolder | null {
    const known = this.#known.get(hashKey(text));
    return known === undefined || known.row.disabled || known.until <= at ? null : known.holder;
  }

  /** Why `find` knows no holder, as a sentence for whoever sent the key. */
  whyNot(text: string): string {
    const known = this.#known.get(hashKey(text));
    if (known === undefined) return 'This Weir key is not known here.';
    if (known.row.disabled) return 'This Weir key is disabled.';
    if (known.holder === null) return 'This Weir key was written by another version of Weir, and cannot be read here.';
    const at = new Date(known.until).toISOString();
    return known.replaced
      ? `This Weir key was replaced by a new one, and was valid until ${at}.`
      : `This Weir key has expired, at ${at}.`;
  }
}

function momentOf(time: string): number {
  return Date.parse(`${time.replace(' ', 'T')}Z`);
}

function readHolder(row: KeyRow): KeyHolder | null {
  try {
    return { keyId: row.key_id, ...settingsOf(row) };
  } catch {
    // Told to whoever sends the key: one row must not take the others with it.
    return null;
  }
}
