/**
 * What Redis has not been told. Bounded: amounts are added up by count and slot, calls are those that were open when it went
 * away, and what has left its window is let go.
 */
import { randomUUID } from 'node:crypto';
import type { LimitUnit } from '@weir/schema/settings/limit';

/** What a call has of one count. */
export interface Part {
  /** Of the count, in Redis. */
  key: string;
  count: string;
  unit: LimitUnit;
  slot: number;
  amount: number;
  /** When the slot counts no more, ms since 1970. */
  until: number;
}

export interface Settling {
  id: string;
  /** It is not known whether they were ever counted in Redis: that is made sure first. */
  unsure: Part[];
  used: { part: Part; amount: number }[];
}

/** Amounts that are told together, and counted once however often they are told. */
export interface Owed {
  token: string;
  parts: Part[];
}

/** Counts and slots, and calls, that are kept: some ten megabytes each. */
const mostKept = 50_000;
const toldTogether = 500;

export class Backlog {
  /** What found no room, or was still here when its window ended: counts and calls that Redis will not know of. */
  dropped = 0;
  #owed = new Map<string, Part>();
  #settlings = new Map<string, Settling>();
  /** Told before, without an answer. */
  #again: Owed[] = [];

  /** Counts and calls that wait. */
  get size(): number {
    return this.#owed.size + this.#settlings.size + this.#again.length;
  }

  /** An amount that was used. */
  owe(part: Part, amount: number): void {
    if (part.unit === 'concurrent' || amount <= 0) return;
    const name = `${part.slot} ${part.key}`;
    const known = this.#owed.get(name);
    if (known !== undefined) known.amount += amount;
    else if (this.#hasRoom(this.#owed)) this.#owed.set(name, { ...part, amount });
  }

  /** A call that Redis knows of, or may. */
  settle({ id, unsure, used }: Settling): void {
    const known = this.#settlings.get(id);
    if (known !== undefined) {
      known.unsure.push(...unsure);
      known.used.push(...used);
    } else if (this.#hasRoom(this.#settlings)) this.#settlings.set(id, { id, unsure: [...unsure], used: [...used] });
  }

  takeSettlings(): Settling[] {
    const first: Settling[] = [];
    for (const [id, settling] of this.#settlings) {
      if (first.length === toldTogether) break;
      this.#settlings.delete(id);
      first.push(settling);
    }
    return first;
  }

  takeOwed(at: number): Owed | null {
    const again = this.#again.shift();
    if (again !== undefined) return again;
    const parts: Part[] = [];
    for (const [name, part] of this.#owed) {
      if (parts.length === toldTogether) break;
      this.#owed.delete(name);
      if (part.until > at) parts.push(part);
    }
    return parts.length === 0 ? null : { token: randomUUID(), parts };
  }

  /** Nobody knows whether Redis heard it. */
  putBack(owed: Owed): void {
    this.#again.push(owed);
  }

  /**
   * Redis lost its data: no call is there any more, so that what they used is all there is to tell; and not even that of counts
   * whose past is read from the log.
   */
  forget(isInLog: (part: Part) => boolean): void {
    const settlings = [...this.#settlings.values()];
    const owed = [...this.#owed.values(), ...this.#again.flatMap(({ parts }) => parts)];
    this.#settlings = new Map();
    this.#owed = new Map();
    this.#again = [];
    for (const part of owed) if (!isInLog(part)) this.owe(part, part.amount);
    for (const { part, amount } of settlings.flatMap(({ used }) => used)) if (!isInLog(part)) this.owe(part, amount);
  }

  #hasRoom(kept: Map<string, unknown>): boolean {
    if (kept.size < mostKept) return true;
    this.dropped++;
    return false;
  }
}
