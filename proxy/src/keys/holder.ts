/** A key's row as the proxy uses it. */
import { isoOf, timeOf, type KeyRow } from '@weir/schema/records';
import { limitPolicy } from '@weir/schema/settings/limit';
import type { KeySettings } from '@weir/schema/settings/key';
import { z } from 'zod';

/** Who calls: the key's name in rows, and all that people set for it. */
export interface KeyHolder extends KeySettings {
  keyId: string;
}

const limitList = z.array(limitPolicy);

/** @throws when the row's limits are none that this version understands: a limit that is left out would be worse. */
export function settingsOf(row: KeyRow): KeySettings {
  return {
    name: row.name,
    project: row.project,
    owner: row.owner,
    providers: row.providers,
    models: row.models,
    operations: row.operations as KeySettings['operations'],
    routes: row.routes,
    limits: limitList.parse(JSON.parse(row.limits)),
    expires_at: row.expires_at === null ? null : isoOf(row.expires_at),
    properties: row.properties,
    log_bodies: row.log_bodies,
    role: row.role,
  };
}

/** The columns of a row that people set. */
export function columnsOf(settings: KeySettings): Omit<KeySettings, 'limits'> & Pick<KeyRow, 'limits'> {
  const { limits, expires_at, ...rest } = settings;
  return { ...rest, limits: JSON.stringify(limits), expires_at: expires_at === null ? null : timeOf(expires_at) };
}
