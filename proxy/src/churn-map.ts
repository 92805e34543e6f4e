/**
 * A map from numbers whose members come and go all the time, in no order. JavaScript's own Map makes a new table whenever
 * deletions have filled the old one, and the old table goes on pointing to the new one (V8, `OrderedHashTable::Rehash`): once
 * one table is old, every member of every later one survives until the next full collection, and is copied twice on its way.
 */
const bucketCount = 1024;

interface Entry<V> {
  readonly key: number;
  readonly value: V;
}

export class ChurnMap<V> {
  readonly #buckets: Entry<V>[][] = Array.from({ length: bucketCount }, () => []);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: number): V | undefined {
    return this.#bucket(key).find((entry) => entry.key === key)?.value;
  }

  set(key: number, value: V): void {
    this.delete(key);
    this.#bucket(key).push({ key, value });
    this.#size++;
  }

  delete(key: number): void {
    const bucket = this.#bucket(key);
    const at = bucket.findIndex((entry) => entry.key === key);
    if (at === -1) return;
    const last = bucket.pop() as Entry<V>;
    if (at < bucket.length) bucket[at] = last;
    this.#size--;
  }

  *values(): Generator<V> {
    for (const bucket of this.#buckets) for (const { value } of bucket) yield value;
  }

  /** Keys are numbers that count up: their last digits spread them evenly. */
  #bucket(key: number): Entry<V>[] {
    return this.#buckets[key % bucketCount] as Entry<V>[];
  }
}
