/** Models that were used and have no price: named for people, and no more of them than can be read. */
export interface UnpricedModel {
  provider: string;
  model: string;
  requests: number;
}

const MOST = 50;
const LONGEST_NAME = 200;

export class UnpricedModels {
  readonly #known = new Map<string, UnpricedModel>();
  /** Calls of models for which there was no room. */
  others = 0;

  add(provider: string, model: string): void {
    const name = model.slice(0, LONGEST_NAME);
    const key = `${provider}\n${name}`;
    const known = this.#known.get(key);
    if (known !== undefined) known.requests++;
    else if (this.#known.size < MOST) this.#known.set(key, { provider, model: name, requests: 1 });
    else this.others++;
  }

  /** Other prices are in force: what is still without one will be seen again. */
  clear(): void {
    this.#known.clear();
    this.others = 0;
  }

  /** The most used first. */
  get list(): UnpricedModel[] {
    return [...this.#known.values()].sort((a, b) => b.requests - a.requests);
  }
}
