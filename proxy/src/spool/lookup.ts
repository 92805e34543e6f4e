/** Which rows of a batch of unknown fate are already in the store? */
import { z } from 'zod';
import type { Db } from '@weir/schema/db';
import type { ShippedTable } from './segments.ts';

const key = z.object({ request_id: z.string(), started_at: z.string(), attempt_index: z.number().optional() });
const found = z.object({ id: z.string() });

/**
 * The lines whose rows are not in `table`, by `request_id` (and `attempt_index`); of two with one id, the first.
 * @param when `same`: a row that is there has the time of its line. `any`: it may have been told at another time.
 */
export async function missingLines(
  db: Db,
  table: ShippedTable,
  lines: Buffer[],
  when: 'same' | 'any' = 'same',
): Promise<Buffer[]> {
  const keys = lines.map((line) => key.parse(JSON.parse(line.toString())));
  const times = keys.map((row) => row.started_at).sort();
  const identity =
    table === 'attempts' ? "concat(toString(request_id), '/', toString(attempt_index))" : 'toString(request_id)';
  const then = when === 'any' ? '' : `started_at BETWEEN {from:DateTime64(6, 'UTC')} AND {to:DateTime64(6, 'UTC')} AND`;
  const result = await db.query({
    query: `SELECT ${identity} AS id FROM ${table} WHERE ${then} request_id IN {ids:Array(UUID)}`,
    query_params: { from: times[0], to: times.at(-1), ids: keys.map((row) => row.request_id) },
    format: 'JSONEachRow',
    // A replica that lags must not call rows missing; without replicas this says nothing.
    clickhouse_settings: { select_sequential_consistency: '1' },
  });
  const present = new Set((await result.json()).map((row) => found.parse(row).id));
  return lines.filter((_, index) => {
    const row = keys[index];
    if (row === undefined) return true;
    const id = table === 'attempts' ? `${row.request_id}/${row.attempt_index ?? 0}` : row.request_id;
    if (present.has(id)) return false;
    present.add(id);
    return true;
  });
}
