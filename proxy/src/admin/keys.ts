/** Weir keys: made, changed, rotated, disabled. Nobody gives what they do not have (`keys/narrower.ts`). */
import { isoOf, timeText, type KeyRow } from '@weir/schema/records';
import { keySettings, type KeySettings } from '@weir/schema/settings/key';
import { z } from 'zod';
import { fieldsError, WeirError } from '../errors.ts';
import { columnsOf, settingsOf } from '../keys/holder.ts';
import { isBound, isWithin, mayGive, narrower } from '../keys/narrower.ts';
import { hashKey, keyIdOf, makeText } from '../keys/text.ts';
import { providerNames } from '../providers/registry.ts';
import { find, notFound, timeAfter, write, type Actor, type Desk } from './desk.ts';

export const keyInput = keySettings(providerNames).partial();
export const keyChange = keySettings(providerNames).extend({ disabled: z.boolean() }).partial();
export type KeyInput = z.output<typeof keyInput>;
export type KeyChange = z.output<typeof keyChange>;

/** What may be seen of a key: never its text, nor its hash. */
export const keyView = keySettings(providerNames).extend({
  key_id: z.string(),
  disabled: z.boolean(),
  created_at: z.iso.datetime(),
  created_by: z.string(),
  updated_at: z.iso.datetime(),
  /** Until then the text before the last rotation is valid too. */
  previous_until: z.iso.datetime().nullable(),
});
export type KeyView = z.output<typeof keyView>;

/** A key with its text, which is shown this once. */
export const shownKey = keyView.extend({ key: z.string() });
export type ShownKey = z.output<typeof shownKey>;

export function viewKey(row: KeyRow): KeyView {
  return {
    key_id: row.key_id,
    ...settingsOf(row),
    disabled: row.disabled,
    created_at: isoOf(row.created_at),
    created_by: row.created_by,
    updated_at: isoOf(row.updated_at),
    previous_until: row.previous_until === null ? null : isoOf(row.previous_until),
  };
}

/** Whether somebody may see what belongs to a project. */
export function sees(actor: Actor, project: string): boolean {
  return !isBound(actor.settings.role) || actor.settings.project === project;
}

/** @throws WeirError `forbidden_role` that names what the actor's own key does not have. */
export async function createKey(desk: Desk, asked: KeyInput): Promise<ShownKey> {
  const text = makeText();
  const at = timeAfter(undefined);
  const row: KeyRow = {
    ...columnsOf(grantedTo(desk.actor, given(asked))),
    key_id: keyIdOf(text),
    hash: hashKey(text),
    created_at: at,
    disabled: false,
    updated_at: at,
    created_by: desk.actor.id,
    previous_hash: '',
    previous_until: null,
  };
  const after = viewKey(row);
  await write(desk, { table: 'keys', action: 'create', project: row.project, before: null, after, row });
  return { ...after, key: text };
}

/** @throws WeirError `not_found`, `forbidden_role`. */
export async function changeKey(desk: Desk, id: string, asked: KeyChange): Promise<KeyView> {
  const before = await findWithin(desk, id);
  const { disabled = before.disabled, ...settings } = asked;
  const granted = grantedTo(desk.actor, { ...settingsOf(before), ...given(settings) });
  const row = { ...before, ...columnsOf(granted), disabled, updated_at: timeAfter(before.updated_at) };
  return change(desk, 'update', before, row);
}

/** A new text; the old one stays valid for `overlapSeconds`. @throws WeirError `not_found`, `forbidden_role`. */
export async function rotateKey(desk: Desk, id: string, overlapSeconds: number): Promise<ShownKey> {
  const before = await findWithin(desk, id);
  const text = makeText();
  const overlap = overlapSeconds > 0;
  const row = {
    ...before,
    hash: hashKey(text),
    previous_hash: overlap ? before.hash : '',
    previous_until: overlap ? timeText((Date.now() + overlapSeconds * 1000) * 1000) : null,
    updated_at: timeAfter(before.updated_at),
  };
  return { ...(await change(desk, 'rotate', before, row)), key: text };
}

/** Ends a key: it needs no more than the right to make one of its role, for it gives nothing. @throws WeirError */
export async function disableKey(desk: Desk, id: string): Promise<KeyView> {
  const before = await findSeen(desk, id);
  if (!mayGive(desk.actor.settings.role, before.role)) throw beyond();
  const row = { ...before, disabled: true, updated_at: timeAfter(before.updated_at) };
  return change(desk, 'disable', before, row);
}

async function change(
  desk: Desk,
  action: 'update' | 'rotate' | 'disable',
  before: KeyRow,
  row: KeyRow,
): Promise<KeyView> {
  const after = viewKey(row);
  await write(desk, { table: 'keys', action, project: row.project, before: viewKey(before), after, row });
  return after;
}

async function findSeen(desk: Desk, id: string): Promise<KeyRow> {
  const row = await find(desk, 'keys', id);
  // Of another project not even its being there is told.
  if (!sees(desk.actor, row.project)) throw notFound(id);
  return row;
}

/** A key that has more than the actor's own must not be shown a new text, nor be widened, by them. */
async function findWithin(desk: Desk, id: string): Promise<KeyRow> {
  const row = await findSeen(desk, id);
  if (!isWithin(desk.actor.settings, settingsOf(row))) throw beyond();
  return row;
}

function beyond(): WeirError {
  return new WeirError('forbidden_role', 'This key has more than yours: it takes one that has at least as much.');
}

function grantedTo(actor: Actor, asked: Partial<KeySettings>): KeySettings {
  const { granted, complaints } = narrower(actor.settings, asked);
  if (complaints.length === 0) return granted;
  throw fieldsError('forbidden_role', complaints);
}

/** What was written, without members whose value is undefined. */
function given(asked: KeyInput): Partial<KeySettings> {
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
}
