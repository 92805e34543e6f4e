/** The questions of the frame around every page. */
import { z } from 'zod';
import { fieldSql, textFieldNames, type TextField, where } from '../filters.ts';
import { defineQuery } from '../query.ts';
import { sql } from '../sql.ts';
import { bucketOf, within } from '../time.ts';
import { count, failed, range, view } from './parts.ts';

/** Is there anything yet, and what is the newest? */
export const newest = defineQuery({
  name: 'shell.newest',
  params: z.object({}),
  row: z.object({
    request_id: z.string(),
    started_at: z.string(),
    provider: z.string(),
    model: z.string(),
    outcome: z.string(),
  }),
  sql: () => sql`
    SELECT request_id, started_at, provider, if(response_model != '', response_model, request_model) AS model, outcome
    FROM requests ORDER BY started_at DESC, request_id DESC LIMIT 1`,
});

/** Requests of a range without and with the filters. */
export const counts = defineQuery({
  name: 'shell.counts',
  params: view,
  row: z.object({ matching: count, all: count }),
  sql: (p) => sql`
    SELECT (SELECT count() FROM requests WHERE ${where(p.range, p.filters)}) AS matching,
           (SELECT count() FROM requests WHERE ${within(p.range)}) AS all`,
});

/** The strip under the filters: requests and errors, bar by bar. */
export const strip = defineQuery({
  name: 'shell.strip',
  params: view,
  row: z.object({ bucket: count, requests: count, errors: count }),
  sql: (p) => sql`
    SELECT ${bucketOf(p.range)} AS bucket, count() AS requests, countIf(${failed}) AS errors
    FROM requests
    WHERE ${where(p.range, p.filters)}
    GROUP BY bucket
    ORDER BY bucket`,
});

const suggestion = z.object({ value: z.string(), requests: count });
const asked = z.object({ range, like: z.string().max(100) });

export const fieldValues = defineQuery({
  name: 'shell.field_values',
  params: asked.extend({ field: z.enum(textFieldNames as [TextField, ...TextField[]]) }),
  row: suggestion,
  limit: 2,
  sql: (p) => sql`
    SELECT ${fieldSql(p.field)} AS value, count() AS requests
    FROM requests
    WHERE ${within(p.range)} AND value != '' AND positionCaseInsensitiveUTF8(value, ${p.like}) > 0
    GROUP BY value ORDER BY requests DESC, value LIMIT 8`,
});

export const propertyNames = defineQuery({
  name: 'shell.property_names',
  params: asked,
  row: suggestion,
  limit: 2,
  sql: (p) => sql`
    SELECT arrayJoin(mapKeys(properties)) AS value, count() AS requests
    FROM requests
    WHERE ${within(p.range)}
    GROUP BY value HAVING positionCaseInsensitiveUTF8(value, ${p.like}) > 0
    ORDER BY requests DESC, value LIMIT 12`,
});

export const propertyValues = defineQuery({
  name: 'shell.property_values',
  params: asked.extend({ name: z.string() }),
  row: suggestion,
  limit: 2,
  sql: (p) => sql`
    SELECT properties[${p.name}] AS value, count() AS requests
    FROM requests
    WHERE ${within(p.range)} AND value != '' AND positionCaseInsensitiveUTF8(value, ${p.like}) > 0
    GROUP BY value ORDER BY requests DESC, value LIMIT 8`,
});
