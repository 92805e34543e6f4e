/**
 * What was found out for a text, remembered. Texts come from outside: of too many all are forgotten, and long ones are never kept.
 */
export class Memo<V> {
  readonly #known = new Map<string, V>();

  /** @param most texts that are kept. @param longest characters of one. */
  constructor(
    private readonly most: number,
    private readonly longest: number,
  ) {}

  get(text: string): V | undefined {
    return this.#known.get(text);
  }

  set(text: string, value: V): void {
    if (text.length > this.longest) return;
    if (this.#known.size >= this.most) this.#known.clear();
    this.#known.set(text, value);
  }
}
