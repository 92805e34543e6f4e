/** Provider keys that Weir holds: stored encrypted, never shown again (`vault/seal.ts`). */
import { isoOf, type ProviderKeyRow } from '@weir/schema/records';
import { providerKeySettings, providerSecret } from '@weir/schema/settings/key';
import { z } from 'zod';
import { fieldsError, WeirError } from '../errors.ts';
import type { Provider } from '../providers/provider.ts';
import { providerNames, providers } from '../providers/registry.ts';
import { newRequestId } from '../request-id.ts';
import { opens, rewrap, seal, type Bound } from '../vault/seal.ts';
import { find, notFound, timeAfter, write, type Change, type Desk } from './desk.ts';

const settings = providerKeySettings(providerNames);
export const providerKeyInput = z.strictObject({
  provider: settings.shape.provider,
  place: settings.shape.place.default(''),
  host: settings.shape.host.default(''),
  name: settings.shape.name.default('unnamed'),
  weight: settings.shape.weight.default(1),
  enabled: settings.shape.enabled.default(true),
  secret: providerSecret,
});
export const providerKeyChange = settings.pick({ name: true, weight: true, enabled: true }).partial();

/** What may be seen of a provider key. */
export const providerKeyView = settings.extend({
  provider_key_id: z.string(),
  /** The secret's last four characters; '' of one that is short. */
  last4: z.string(),
  /** By which the same secret is known again. */
  fingerprint: z.string(),
  created_at: z.iso.datetime(),
  created_by: z.string(),
  updated_at: z.iso.datetime(),
});
export type ProviderKeyView = z.output<typeof providerKeyView>;

export function viewProviderKey(row: ProviderKeyRow): ProviderKeyView {
  const { provider_key_id, provider, place, host, name, weight, enabled, last4, fingerprint, created_by } = row;
  const times = { created_at: isoOf(row.created_at), created_by, updated_at: isoOf(row.updated_at) };
  return { provider_key_id, provider, place, host, name, weight, enabled, last4, fingerprint, ...times };
}

/** @throws WeirError `bad_request` without WEIR_SECRET, or when it could be sent nowhere; `forbidden_role`. */
export async function addProviderKey(
  desk: Desk,
  { secret, ...asked }: z.output<typeof providerKeyInput>,
): Promise<ProviderKeyView> {
  const at = timeAfter(undefined);
  const bound: Bound = { ...destinationOf(desk, asked), provider_key_id: `pk_${newRequestId()}` };
  const { name, weight, enabled } = asked;
  const row: ProviderKeyRow = {
    ...bound,
    ...seal(masterSecretOf(desk), bound, secret),
    ...{ name, weight, enabled, deleted: false, created_at: at, created_by: desk.actor.id, updated_at: at },
  };
  return change(desk, 'create', null, row);
}

/** @throws WeirError `not_found`. */
export async function changeProviderKey(
  desk: Desk,
  id: string,
  asked: z.output<typeof providerKeyChange>,
): Promise<ProviderKeyView> {
  const before = await findKept(desk, id);
  const { name = before.name, weight = before.weight, enabled = before.enabled } = asked;
  const row = { ...before, name, weight, enabled, updated_at: timeAfter(before.updated_at) };
  return change(desk, before.enabled && !enabled ? 'disable' : 'update', before, row);
}

/** @throws WeirError `not_found`, `bad_request` without WEIR_SECRET. */
export async function replaceSecret(desk: Desk, id: string, secret: string): Promise<ProviderKeyView> {
  const before = await findKept(desk, id);
  const sealed = seal(masterSecretOf(desk), before, secret);
  return change(desk, 'replace_secret', before, { ...before, ...sealed, updated_at: timeAfter(before.updated_at) });
}

/** The row stays as the sign that there is none; its ciphertext goes. @throws WeirError `not_found`. */
export async function removeProviderKey(desk: Desk, id: string): Promise<ProviderKeyView> {
  const before = await findKept(desk, id);
  const empty = { wrap_nonce: '', wrapped_key: '', nonce: '', ciphertext: '' };
  const row = { ...before, ...empty, enabled: false, deleted: true, updated_at: timeAfter(before.updated_at) };
  return change(desk, 'delete', before, row);
}

export interface Rotated {
  rotated: number;
  /** They open under the new secret already: an earlier run was broken off. */
  before: number;
  /** They open under neither. */
  unopened: ProviderKeyView[];
}

/** Wraps every data key under another `WEIR_SECRET`. Can be broken off and run again. @throws WeirError */
export async function rotateMasterSecret(desk: Desk, rows: readonly ProviderKeyRow[], after: string): Promise<Rotated> {
  const before = masterSecretOf(desk);
  const done: Rotated = { rotated: 0, before: 0, unopened: [] };
  for (const row of rows.filter(({ deleted }) => !deleted)) {
    const wrapped = rewrap(before, after, row);
    if (wrapped !== null) {
      await change(desk, 'rotate_secret', row, { ...row, ...wrapped, updated_at: timeAfter(row.updated_at) });
      done.rotated++;
    } else if (opens(after, row)) done.before++;
    else done.unopened.push(viewProviderKey(row));
  }
  return done;
}

async function change(
  desk: Desk,
  action: Change<'provider_keys'>['action'],
  before: ProviderKeyRow | null,
  row: ProviderKeyRow,
): Promise<ProviderKeyView> {
  const after = viewProviderKey(row);
  await write(desk, {
    table: 'provider_keys',
    action,
    project: '',
    before: before === null ? null : viewProviderKey(before),
    after: row.deleted ? null : after,
    row,
  });
  return after;
}

async function findKept(desk: Desk, id: string): Promise<ProviderKeyRow> {
  const row = await find(desk, 'provider_keys', id);
  if (row.deleted) throw notFound(id);
  refuseForeign(desk, row.provider);
  return row;
}

/** Where the key may be sent, and nowhere else. */
function destinationOf(
  desk: Desk,
  { provider: name, place, host }: { provider: string; place: string; host: string },
): Omit<Bound, 'provider_key_id'> {
  refuseForeign(desk, name);
  const provider = providers.get(name) as Provider;
  if (provider.place === undefined && place !== '') throw bad('place', `${name} has none; leave it out`);
  if (provider.place !== undefined && provider.place.hostOf(place, '/') === null) {
    const { noun, example } = provider.place;
    throw bad('place', `expected the ${noun} that this key belongs to, such as ${example}`);
  }
  const named = provider.host === null && provider.place === undefined;
  if (!named && host !== '') throw bad('host', `a key for ${name} goes to the hosts of ${name}; leave it out`);
  return { provider: name, place, host: named ? originOf(host) : '' };
}

function originOf(host: string): string {
  const url = URL.canParse(host) ? new URL(host) : null;
  const plain = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  if (plain && url.pathname === '/' && url.search === '' && url.hash === '') return url.origin;
  throw bad('host', 'expected scheme, host and port of the target, such as https://llm.internal:8443');
}

function refuseForeign({ actor }: Desk, provider: string): void {
  const own = actor.settings.providers;
  if (own.length === 0 || own.includes(provider)) return;
  const message = `your key allows ${own.join(', ')}; not ${provider}`;
  throw fieldsError('forbidden_role', [{ field: 'provider', message }]);
}

function masterSecretOf({ masterSecret }: Desk): string {
  if (masterSecret !== undefined) return masterSecret;
  throw new WeirError(
    'bad_request',
    'Set WEIR_SECRET (at least 16 characters) first: without it no provider key can be stored.',
  );
}

function bad(field: string, message: string): WeirError {
  return fieldsError('bad_request', [{ field, message }]);
}
