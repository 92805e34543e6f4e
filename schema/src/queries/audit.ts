/** Who changed what, the newest first. */
import { z } from 'zod';
import { defineQuery } from '../query.ts';
import { auditRow } from '../records.ts';
import { param, sql } from '../sql.ts';

export const auditPage = defineQuery({
  name: 'audit.page',
  params: z.object({
    /** Null: of all projects, and of what belongs to none. */
    project: z.string().nullable(),
    /** The last row of the page before; null for the first page. */
    after: z.object({ at: auditRow.shape.at, audit_id: auditRow.shape.audit_id }).nullable(),
    limit: z.number().int().min(1).max(1000),
  }),
  row: auditRow,
  sql: ({ project, after, limit }) => sql`
    SELECT * FROM audit
    WHERE ${project === null ? sql`1` : sql`project = ${project}`}
      AND ${after === null ? sql`1` : sql`(at, audit_id) < (${param(after.at, "DateTime64(6, 'UTC')")}, ${param(after.audit_id, 'UUID')})`}
    ORDER BY at DESC, audit_id DESC LIMIT ${limit}`,
});
