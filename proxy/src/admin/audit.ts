/** What was changed, page by page. */
import type { Db } from '@weir/schema/db';
import { auditPage } from '@weir/schema/queries/audit';
import { auditRow, isoOf, type AuditRow } from '@weir/schema/records';
import { z } from 'zod';
import { WeirError } from '../errors.ts';
import { isBound } from '../keys/narrower.ts';
import { fromStore, type Actor } from './desk.ts';

const expected = { error: 'expected a number from 1 to 1000' };
/** Rows on a page, as text or a number. */
export const pageLimit = z.coerce.number(expected).int(expected).min(1, expected).max(1000, expected);

export const auditView = auditRow.extend({ at: z.string(), before: z.unknown(), after: z.unknown() });
export const auditAnswer = z.object({
  entries: z.array(auditView),
  /** To be given as `after` for the next page; null at the end. */
  next: z.string().nullable(),
});

/** A page of changes, the newest first; of the actor's project alone where they are bound to one. @throws WeirError */
export async function readAudit(
  db: Db,
  actor: Actor,
  { limit, after }: { limit: number; after: string | undefined },
): Promise<z.output<typeof auditAnswer>> {
  const project = isBound(actor.settings.role) ? actor.settings.project : null;
  const rows = await fromStore(
    auditPage(db, { project, limit, after: after === undefined ? null : parseCursor(after) }),
  );
  const last = rows.at(-1);
  return {
    entries: rows.map(viewEntry),
    next: last === undefined || rows.length < limit ? null : `${last.at}~${last.audit_id}`,
  };
}

function viewEntry(row: AuditRow): z.output<typeof auditView> {
  const parse = (text: string): unknown => (text === '' ? null : JSON.parse(text));
  return { ...row, at: isoOf(row.at), before: parse(row.before), after: parse(row.after) };
}

const cursor = z.object({ at: auditRow.shape.at, audit_id: auditRow.shape.audit_id });

function parseCursor(text: string): z.output<typeof cursor> {
  const [at = '', audit_id = ''] = text.split('~');
  const parsed = cursor.safeParse({ at, audit_id });
  if (parsed.success) return parsed.data;
  throw new WeirError('bad_request', 'after: expected what an earlier page gave as next.');
}
