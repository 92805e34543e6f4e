import { StoreError } from './errors.ts';

/** A bounded number of places, and a bounded queue before them. */
export class Lane<Place> {
  readonly #free: Place[];
  readonly #waiting: Array<{ take(place: Place): void }> = [];
  readonly #name: string;
  readonly #maxWaiting: number;

  constructor(options: { name: string; places: readonly Place[]; maxWaiting: number }) {
    this.#name = options.name;
    this.#free = [...options.places];
    this.#maxWaiting = options.maxWaiting;
  }

  /** Waits for a place and does the work in it. A caller that has gone leaves the queue. */
  async use<Result>(signal: AbortSignal, work: (place: Place) => Promise<Result>): Promise<Result> {
    const place = await this.#take(signal);
    try {
      return await work(place);
    } finally {
      const next = this.#waiting.shift();
      if (next) next.take(place);
      else this.#free.push(place);
    }
  }

  #take(signal: AbortSignal): Promise<Place> {
    const place = this.#free.pop();
    if (place !== undefined) return Promise.resolve(place);
    if (this.#waiting.length >= this.#maxWaiting) {
      const message = `Too many simultaneous queries: ${this.#maxWaiting} wait already (${this.#name})`;
      return Promise.reject(new StoreError(202, 'TOO_MANY_SIMULTANEOUS_QUERIES', message));
    }
    return new Promise((resolve, reject) => {
      const entry = {
        take: (given: Place) => {
          signal.removeEventListener('abort', leave);
          resolve(given);
        },
      };
      const leave = () => {
        const at = this.#waiting.indexOf(entry);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(cancelled());
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(entry);
    });
  }
}

/** The caller went away before its statement was done. */
export function cancelled(): StoreError {
  return new StoreError(394, 'QUERY_WAS_CANCELLED', 'Query was cancelled');
}
