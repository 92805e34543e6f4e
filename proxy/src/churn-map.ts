/**
 * A map whose members come and go all the time, in no order. JavaScript's own Map makes a new table whenever
 * deletions have filled the old one, and the old table goes on pointing to the new one (V8, `OrderedHashTable::Rehash`): once
 * one table is old, every member of every later one survives until the next full collection, and is copied twice on its way.
 */
const bucketCount = 1024;

interface Entry<V, K> {
  readonly key: K;
  readonly value: V;
}

/** By number, or by an id whose last characters are random. */
export class ChurnMap<V, K extends number | string = number> {
  readonly #buckets: Entry<V, K>[][] = Array.from({ length: bucketCount }, () => []);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: K): V | undefined {
    const bucket = this.#bucket(key);
    const at = indexOf(bucket, key);
    return at === -1 ? undefined : bucket[at]?.value;
  }

  set(key: K, value: V): void {
    this.delete(key);
    this.#bucket(key).push({ key, value });
    this.#size++;
  }

  delete(key: K): void {
    const bucket = this.#bucket(key);
    const at = indexOf(bucket, key);
    if (at === -1) return;
    const last = bucket.pop() as Entry<V, K>;
    if (at < bucket.length) bucket[at] = last;
    this.#size--;
  }

  *values(): Generator<V> {
    for (const bucket of this.#buckets) for (const { value } of bucket) yield value;
  }

  /** Numbers count up: their last digits spread them evenly, as the last characters of an id do. */
  #bucket(key: K): Entry<V, K>[] {
    return this.#buckets[(typeof key === 'number' ? key : endOf(key)) % bucketCount] as Entry<V, K>[];
  }
}

function indexOf<K>(bucket: readonly Entry<unknown, K>[], key: K): number {
  for (let at = 0; at < bucket.length; at++) if (bucket[at]?.key === key) return at;
  return -1;
}

function endOf(id: string): number {
  let end = 0;
  for (let at = Math.max(0, id.length - 4); at < id.length; at++) end = end * 31 + id.charCodeAt(at);
  return end;
}
