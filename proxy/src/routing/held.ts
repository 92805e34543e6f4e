/** Whether Weir holds what a target wants: a key, or what calls to it are signed with. */
import type { Signer } from '../signing/signer.ts';
import type { HeldKeys } from '../vault/vault.ts';
import type { RouteTarget } from './target.ts';

/** @param path of the call there: some providers' hosts depend on it. */
export function holdsKey(
  { provider, place }: RouteTarget,
  path: string,
  { held, signer }: { held: HeldKeys; signer: Pick<Signer, 'can'> },
): boolean {
  if (provider.signing !== undefined && signer.can(provider.signing)) return true;
  return held.choose({ provider, place, path, named: null }) !== null;
}
