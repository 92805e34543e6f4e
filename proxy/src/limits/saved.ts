/** Limits that people saved, as rows. */
import type { LimitRow } from '@weir/schema/records';
import { limitPolicy, type LimitPolicy } from '@weir/schema/settings/limit';

/** Those in force. One that this version does not understand is left out, and told by `unreadableLimits`. */
export function savedPolicies(rows: readonly LimitRow[]): LimitPolicy[] {
  return rows.filter(({ enabled, deleted }) => enabled && !deleted).flatMap((row) => readPolicy(row) ?? []);
}

/** How many of those that should be in force cannot be read. */
export function unreadableLimits(rows: readonly LimitRow[]): number {
  return rows.filter((row) => row.enabled && !row.deleted && readPolicy(row) === null).length;
}

/** Null where it is none that this version understands. */
export function readPolicy({ policy }: LimitRow): LimitPolicy | null {
  try {
    return limitPolicy.parse(JSON.parse(policy));
  } catch {
    return null;
  }
}
