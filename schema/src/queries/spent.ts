/** Where the time of the calls of one comparison went. */
import { z } from 'zod';
import { defineQuery } from '../query.ts';
import { sql } from '../sql.ts';
import { timeParam } from '../time.ts';

const ms = z.number();

/** Of the calls that have a row by now. The parts add up to their `duration_ms`. */
export const spent = defineQuery({
  name: 'spent.calls',
  params: z.object({ mark: z.string(), from: z.number() }),
  row: z.object({ request_id: z.uuid(), overhead_ms: ms, wait_ms: ms, upstream_ms: ms }),
  sql: ({ mark, from }) => sql`
    SELECT request_id, overhead_ms, wait_ms, upstream_ms FROM requests
    WHERE started_at >= ${timeParam(from)} AND properties['compare'] = ${mark}`,
});
