/** What a key may give to another: never more than it has itself (CVE-2026-47101). Pure. */
import type { Role } from '@weir/schema/records';
import { openKey, type KeySettings } from '@weir/schema/settings/key';
import type { LimitPolicy } from '@weir/schema/settings/limit';
import { matchesPattern } from '@weir/schema/settings/pattern';

/** What was asked for beyond what the creator has. */
export interface Complaint {
  field: keyof KeySettings;
  message: string;
}

/** The roles that a role may give: an editor makes keys that only call. */
const gives: Readonly<Record<Role, readonly Role[]>> = {
  '': [],
  viewer: [],
  editor: [''],
  admin: ['', 'viewer', 'editor', 'admin'],
};

/** Whether a role may give another. */
export function mayGive(own: Role, role: Role): boolean {
  return gives[own].includes(role);
}

/** Whether a role sees and changes one project only: that of its key. */
export function isBound(role: Role): boolean {
  return role !== 'admin';
}

/**
 * What a key gets of what was asked for it. What is left open becomes what the creator has; what is named must lie within it;
 * the creator's limits are carried along, and each may be replaced by a tighter one of its name.
 * @returns what to write, and the complaints: with any, nothing may be written.
 */
export function narrower(
  creator: KeySettings,
  asked: Partial<KeySettings>,
): { granted: KeySettings; complaints: Complaint[] } {
  const complaints: Complaint[] = [];
  const complain = (field: keyof KeySettings, message: string): void => void complaints.push({ field, message });
  const wish = { ...openKey, ...(isBound(creator.role) ? { project: creator.project } : {}), ...asked };

  if (!mayGive(creator.role, wish.role)) {
    complain('role', `your key (${roleText(creator.role)}) cannot give the role ${roleText(wish.role)}`);
  }
  if (isBound(creator.role) && wish.project !== creator.project) {
    complain('project', `expected ${creator.project}, the project of your key`);
  }
  const list = (field: 'providers' | 'operations' | 'routes' | 'models'): string[] => {
    const [own, wished] = [creator[field], wish[field]];
    if (own.length === 0) return wished;
    const beyond = wished.filter((entry) => !own.some((mine) => within(field, mine, entry)));
    if (beyond.length > 0) complain(field, `your key allows ${own.join(', ')}; not ${beyond.join(', ')}`);
    return wished.length === 0 ? own : wished;
  };
  const granted: KeySettings = {
    ...wish,
    providers: list('providers'),
    models: list('models'),
    operations: list('operations') as KeySettings['operations'],
    routes: list('routes'),
    expires_at: wish.expires_at ?? creator.expires_at,
    limits: carryLimits(creator.limits, wish.limits, (message) => complain('limits', message)),
    log_bodies: creator.log_bodies === 'none' ? 'none' : wish.log_bodies,
  };
  if (creator.log_bodies === 'none' && wish.log_bodies === 'full') {
    complain('log_bodies', 'your key keeps no bodies, and can give none');
  }
  if (creator.expires_at !== null && Date.parse(granted.expires_at ?? '') > Date.parse(creator.expires_at)) {
    complain('expires_at', `expected ${creator.expires_at} or earlier, when your own key expires`);
  }
  return { granted, complaints };
}

/** Whether a key, as it is, lies within what another could give: it may then be shown a new text, or widened, by that one. */
export function isWithin(creator: KeySettings, key: KeySettings): boolean {
  const { granted, complaints } = narrower(creator, key);
  return complaints.length === 0 && JSON.stringify(granted) === JSON.stringify({ ...openKey, ...key });
}

function within(field: 'providers' | 'operations' | 'routes' | 'models', own: string, entry: string): boolean {
  return field === 'models' ? matchesPattern(own, entry) : own === entry;
}

function carryLimits(own: LimitPolicy[], wished: LimitPolicy[], complain: (message: string) => void): LimitPolicy[] {
  const carried = own.filter(({ name }) => !wished.some((limit) => limit.name === name));
  for (const limit of wished) {
    const mine = own.find(({ name }) => name === limit.name);
    if (mine !== undefined && !isAsTight(limit, mine)) {
      complain(`${limit.name} is a limit of your own key: it can only be given with the same or a smaller quota`);
    }
  }
  return [...wished, ...carried];
}

/** The same limit, with the same or a smaller quota, that refuses if the other does. */
function isAsTight(limit: LimitPolicy, than: LimitPolicy): boolean {
  const { quota, action, ...rest } = limit;
  const { quota: most, action: acted, ...other } = than;
  return quota <= most && (action === acted || action === 'refuse') && JSON.stringify(rest) === JSON.stringify(other);
}

function roleText(role: Role): string {
  return role === '' ? 'of a key that only calls' : role;
}
