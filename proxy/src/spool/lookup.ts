/** Which rows of a batch of unknown fate are already in the store? */
import { z } from 'zod';
import type { Db } from '@weir/schema/db';
import type { ShippedTable } from './segments.ts';

const key = z.object({ request_id: z.string(), started_at: z.string(), attempt_index: z.number().optional() });
const found = z.object({ id: z.string() });

/** The lines whose rows are not in `table`, by `request_id` (and `attempt_index`). */
export async function missingLines(db: Db, table: ShippedTable, lines: Buffer[]): Promise<Buffer[]> {
  const keys = lines.map((line) => key.parse(JSON.parse(line.toString())));
  const times = keys.map((row) => row.started_at).sort();
  const identity =
    table === 'attempts' ? "concat(toString(request_id), '/', toString(attempt_index))" : 'toString(request_id)';
  const result = await db.query({
    query: `SELECT ${identity} AS id FROM ${table}
      WHERE started_at BETWEEN {from:DateTime64(6, 'UTC')} AND {to:DateTime64(6, 'UTC')}
        AND request_id IN {ids:Array(UUID)}`,
    query_params: { from: times[0], to: times.at(-1), ids: keys.map((row) => row.request_id) },
    format: 'JSONEachRow',
    // A replica that lags must not call rows missing; without replicas this says nothing.
    clickhouse_settings: { select_sequential_consistency: '1' },
  });
  const present = new Set((await result.json()).map((row) => found.parse(row).id));
  return lines.filter((_, index) => {
    const row = keys[index];
    if (row === undefined) return true;
    return !present.has(table === 'attempts' ? `${row.request_id}/${row.attempt_index ?? 0}` : row.request_id);
  });
}
