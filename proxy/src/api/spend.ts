/** What a key has spent, and how its limits stand: read from the log, which is the ledger. */
import type { Db } from '@weir/schema/db';
import { z } from 'zod';
import type { KeyHolder } from '../keys/holder.ts';
import { joinCount, makeRule } from '../limits/rule.ts';
import { restoreQuery } from '../limits/restore.ts';
import { inUnits } from '../limits/fields.ts';
import { beginOf, frameAt } from '../limits/window.ts';

const day = 86_400_000;

const sums = z.object({
  requests: z.coerce.number(),
  tokens: z.coerce.number(),
  /** Decimal text; what limits count for calls of unknown cost is not in it. */
  cost_usd: z.string(),
  /** Calls whose cost is not known. */
  unpriced: z.coerce.number(),
});

const dayOf = sums.extend({ day: z.string() });

export const spendQuery = z.strictObject({
  /** Begin and end; default: the last thirty days. */
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
});

export const keySpend = z.object({
  key_id: z.string(),
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  total: sums,
  days: z.array(dayOf),
  limits: z.array(
    z.object({
      name: z.string(),
      unit: z.string(),
      quota: z.number(),
      /** In the window, by what it is counted apart by, the largest first; at most a hundred. */
      counts: z.array(z.object({ of: z.array(z.string()), used: z.number() })),
      window: z.object({ from: z.iso.datetime(), to: z.iso.datetime() }).nullable(),
      /** What the present pace comes to at the window's end; null where it slides. */
      forecast: z.number().nullable(),
    }),
  ),
});

export interface SpendOptions {
  db: Db;
  holder: KeyHolder;
  /** Keys that it made: their calls count under its limits. */
  madeBy: readonly string[];
  from?: string | undefined;
  to?: string | undefined;
}

export async function readSpend({ db, holder, madeBy, from, to }: SpendOptions): Promise<z.output<typeof keySpend>> {
  const now = Date.now();
  const end = to === undefined ? now : Date.parse(to);
  const begin = from === undefined ? end - 30 * day : Date.parse(from);
  const columns = `count() AS requests, sum(ifNull(input_tokens, 0) + ifNull(output_tokens, 0)) AS tokens,
    toDecimalString(sum(ifNull(r.cost_usd, 0)), 9) AS cost_usd, countIf(r.cost_usd IS NULL AND outcome != 'blocked') AS unpriced`;
  const query = (day: string): string => `SELECT ${day} AS day, ${columns} FROM requests AS r
    WHERE key_id = {key:String} AND started_at >= fromUnixTimestamp64Milli({from:Int64}) AND started_at < fromUnixTimestamp64Milli({to:Int64})
    GROUP BY day ORDER BY day`;
  const query_params = { key: holder.keyId, from: begin, to: end };
  const read = async (day: string): Promise<z.output<typeof dayOf>[]> => {
    const result = await db.query({ query: query(day), query_params, format: 'JSONEachRow' });
    return z.array(dayOf).parse(await result.json());
  };
  const [days, [total]] = await Promise.all([read('toString(toDate(started_at))'), read("''")]);
  const limits = await Promise.all(holder.limits.map((policy) => readLimit(db, policy, holder.keyId, madeBy, now)));
  return {
    key_id: holder.keyId,
    from: new Date(begin).toISOString(),
    to: new Date(end).toISOString(),
    total: sums.parse(total ?? { requests: 0, tokens: 0, cost_usd: '0', unpriced: 0 }),
    days,
    limits,
  };
}

async function readLimit(
  db: Db,
  policy: KeyHolder['limits'][number],
  keyId: string,
  madeBy: readonly string[],
  now: number,
): Promise<z.output<typeof keySpend>['limits'][number]> {
  const rule = makeRule(policy, 'key', keyId);
  const { name, unit, quota, window } = policy;
  if (window === null) return { name, unit, quota, counts: [], window: null, forecast: null };
  const result = await db.query({ ...restoreQuery(rule, now, madeBy), format: 'JSONEachRow' });
  const bySlot = z.array(z.object({ parts: z.array(z.string()), sum: z.coerce.number() })).parse(await result.json());
  const counts = new Map<string, { of: string[]; used: number }>();
  for (const { parts, sum } of bySlot) {
    const count = counts.get(joinCount('', parts)) ?? { of: parts, used: 0 };
    count.used += sum / inUnits(rule, 1);
    counts.set(joinCount('', parts), count);
  }
  const frame = frameAt(window, now);
  const [begin, end] = [beginOf(frame), frame.leaves(frame.slot)];
  const sorted = [...counts.values()].sort((one, other) => other.used - one.used);
  const pace = 'calendar' in window && now > begin ? (end - begin) / (now - begin) : null;
  return {
    name,
    unit,
    quota,
    counts: sorted.slice(0, 100),
    window: { from: new Date(begin).toISOString(), to: new Date(end).toISOString() },
    forecast: pace === null ? null : sorted.reduce((sum, { used }) => sum + used, 0) * pace,
  };
}
