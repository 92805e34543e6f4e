/**
 * A map whose members come and go all the time, in no order. JavaScript's own Map makes a new table whenever
 * deletions have filled the old one, and the old table goes on pointing to the new one (V8, `OrderedHashTable::Rehash`): once
 * one table is old, every member of every later one survives until the next full collection, and is copied twice on its way.
 */
const bucketCount = 1024;

interface Entry<V> {
  readonly key: number;
  readonly value: V;
}

/** By number: those that count up are spread evenly by their last digits. */
export class ChurnMap<V> {
  readonly #buckets: Entry<V>[][] = Array.from({ length: bucketCount }, () => []);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: number): V | undefined {
    const bucket = this.#bucket(key);
    const at = indexOf(bucket, key);
    return at === -1 ? undefined : bucket[at]?.value;
  }

  set(key: number, value: V): void {
    this.delete(key);
    this.#bucket(key).push({ key, value });
    this.#size++;
  }

  delete(key: number): void {
    const bucket = this.#bucket(key);
    const at = indexOf(bucket, key);
    if (at === -1) return;
    const last = bucket.pop() as Entry<V>;
    if (at < bucket.length) bucket[at] = last;
    this.#size--;
  }

  *values(): Generator<V> {
    for (const bucket of this.#buckets) for (const { value } of bucket) yield value;
  }

  #bucket(key: number): Entry<V>[] {
    return this.#buckets[key % bucketCount] as Entry<V>[];
  }
}

function indexOf(bucket: readonly Entry<unknown>[], key: number): number {
  for (let at = 0; at < bucket.length; at++) if (bucket[at]?.key === key) return at;
  return -1;
}
