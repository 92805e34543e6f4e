/** Questions that the benchmarks ask of a store. */
import type { Db } from '@weir/schema/db';

export async function ask<T>(db: Db, query: string): Promise<T[]> {
  const result = await db.query({ query, format: 'JSONEachRow' });
  return result.json<T>();
}

export interface Cost {
  ms: number;
  /** Rows and bytes that were read for the answer. */
  rows: number;
  bytes: number;
}

/** What a query costs the engine: the fastest of some runs, which the machine's other work disturbed least. */
export async function costOf(db: Db, query: string, runs: number): Promise<Cost> {
  let best: Cost = { ms: Infinity, rows: 0, bytes: 0 };
  for (let run = 0; run < runs; run++) {
    // The condition cache would remember from the run before which rows to leave out.
    const result = await db.query({ query, format: 'JSON', clickhouse_settings: { use_query_condition_cache: 0 } });
    const { statistics } = await result.json();
    const ms = (statistics?.elapsed ?? 0) * 1000;
    if (ms < best.ms) best = { ms, rows: statistics?.rows_read ?? 0, bytes: statistics?.bytes_read ?? 0 };
  }
  return best;
}
