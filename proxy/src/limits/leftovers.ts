/**
 * What a process before this one had taken in Redis when it died, and nobody tells of: its call was never sent, or its row was
 * written and the word of it was not heard any more. The log knows which, and what was used.
 */
import type { Db } from '@weir/schema/db';
import { z } from 'zod';
import type { Leftover, RedisLedger } from './redis-ledger.ts';
import { sumOf } from './restore.ts';

export interface LeftoverOptions {
  ledger: RedisLedger;
  db: Db;
  /** Whether every call that ended before a moment (ms since 1970) has its rows in the store. */
  arrived: (before: number) => boolean;
  /** Ids of calls of this process are not less. */
  before: string;
}

const retryMs = 1_000;
const askedTogether = 500;
const usedRow = z.object({
  request_id: z.string(),
  requests: z.coerce.number(),
  tokens: z.coerce.number(),
  usd: z.coerce.number(),
});
type Used = z.infer<typeof usedRow>;

/** Settles them when Redis and the store can be asked. @returns what stops it. */
export function settleLeftovers(options: LeftoverOptions): () => void {
  const began = Date.now();
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const tick = async (): Promise<void> => {
    const { ledger, arrived } = options;
    try {
      if (ledger.awaySince === null && arrived(began)) return await settleAll(options);
    } catch {
      // Redis, or the store, is away: health says so. What is settled already is not there the next time.
    }
    if (!stopped) timer = setTimeout(() => void tick(), retryMs).unref();
  };
  void tick();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

async function settleAll({ ledger, db, before }: LeftoverOptions): Promise<void> {
  const all = await ledger.leftovers(before);
  for (let from = 0; from < all.length; from += askedTogether) {
    const some = all.slice(from, from + askedTogether);
    const used = await usedBy(db, some);
    for (const one of some) await ledger.settleLeftover(one, amountsOf(one, used.get(one.id)));
  }
}

/** A call without a row was never sent. What nothing was taken for, such as a connection's tokens, was counted as it came. */
function amountsOf({ parts }: Leftover, used: Used | undefined): number[] {
  return parts.map(({ unit, amount }) => {
    if (used === undefined || amount === 0 || unit === 'concurrent') return 0;
    return unit === 'requests' ? amount * Math.min(1, used.requests) : used[unit];
  });
}

async function usedBy(db: Db, left: readonly Leftover[]): Promise<Map<string, Used>> {
  const ids = left.map(({ id }) => id);
  // An id begins with when it was made: the store need not look further back.
  const from = Math.min(...ids.map((id) => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)));
  const result = await db.query({
    query: `SELECT request_id, ${sumOf.requests} AS requests, ${sumOf.tokens} AS tokens, ${sumOf.usd} AS usd
      FROM requests WHERE request_id IN {ids:Array(String)} AND started_at >= fromUnixTimestamp64Milli({from:Int64})
      GROUP BY request_id`,
    query_params: { ids, from: Math.max(0, (Number.isFinite(from) ? from : 0) - 60_000) },
    format: 'JSONEachRow',
  });
  return new Map(
    z
      .array(usedRow)
      .parse(await result.json())
      .map((row) => [row.request_id, row]),
  );
}
