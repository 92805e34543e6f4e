/**
 * The provider keys that Weir holds, as calls use them: those of the store, opened, and those of the environment. Opened ones
 * are in this memory only. A key is sent to the host it was stored for and to no other.
 */
import type { ProviderKeyRow } from '@weir/schema/records';
import type { Provider } from '../providers/provider.ts';
import { KeyRest, type Resting } from './rest.ts';
import { open } from './seal.ts';

/** Where a call goes, as far as it decides which keys fit. */
export interface Destination {
  provider: Provider;
  /** As the path names it; '' without one. */
  place: string;
  /** Path after the place: some providers' hosts depend on it. */
  path: string;
  /** Scheme, host and port where the caller named them; null where they are the provider's. */
  named: string | null;
}

export interface HeldKeys {
  /** A key for this destination; null when Weir holds none that fits. @param tried ids of keys that are not to be taken. */
  choose(destination: Destination, tried?: readonly string[]): Chosen | null;
  /** How many keys fit. */
  count(destination: Destination): number;
  /** What the provider answered to a call with a key that was chosen. */
  answered(id: string, status: number, retryAfter: string | undefined): void;
}

export interface Chosen {
  /** `provider_key_id`; of one of the environment its variable's provider. */
  id: string;
  secret: string;
}

/** A stored key that does not open with the `WEIR_SECRET` of this process. */
export interface Unopened {
  provider_key_id: string;
  provider: string;
  fingerprint: string;
}

interface Held {
  row: ProviderKeyRow;
  secret: string;
}

export class Vault implements HeldKeys {
  /** In /weir/health. */
  unopened: Unopened[] = [];
  #held = new Map<string, Held>();
  readonly #rest = new KeyRest();

  /** @param environment provider name → key, of the vendors' own variables. */
  constructor(
    private readonly masterSecret: string | undefined,
    private readonly environment: ReadonlyMap<string, string>,
  ) {}

  get opened(): number {
    return this.#held.size;
  }

  /** Takes another list. */
  replace(rows: readonly ProviderKeyRow[]): void {
    const held = new Map<string, Held>();
    const unopened: Unopened[] = [];
    for (const row of rows) {
      if (row.deleted) continue;
      const secret = this.#open(row);
      const { provider_key_id, provider, fingerprint } = row;
      if (secret === null) unopened.push({ provider_key_id, provider, fingerprint });
      else held.set(provider_key_id, { row, secret });
    }
    this.#held = held;
    this.unopened = unopened;
  }

  choose(destination: Destination, tried: readonly string[] = []): Chosen | null {
    const fitting = this.#fitting(destination).filter(({ id }) => !tried.includes(id));
    if (fitting.length < 2) return fitting[0] ?? null;
    const at = Date.now();
    const well = fitting.filter(({ id }) => this.#rest.of(id, at) === null);
    if (well.length > 0) return pick(well, Math.random()) ?? null;
    // All rest: that whose rest ends first is asked.
    const until = (id: string): number => this.#rest.of(id, at)?.until ?? 0;
    return fitting.reduce((first, one) => (until(one.id) < until(first.id) ? one : first));
  }

  count(destination: Destination): number {
    return this.#fitting(destination).length;
  }

  #fitting(destination: Destination): { id: string; secret: string; weight: number }[] {
    const fitting = [...this.#held.values()]
      .filter(({ row }) => row.enabled && fits(row, destination))
      .map(({ row, secret }) => ({ id: row.provider_key_id, secret, weight: row.weight }));
    const { name } = destination.provider;
    const own = destination.named === null ? this.environment.get(name) : undefined;
    if (own !== undefined) fitting.push({ id: `environment:${name}`, secret: own, weight: 1 });
    return fitting;
  }

  answered(id: string, status: number, retryAfter: string | undefined): void {
    this.#rest.answered(id, status, retryAfter, Date.now());
  }

  /** Keys that their provider has just refused, for /weir/health. */
  resting(): ({ provider_key_id: string } & Resting)[] {
    const ids = [...this.#held.keys(), ...[...this.environment.keys()].map((name) => `environment:${name}`)];
    const at = Date.now();
    return ids.flatMap((id) => {
      const found = this.#rest.of(id, at);
      return found === null ? [] : [{ provider_key_id: id, ...found }];
    });
  }

  /**
   * After the master secret was rotated by the command line, a process that still has the old one cannot open what it has opened
   * before: as long as the secret is the same, it goes on with it until it is started with the new one.
   */
  #open(row: ProviderKeyRow): string | null {
    const before = this.#held.get(row.provider_key_id);
    if (before !== undefined && sealedAlike(before.row, row)) return before.secret;
    return this.masterSecret === undefined ? null : open(this.masterSecret, row);
  }
}

function sealedAlike(one: ProviderKeyRow, other: ProviderKeyRow): boolean {
  return (['nonce', 'ciphertext', 'provider', 'place', 'host'] as const).every(
    (column) => one[column] === other[column],
  );
}

/** Whether a call goes where the key was stored for. A replaced upstream counts as the provider's own host. */
function fits(row: ProviderKeyRow, { provider, place, path, named }: Destination): boolean {
  if (row.provider !== provider.name || row.host !== (named ?? '')) return false;
  if (provider.place === undefined) return row.place === '';
  const host = provider.place.hostOf(row.place, path);
  return host !== null && host === provider.place.hostOf(place, path);
}

/** One of them, by weight. @param random from 0 to less than 1. */
export function pick<T extends { weight: number }>(candidates: readonly T[], random: number): T | undefined {
  let left = random * candidates.reduce((sum, { weight }) => sum + weight, 0);
  return candidates.find(({ weight }) => (left -= weight) < 0) ?? candidates.at(-1);
}
