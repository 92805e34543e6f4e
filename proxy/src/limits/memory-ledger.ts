/** Counts in this process's memory. What has left its window is forgotten. */
import type { Ask, Decision, Ledger, Standing, Sums, Taken } from './ledger.ts';
import type { Frame } from './window.ts';

/** Amounts by slot, oldest first: few of the sixty are in use for most. */
interface Count {
  slots: number[];
  amounts: number[];
  /** When the last of it leaves, ms since 1970. */
  until: number;
}

/** How many counts are looked at for each that is made: enough to keep up with users who come once. */
const sweptAtOnce = 4;

export class MemoryLedger implements Ledger {
  readonly survives = false;
  readonly awaySince = null;
  onLost = (): void => undefined;
  readonly #counts = new Map<string, Count>();
  readonly #told = new Set<string>();
  #sweep: MapIterator<[string, Count]> | null = null;
  /** Counts that were made since old ones were looked at. */
  #made = 0;

  /** Counts that are held. */
  get size(): number {
    return this.#counts.size;
  }

  take(_id: string, asks: readonly Ask[], at: number): Decision {
    const counts: (Count | undefined)[] = [];
    const amounts: number[] = [];
    for (const ask of asks) {
      const count = this.#find(ask);
      const sum = total(count);
      // The index is that of the first ask without room: what comes after it is not looked at.
      if (ask.hard && !fits(ask, sum)) return { standings: this.#standings(asks, at), refused: counts.length };
      counts.push(count);
      amounts.push(ask.amount ?? Math.max(0, ask.quota - sum));
    }
    for (let index = 0; index < asks.length; index++) {
      counts[index] = this.#add(asks[index] as Ask, counts[index], amounts[index] ?? 0);
    }
    // Not before: a count whose window is over would be swept away while this call adds to it.
    if (this.#made > 0) this.#forgetSome(at);
    // Two asks may be of the same count: how it stands is asked when all is added.
    return { standings: asks.map((ask, index) => standingOf(ask, counts[index], at)), refused: null, amounts };
  }

  settle(_id: string, taken: readonly Taken[], used: readonly number[]): void {
    for (let index = 0; index < taken.length; index++) {
      const { count, slot, amount } = taken[index] as Taken;
      const found = this.#counts.get(count);
      // What is settled was taken a moment ago, mostly: its slot is among the last.
      const place = found?.slots.lastIndexOf(slot) ?? -1;
      if (found === undefined || place === -1) continue; // Its window is over.
      const left = Math.max(0, (found.amounts[place] ?? 0) + (used[index] ?? amount) - amount);
      found.amounts[place] = left;
      if (left === 0 && total(found) === 0) this.#counts.delete(count);
    }
  }

  add(asks: readonly (Ask & { amount: number })[], at: number): Standing[] {
    const added = asks.map((ask) => this.#add(ask, this.#find(ask), ask.amount));
    if (this.#made > 0) this.#forgetSome(at);
    return asks.map((ask, index) => standingOf(ask, added[index], at));
  }

  claim(ruleId: string, at: number): number | null {
    return this.#told.has(ruleId) ? null : at;
  }

  isTold(ruleId: string): boolean {
    return this.#told.has(ruleId);
  }

  recounted(): readonly string[] {
    return [];
  }

  restore(ruleId: string, sums: Sums, frame: Frame): void {
    this.#told.add(ruleId);
    for (const [name, bySlot] of sums) {
      const count = this.#counts.get(name) ?? { slots: [], amounts: [], until: 0 };
      for (const [slot, amount] of bySlot) {
        const place = count.slots.indexOf(slot);
        if (place !== -1) count.amounts[place] = (count.amounts[place] ?? 0) + amount;
        else {
          const after = count.slots.findIndex((one) => one > slot);
          count.slots.splice(after === -1 ? count.slots.length : after, 0, slot);
          count.amounts.splice(after === -1 ? count.amounts.length : after, 0, amount);
        }
      }
      count.until = frame.leaves(count.slots.at(-1) ?? frame.slot);
      this.#counts.set(name, count);
    }
  }

  #standings(asks: readonly Ask[], at: number): Standing[] {
    return asks.map((ask) => standingOf(ask, this.#find(ask), at));
  }

  /** A count without what has left the frame. */
  #find({ count: name, frame }: Ask): Count | undefined {
    const count = this.#counts.get(name);
    if (count !== undefined) forget(count, frame);
    return count;
  }

  /** @param found the count, where there is one. @returns it, or the one that was made. */
  #add({ count: name, frame }: Ask, found: Count | undefined, amount: number): Count {
    const count = found ?? this.#counts.get(name) ?? this.#make(name);
    const last = count.slots.length - 1;
    if (count.slots[last] === frame.slot) count.amounts[last] = (count.amounts[last] ?? 0) + amount;
    else {
      count.slots.push(frame.slot);
      count.amounts.push(amount);
    }
    count.until = frame.leaves(frame.slot);
    return count;
  }

  #make(name: string): Count {
    const count: Count = { slots: [], amounts: [], until: 0 };
    this.#counts.set(name, count);
    this.#made++;
    return count;
  }

  /** Each new count pays for looking at a few old ones, so that their number is bounded by the calls of a window. */
  #forgetSome(at: number): void {
    for (let looks = this.#made * sweptAtOnce; looks > 0; looks--) {
      this.#sweep ??= this.#counts.entries();
      const next = this.#sweep.next();
      if (next.done === true) this.#sweep = null;
      else if (next.value[1].until <= at) this.#counts.delete(next.value[0]);
    }
    this.#made = 0;
  }
}

/** What nobody can tell the size of needs some room, as much as there is. */
export function fits({ amount, quota }: Pick<Ask, 'amount' | 'quota'>, sum: number): boolean {
  return amount === null ? sum < quota : sum + amount <= quota;
}

function standingOf({ frame, quota, amount }: Ask, count: Count | undefined, at: number): Standing {
  if (count === undefined) return { sum: 0, resets: at, room: at };
  const sum = total(count);
  const first = count.slots[0];
  const resets = first === undefined ? at : frame.leaves(first);
  // The slots leave one after the other, until there is enough room.
  let left = sum;
  let room = at;
  for (let index = 0; index < count.slots.length && !fits({ amount, quota }, left); index++) {
    left -= count.amounts[index] ?? 0;
    room = frame.leaves(count.slots[index] ?? 0);
  }
  return { sum, resets, room };
}

function total(count: Count | undefined): number {
  if (count === undefined) return 0;
  let sum = 0;
  for (const amount of count.amounts) sum += amount;
  return sum;
}

function forget(count: Count, frame: Frame): void {
  while ((count.slots[0] ?? Infinity) < frame.first) {
    count.slots.shift();
    count.amounts.shift();
  }
}
