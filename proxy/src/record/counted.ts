/** Which stored replies have had their usage counted: they may be fetched again and again, and were billed once. */

const most = 10_000;

export class CountedReplies {
  readonly #ids = new Set<string>();

  /** @returns whether this is the first time that the reply is seen; of the latest ten thousand, since the process began. */
  first(id: string): boolean {
    if (this.#ids.has(id)) return false;
    // A set keeps the order in which its members came.
    const [oldest] = this.#ids;
    if (oldest !== undefined && this.#ids.size >= most) this.#ids.delete(oldest);
    this.#ids.add(id);
    return true;
  }
}
