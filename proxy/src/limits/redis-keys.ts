/** Names in Redis. One hash tag: a cluster keeps them all in one slot, where a script may touch them together. */
import { createHash } from 'node:crypto';

const prefix = '{weir}:';
/** A count may be named by what callers say of themselves, at any length. */
const longest = 96;

export const epochKey = `${prefix}epoch`;
/** What one call has taken. */
export const recordKey = (id: string): string => `${prefix}taken:${id}`;
/** The calls that a proxy has taken something for. @param self of the proxy, the same after it was started again. */
export const openKey = (self: string): string => `${prefix}open:${self}`;
/** Proxies whose rows have not all arrived in the store since Redis lost its data. */
export const behindKey = `${prefix}behind`;
/** Calls that were told again. */
export const againKey = `${prefix}again`;
export const oweKey = (token: string): string => `${prefix}owed:${token}`;
export const toldKey = (ruleId: string): string => `${prefix}told:${ruleId}`;
export const sinceKey = (ruleId: string): string => `${prefix}since:${ruleId}`;
export const claimKey = (ruleId: string): string => `${prefix}claim:${ruleId}`;

export function countKey(count: string): string {
  if (count.length <= longest) return `${prefix}limit:${count}`;
  return `${prefix}limit:${createHash('sha256').update(count).digest('base64url')}`;
}
