/** The saved routes in force, by name. */
import type { RouteRow } from '@weir/schema/records';
import { routeSettings, type RouteSettings } from '@weir/schema/settings/route';
import { targetsOf, whyNoTarget } from './check.ts';
import type { SavedRoute } from './plan.ts';

interface ReadRow {
  text: string;
  settings: RouteSettings | null;
}

export class Routes {
  /** How many of those that should be in force cannot be read by this version. */
  unreadable = 0;
  #routes = new Map<string, SavedRoute>();
  /** What was read of a row: splits are known again by their object, and most rows stay as they are. */
  #read = new Map<string, ReadRow>();

  /** Takes another list. */
  replace(rows: readonly RouteRow[]): void {
    const routes = new Map<string, SavedRoute>();
    const read = new Map<string, ReadRow>();
    let unreadable = 0;
    for (const row of rows) {
      if (!row.enabled || row.deleted) continue;
      const before = this.#read.get(row.name);
      const settings = before?.text === row.settings ? before.settings : readUsable(row);
      read.set(row.name, { text: row.settings, settings });
      if (settings === null) unreadable++;
      else routes.set(row.name, { settings, version: String(row.version) });
    }
    this.#routes = routes;
    this.#read = read;
    this.unreadable = unreadable;
  }

  /** Null where none of this name is in force. */
  find(name: string): SavedRoute | null {
    return this.#routes.get(name) ?? null;
  }
}

/** Null where it is none that this version understands. */
export function readSettings({ settings }: Pick<RouteRow, 'settings'>): RouteSettings | null {
  try {
    return routeSettings.parse(JSON.parse(settings));
  } catch {
    return null;
  }
}

/** Null too where it names a target that this version does not know: half a route is none. */
function readUsable(row: RouteRow): RouteSettings | null {
  const settings = readSettings(row);
  return settings?.name === row.name && targetsOf(settings).every(({ target }) => whyNoTarget(target) === null)
    ? settings
    : null;
}
