/**
 * A repricing: looked at whole before anything is written, then written day by day, each day with its row of `revisions`.
 * Nothing is derived from `requests` in this version (no materialised view, no rollup): there is nothing to rebuild.
 */
import { randomUUID } from 'node:crypto';
import type { Db } from '@weir/schema/db';
import { insertRows } from '@weir/schema/insert';
import { timeText, type RevisionRow } from '@weir/schema/records';
import type { PriceBook } from '../prices/book.ts';
import { changeOf, type Change } from './change.ts';
import { billedCalls, billedDays, onDay, type Range } from './rows.ts';
import { Totals } from './totals.ts';
import { changesPerMutation, writeChanges } from './write.ts';

/** Models of which sums are kept; the rest is one line. */
const MOST_MODELS = 500;
export const OTHER_MODELS = 'others';

export interface Plan {
  readonly range: Range;
  readonly all: Totals;
  readonly days: ReadonlyMap<string, Totals>;
  /** `provider/model` → sums. */
  readonly models: ReadonlyMap<string, Totals>;
}

/** What a repricing would come to. Writes nothing. */
export async function planReprice(db: Db, range: Range, book: PriceBook): Promise<Plan> {
  const all = new Totals();
  const days = new Map<string, Totals>();
  const models = new Map<string, Totals>();
  for (const day of await billedDays(db, range)) {
    const ofDay = new Totals();
    for await (const call of billedCalls(db, onDay(range, day))) {
      const change = changeOf(call, book);
      const name = `${call.provider}/${call.response_model || call.request_model}`;
      for (const totals of [all, ofDay, totalsOf(models, name)]) totals.add(call, change);
    }
    if (ofDay.changed > 0) days.set(day, ofDay);
  }
  return { range, all, days, models };
}

function totalsOf(models: Map<string, Totals>, name: string): Totals {
  const key = models.has(name) || models.size < MOST_MODELS ? name : OTHER_MODELS;
  const known = models.get(key) ?? new Totals();
  models.set(key, known);
  return known;
}

export interface Reprice {
  readonly plan: Plan;
  readonly book: PriceBook;
  readonly who: string;
  /** Told of each day that is done. */
  readonly onDay: (day: string, changed: number) => void;
}

/** Writes what the plan found, day by day. Can be broken off anywhere and run again. */
export async function writeReprice(db: Db, { plan, book, who, onDay: tell }: Reprice): Promise<void> {
  const revision_id = randomUUID();
  const started_at = now();
  for (const [day, totals] of plan.days) {
    const row: Omit<RevisionRow, 'state' | 'updated_at'> = {
      revision_id,
      day,
      kind: 'reprice',
      who,
      range_from: plan.range.from,
      range_to: plan.range.to,
      filter: plan.range.model === undefined ? '' : `model is ${plan.range.model}`,
      prices: [book.list.version, book.ownVersion === '' ? '' : `own@${book.ownVersion}`].filter(Boolean).join('+'),
      requests: totals.requests,
      changed: totals.changed,
      unpriced_before: totals.unpricedBefore,
      unpriced_after: totals.unpricedAfter,
      cost_before_usd: totals.costBefore,
      cost_after_usd: totals.costAfter,
      started_at,
    };
    await insertRows(db, 'revisions', [{ ...row, state: 'begun', updated_at: now() }]);
    await writeDay(db, plan.range, day, book);
    await insertRows(db, 'revisions', [{ ...row, state: 'done', updated_at: now() }]);
    tell(day, totals.changed);
  }
}

async function writeDay(db: Db, range: Range, day: string, book: PriceBook): Promise<void> {
  let changes: Change[] = [];
  for await (const call of billedCalls(db, onDay(range, day))) {
    const change = changeOf(call, book);
    if (change === null) continue;
    changes.push(change);
    if (changes.length < changesPerMutation) continue;
    await writeChanges(db, day, changes);
    changes = [];
  }
  await writeChanges(db, day, changes);
}

function now(): string {
  return timeText(Date.now() * 1000);
}
