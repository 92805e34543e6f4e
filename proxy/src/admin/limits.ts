/** Saved limits: each holds for all calls that it matches, whatever their key. */
import { isoOf, type LimitRow } from '@weir/schema/records';
import { limitPolicy } from '@weir/schema/settings/limit';
import { z } from 'zod';
import { WeirError } from '../errors.ts';
import { readPolicy } from '../limits/saved.ts';
import { newRequestId } from '../request-id.ts';
import { find, notFound, timeAfter, write, type Change, type Desk } from './desk.ts';

export const limitInput = limitPolicy;
/** The policy as a whole, since its parts hang together; or whether it is in force. */
export const limitChange = z.strictObject({ policy: limitPolicy.optional(), enabled: z.boolean().optional() });

export const limitView = z.object({
  limit_id: z.string(),
  /** Null: written by another version, and not in force here. */
  policy: limitPolicy.nullable(),
  enabled: z.boolean(),
  created_at: z.iso.datetime(),
  created_by: z.string(),
  updated_at: z.iso.datetime(),
});
export type LimitView = z.output<typeof limitView>;

export function viewLimit(row: LimitRow): LimitView {
  const { limit_id, enabled, created_by } = row;
  const times = { created_at: isoOf(row.created_at), created_by, updated_at: isoOf(row.updated_at) };
  return { limit_id, policy: readPolicy(row), enabled, ...times };
}

export async function addLimit(desk: Desk, policy: z.output<typeof limitInput>): Promise<LimitView> {
  const at = timeAfter(undefined);
  return change(desk, 'create', null, {
    limit_id: `lim_${newRequestId()}`,
    policy: JSON.stringify(policy),
    enabled: true,
    deleted: false,
    created_at: at,
    created_by: desk.actor.id,
    updated_at: at,
  });
}

/** @throws WeirError `not_found`, `bad_request` when nothing is to be changed. */
export async function changeLimit(
  desk: Desk,
  id: string,
  { policy, enabled }: z.output<typeof limitChange>,
): Promise<LimitView> {
  if (policy === undefined && enabled === undefined) {
    throw new WeirError('bad_request', 'the body: expected policy, enabled, or both.');
  }
  const before = await findKept(desk, id);
  const row = {
    ...before,
    ...(policy === undefined ? {} : { policy: JSON.stringify(policy) }),
    enabled: enabled ?? before.enabled,
    updated_at: timeAfter(before.updated_at),
  };
  return change(desk, before.enabled && enabled === false ? 'disable' : 'update', before, row);
}

/** @throws WeirError `not_found`. */
export async function removeLimit(desk: Desk, id: string): Promise<LimitView> {
  const before = await findKept(desk, id);
  const updated_at = timeAfter(before.updated_at);
  return change(desk, 'delete', before, { ...before, enabled: false, deleted: true, updated_at });
}

async function change(
  desk: Desk,
  action: Change<'limits'>['action'],
  before: LimitRow | null,
  row: LimitRow,
): Promise<LimitView> {
  const after = viewLimit(row);
  await write(desk, {
    table: 'limits',
    action,
    project: '',
    before: before === null ? null : viewLimit(before),
    after: row.deleted ? null : after,
    row,
  });
  return after;
}

async function findKept(desk: Desk, id: string): Promise<LimitRow> {
  const row = await find(desk, 'limits', id);
  if (row.deleted) throw notFound(id);
  return row;
}
