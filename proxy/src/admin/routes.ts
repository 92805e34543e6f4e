/** Saved routes: each is changed as a whole, and every version of it is kept. */
import { routeVersions } from '@weir/schema/queries/routes';
import { insertRows } from '@weir/schema/insert';
import { isoOf, type RouteRow, type RouteVersionRow } from '@weir/schema/records';
import type { RouteSettings } from '@weir/schema/settings/route';
import type { RouteChange, RouteVersionView, RouteView } from '@weir/schema/settings/route-desk';
import { fieldsError, WeirError } from '../errors.ts';
import { readOne } from '../edited.ts';
import { checkTargets } from '../routing/check.ts';
import { readSettings } from '../routing/routes.ts';
import { fromStore, notFound, timeAfter, write, type Change, type Desk } from './desk.ts';

export function viewRoute(row: RouteRow): RouteView {
  const { name, version, enabled, created_by, updated_by } = row;
  const times = { created_at: isoOf(row.created_at), created_by, updated_at: isoOf(row.updated_at), updated_by };
  return { name, version, enabled, settings: readSettings(row), ...times };
}

/** A route of a name that was removed goes on with its versions: those of the log stay what they were. @throws WeirError `bad_request`. */
export async function addRoute(desk: Desk, settings: RouteSettings): Promise<RouteView> {
  checkTargets(settings, '');
  const before = await fromStore(readOne(desk.db, 'routes', settings.name));
  if (before?.deleted === false) {
    const message = `there is a route of this name; it is changed by PATCH /weir/routes/${settings.name}`;
    throw fieldsError('bad_request', [{ field: 'name', message }]);
  }
  const at = timeAfter(before?.updated_at);
  return change(desk, 'create', null, {
    name: settings.name,
    version: (before?.version ?? 0) + 1,
    settings: JSON.stringify(settings),
    enabled: true,
    deleted: false,
    created_at: at,
    created_by: desk.actor.name,
    updated_at: at,
    updated_by: desk.actor.name,
  });
}

/** @throws WeirError `not_found`, `bad_request`. */
export async function changeRoute(
  desk: Desk,
  name: string,
  { settings, enabled, version }: RouteChange,
): Promise<RouteView> {
  if (settings === undefined && enabled === undefined) {
    throw new WeirError('bad_request', 'the body: expected settings, enabled, or both.');
  }
  const before = await findKept(desk, name);
  if (version !== undefined && version !== before.version) {
    const message = `it was changed meanwhile, by ${before.updated_by}: it is version ${before.version} now`;
    throw fieldsError('bad_request', [{ field: 'version', message }]);
  }
  if (settings !== undefined) {
    checkTargets(settings, 'settings.');
    if (settings.name !== name) {
      throw fieldsError('bad_request', [
        { field: 'settings.name', message: `expected ${name}: a route keeps its name` },
      ]);
    }
  }
  const action = before.enabled && enabled === false ? 'disable' : 'update';
  return change(desk, action, before, follow(desk, before, { settings, enabled }));
}

/** Makes an earlier version the newest. @throws WeirError `not_found`. */
export async function restoreRoute(desk: Desk, name: string, version: number): Promise<RouteView> {
  const before = await findKept(desk, name);
  const earlier = (await readVersions(desk, name)).find((one) => one.version === version);
  if (earlier === undefined) throw notFound(`${name}, version ${version}`);
  if (earlier.settings === null) {
    const message = 'it was written by another version of Weir, and cannot be read';
    throw fieldsError('bad_request', [{ field: 'version', message }]);
  }
  checkTargets(earlier.settings, '');
  return change(desk, 'restore', before, follow(desk, before, { settings: earlier.settings }));
}

/** @throws WeirError `not_found`. */
export async function removeRoute(desk: Desk, name: string): Promise<RouteView> {
  const before = await findKept(desk, name);
  return change(desk, 'delete', before, { ...follow(desk, before, { enabled: false }), deleted: true });
}

/** Every version, the newest first; of a removed route too. @throws WeirError `not_found`. */
export async function listVersions(desk: Pick<Desk, 'db'>, name: string): Promise<RouteVersionView[]> {
  const versions = await readVersions(desk, name);
  if (versions.length === 0) throw notFound(name);
  return versions;
}

async function readVersions({ db }: Pick<Desk, 'db'>, name: string): Promise<RouteVersionView[]> {
  const rows = await fromStore(routeVersions(db, { name }));
  return rows.map((row) => ({
    version: row.version,
    settings: readSettings(row),
    at: isoOf(row.at),
    actor: row.actor,
    actor_name: row.actor_name,
  }));
}

/** The row after a change: the same settings are the same version. */
function follow(
  desk: Desk,
  before: RouteRow,
  { settings, enabled }: { settings?: RouteSettings | undefined; enabled?: boolean | undefined },
): RouteRow {
  const text = settings === undefined ? before.settings : JSON.stringify(settings);
  return {
    ...before,
    settings: text,
    version: text === before.settings ? before.version : before.version + 1,
    enabled: enabled ?? before.enabled,
    updated_at: timeAfter(before.updated_at),
    updated_by: desk.actor.name,
  };
}

async function change(
  desk: Desk,
  action: Change<'routes'>['action'],
  before: RouteRow | null,
  row: RouteRow,
): Promise<RouteView> {
  // Before the route itself: a version that is in force without being kept could not be explained later.
  if (row.version !== before?.version) {
    const { name, version, settings, updated_at: at } = row;
    const { id: actor, name: actor_name } = desk.actor;
    const kept: RouteVersionRow = { name, version, settings, at, actor, actor_name };
    await fromStore(insertRows(desk.db, 'route_versions', [kept]));
  }
  const after = viewRoute(row);
  await write(desk, {
    table: 'routes',
    action,
    project: '',
    before: before === null ? null : viewRoute(before),
    after: row.deleted ? null : after,
    row,
  });
  return after;
}

async function findKept(desk: Desk, name: string): Promise<RouteRow> {
  const row = await fromStore(readOne(desk.db, 'routes', name));
  if (row === undefined || row.deleted) throw notFound(name);
  return row;
}
