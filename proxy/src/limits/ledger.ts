/** Where limits are counted. Tokens and requests are whole numbers; dollars are billionths of one. */
import type { LimitUnit } from '@weir/schema/settings/limit';
import type { Frame } from './window.ts';

const nanosPerDollar = 1e9;

/** A quota, or a sum, in what is counted. */
export function counted(unit: LimitUnit, amount: number): number {
  return unit === 'usd' ? Math.round(amount * nanosPerDollar) : amount;
}

/** What a call wants of one count. */
export interface Ask {
  /** Names the count. */
  count: string;
  unit: LimitUnit;
  frame: Frame;
  /** How much at most may be counted. */
  quota: number;
  /** Null: whatever is left, because nobody can say how much it will be. */
  amount: number | null;
  /** A count that is full refuses the call; else it is only told. */
  hard: boolean;
}

/** What a call has of one count, until it is settled. Kept with the call's marks: it must survive the process. */
export interface Taken {
  count: string;
  unit: LimitUnit;
  slot: number;
  amount: number;
}

/** What a call has taken of its limits; written into the call's marks. */
export interface Reservation {
  /** Of what goes into the marks, empty where nothing outlives the process. */
  taken: Taken[];
  /** What stands for the usage while, or if, nobody can tell it. */
  tokens: number;
  nanos: number;
  /** How many attempts that covers which may all be billed. Left out: one. */
  shares?: number;
}

/** Count → slot → amount. */
export type Sums = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** How a count stands after a decision. */
export interface Standing {
  /** Counted, this call's share included. */
  sum: number;
  /** When the oldest of it leaves, ms since 1970; Infinity where nothing will by time alone. */
  resets: number;
  /** When there is room for what was asked; as `resets` where it was given. */
  room: number;
}

export type Decision = {
  standings: Standing[];
} & (
  | {
      /** Index of the first ask that was refused: then nothing was taken of any. */
      refused: number;
    }
  | {
      refused: null;
      /** By ask. */
      amounts: number[];
    }
);

export interface Ledger {
  /** Counts that are held in this process's memory. */
  readonly size: number;
  /** Whether it outlives this process: what a dead process had taken is still counted, and has to be settled. */
  readonly survives: boolean;
  /** Since when it cannot be reached, ms since 1970; null while it can. */
  readonly awaySince: number | null;
  /** Called when it has lost what it held: the past of every rule has to be told again. */
  onLost: () => void;
  /** Takes all that is asked, or nothing. @param id of the call. @param at ms since 1970. */
  take(id: string, asks: readonly Ask[], at: number): Decision | Promise<Decision>;
  /** What was taken becomes what was used. @param used by index of `taken`. */
  settle(id: string, taken: readonly Taken[], used: readonly number[]): void;
  /** Counts more, whatever the quota says: what an open connection has used. @returns how the counts stand. */
  add(asks: readonly (Ask & { amount: number })[], at: number): Standing[] | Promise<Standing[]>;
  /**
   * Whether somebody has to tell what the log knows of a rule's calls before now. @returns the moment before which, ms since
   * 1970; null where it is told, or being told by another.
   */
  claim(ruleId: string, at: number): number | null | Promise<number | null>;
  /** Whether a rule's past is told. */
  isTold(ruleId: string): boolean | Promise<boolean>;
  /**
   * Ids of calls that it counts although they may have begun before a rule was claimed, because it was told of them again after a
   * loss: the log's rows of them are not to be counted beside.
   */
  recounted(): readonly string[] | Promise<readonly string[]>;
  /** Counts what the log knows of a rule that was claimed. */
  restore(ruleId: string, sums: Sums, frame: Frame): void | Promise<void>;
}
