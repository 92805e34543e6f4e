/** What the questions of several pages share. */
import { z } from 'zod';
import { filters } from '../filters.ts';
import { sql } from '../sql.ts';
import { spanName } from '../time.ts';

export const range = z.object({
  from: z.number(),
  to: z.number(),
  step: z.number(),
  name: z.union([spanName, z.literal('custom')]),
});
export const view = z.object({ range, filters });

/** Counts fit a JavaScript number (2^53 requests are not recorded in a lifetime); money stays text. */
export const count = z.union([z.number(), z.string().regex(/^\d+$/)]).transform(Number);
export const money = z.string();
export const number = z.number().nullable();

export const failed = sql`outcome NOT IN ('ok', 'cancelled')`;
export const model = sql`if(response_model != '', response_model, request_model)`;
/** Tokens per second after the first one; NULL where a reply has no stream or no count. */
export const speed = sql`if(output_tokens > 1 AND duration_ms > ttft_ms, (output_tokens - 1) * 1000 / (duration_ms - ttft_ms), NULL)`;
