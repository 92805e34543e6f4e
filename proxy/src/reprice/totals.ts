/** Sums before and after a repricing: of a day, of a model, of everything. */
import { nanosOf, usdText } from '../prices/decimal.ts';
import type { Change } from './change.ts';
import type { RecordedCall } from './rows.ts';

export class Totals {
  requests = 0;
  changed = 0;
  unpricedBefore = 0;
  unpricedAfter = 0;
  #before: bigint | null = null;
  #after: bigint | null = null;

  add(call: RecordedCall, change: Change | null): void {
    this.requests++;
    if (change !== null) this.changed++;
    const now = change === null ? call.cost_usd : change.cost_usd;
    if (call.cost_usd === null) this.unpricedBefore++;
    else this.#before = (this.#before ?? 0n) + nanosOf(call.cost_usd);
    if (now === null) this.unpricedAfter++;
    else this.#after = (this.#after ?? 0n) + nanosOf(now);
  }

  /** NULL where no request of the sum has a known cost. */
  get costBefore(): string | null {
    return this.#before === null ? null : usdText(this.#before);
  }

  get costAfter(): string | null {
    return this.#after === null ? null : usdText(this.#after);
  }

  /** How far the sums are apart, nano-dollars. */
  get difference(): bigint {
    const apart = (this.#after ?? 0n) - (this.#before ?? 0n);
    return apart < 0n ? -apart : apart;
  }
}
