/** GET /weir/requests/{id}: the rows of one call. */
import { z } from 'zod';
import type { Db } from '@weir/schema/db';
import { attemptRow, requestRow } from '@weir/schema/records';

export const requestDetail = z.object({ request: requestRow, attempts: z.array(attemptRow) });

/**
 * @param id Weir's UUIDv7, whose first 48 bits are the time it was made: the search is bounded by it (RFC 9562 §5.7).
 * @param project what is looked in; undefined: all of them.
 */
export async function findRequest(
  db: Db,
  id: string,
  project: string | undefined,
): Promise<z.infer<typeof requestDetail> | null> {
  if (!z.uuid().safeParse(id).success) return null;
  const madeAt = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
  const read = async (table: 'requests' | 'attempts', order: string): Promise<unknown[]> => {
    const result = await db.query({
      query: `SELECT * FROM ${table}
        WHERE request_id = {id:UUID} AND started_at BETWEEN {from:DateTime64(3, 'UTC')} AND {to:DateTime64(3, 'UTC')}
          AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
        ORDER BY ${order} LIMIT 256`,
      query_params: {
        id,
        project: project ?? null,
        from: new Date(madeAt - 60_000),
        to: new Date(madeAt + 86_400_000),
      },
      format: 'JSONEachRow',
    });
    return result.json();
  };
  const [requests, attempts] = await Promise.all([read('requests', 'started_at'), read('attempts', 'attempt_index')]);
  const [request] = requests;
  return request === undefined ? null : requestDetail.parse({ request, attempts });
}
