/** A map of bounded size: what was used longest ago makes room. */
export class LruMap<K, V> {
  // A Map keeps the order in which its members came.
  readonly #members = new Map<K, V>();

  constructor(private readonly most: number) {}

  /** Uses a member. */
  get(key: K): V | undefined {
    const value = this.#members.get(key);
    if (value !== undefined) {
      this.#members.delete(key);
      this.#members.set(key, value);
    }
    return value;
  }

  /** Looks at a member without using it. */
  peek(key: K): V | undefined {
    return this.#members.get(key);
  }

  set(key: K, value: V): void {
    this.#members.delete(key);
    const [oldest] = this.#members.keys();
    if (oldest !== undefined && this.#members.size >= this.most) this.#members.delete(oldest);
    this.#members.set(key, value);
  }

  entries(): IterableIterator<[K, V]> {
    return this.#members.entries();
  }
}
