/**
 * Where what people edit is changed, for the REST paths and the command line alike: each change is written down first (who,
 * what, before, after), then made. The newest row of a table counts (ReplacingMergeTree by `updated_at`).
 */
import type { Db } from '@weir/schema/db';
import { insertRows } from '@weir/schema/insert';
import { timeText } from '@weir/schema/records';
import { openKey, type KeySettings } from '@weir/schema/settings/key';
import { namedBy, readOne, type EditedRows, type EditedTable } from '../edited.ts';
import { WeirError } from '../errors.ts';
import { newRequestId } from '../request-id.ts';

/** Who changes something, and what they may give. */
export interface Actor {
  id: string;
  name: string;
  settings: KeySettings;
}

export interface Desk {
  db: Db;
  actor: Actor;
  /** `WEIR_SECRET`. */
  masterSecret: string | undefined;
  /** Told of every row that was written. */
  took: <T extends EditedTable>(table: T, row: EditedRows[T][number]) => void;
}

/** Whoever has the store's password may do everything. */
export function ownerOf(userName: string): Actor {
  return { id: 'cli', name: `command line (${userName})`, settings: { ...openKey, role: 'admin' } };
}

export interface Change<T extends EditedTable> {
  table: T;
  action: 'create' | 'update' | 'rotate' | 'disable' | 'restore' | 'replace_secret' | 'delete' | 'rotate_secret';
  /** '' where a change belongs to no project. */
  project: string;
  /** What may be seen of it, without secrets; null where there is none. */
  before: object | null;
  after: object | null;
  row: EditedRows[T][number];
}

/** What the audit calls a row of each table. */
const kinds: Readonly<Record<EditedTable, string>> = {
  keys: 'key',
  provider_keys: 'provider_key',
  limits: 'limit',
  routes: 'route',
};

/** Writes a change. @throws WeirError `overloaded` when the store does not take it. */
export async function write<T extends EditedTable>(desk: Desk, change: Change<T>): Promise<void> {
  const { table, action, project, row } = change;
  const json = (value: object | null): string => (value === null ? '' : JSON.stringify(value));
  const audit = {
    audit_id: newRequestId(),
    at: timeText(Date.now() * 1000),
    actor: desk.actor.id,
    actor_name: desk.actor.name,
    action,
    kind: kinds[table],
    id: idOf(table, row),
    project,
    before: json(change.before),
    after: json(change.after),
  };
  await fromStore(insertRows(desk.db, 'audit', [audit]));
  await fromStore(insertRows(desk.db, table, [row]));
  desk.took(table, row);
}

/** The newest version of a row, from the store: another proxy may have changed it. @throws WeirError `not_found`. */
export async function find<T extends EditedTable>(desk: Desk, table: T, id: string): Promise<EditedRows[T][number]> {
  const row = await fromStore(readOne(desk.db, table, id));
  if (row === undefined) throw notFound(id);
  return row;
}

export function notFound(id: string): WeirError {
  return new WeirError('not_found', `There is no ${JSON.stringify(id.slice(0, 64))} here.`);
}

/** What the store answers. @throws WeirError `overloaded` when it does not; with its code, never its words: they may quote rows. */
export async function fromStore<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    const code = (error as { code?: unknown } | null)?.code;
    const why = typeof code === 'string' ? `code ${code}` : 'no answer in time';
    const refusal = new WeirError(
      'overloaded',
      `The store did not answer as it should (${why}): look what was changed.`,
    );
    refusal.cause = error;
    throw refusal;
  }
}

/** A time for a new version of a row: now, and in any case after the version before, whoever's clock that was. */
export function timeAfter(before: string | undefined): string {
  const now = timeText(Date.now() * 1000);
  if (before === undefined || now > before) return now;
  const milliseconds = Date.parse(`${before.slice(0, 23).replace(' ', 'T')}Z`);
  return timeText(milliseconds * 1000 + Number(before.slice(23) || '0') + 1);
}

function idOf<T extends EditedTable>(table: T, row: EditedRows[T][number]): string {
  return String((row as Record<string, unknown>)[namedBy[table]]);
}
