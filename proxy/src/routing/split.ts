/**
 * Which arm of a split a call belongs to: weighted rendezvous hashing (Schindelhauer and Schomaker, SPAA 2005). Every proxy
 * finds the same without asking anybody; the order of the arms does not matter, and a change of weights moves as few units
 * as there can be.
 */
import { createHash } from 'node:crypto';
import { nameOfVariant, type SplitPolicy, type Variant } from '@weir/schema/settings/route';
import { unitOf, type RouteFacts } from './facts.ts';

/** What rows say of it: `requests.split`, `split_version`, `variant`, `split_unit`. */
export interface Assignment {
  split: string;
  version: string;
  variant: Variant;
  /** `user:alice`; '' for a call that has no such unit, and was assigned by itself. */
  unit: string;
}

export function assign(split: SplitPolicy, facts: RouteFacts): Assignment {
  const value = unitOf(split.by, facts);
  const unit = value === '' ? '' : `${split.by}:${value}`;
  const variant = choose(split.to, split.name, unit === '' ? `request:${facts.requestId}` : unit);
  return { split: split.name, version: versionOf(split), variant, unit };
}

/** The arm with the highest score; an arm of twice the weight has it twice as often. At least one weight is above 0. */
export function choose<T extends { name?: string | undefined; target: string; weight: number }>(
  arms: readonly T[],
  name: string,
  unit: string,
): T {
  let best = arms[0] as T;
  let highest = -Infinity;
  for (const arm of arms) {
    if (arm.weight === 0) continue;
    const score = -arm.weight / Math.log(share(name, unit, nameOfVariant(arm)));
    if (score > highest) [best, highest] = [arm, score];
  }
  return best;
}

/** A number between 0 and 1, both excluded, that looks random and is the same for the same words. */
function share(name: string, unit: string, variant: string): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([name, unit, variant]))
    .digest();
  return (digest.readUIntBE(0, 6) + 0.5) / 2 ** 48;
}

const versions = new WeakMap<SplitPolicy, string>();

/** Of what a split assigns: its arms, in whatever order, and their weights. */
export function versionOf(split: SplitPolicy): string {
  let version = versions.get(split);
  if (version === undefined) {
    const arms = split.to.map((arm) => JSON.stringify(canonical(arm))).sort();
    version = createHash('sha256')
      .update(JSON.stringify([split.by, arms]))
      .digest('hex')
      .slice(0, 12);
    versions.set(split, version);
  }
  return version;
}

/** The same value with its members in the order of their names. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return members.map(([name, member]) => [name, canonical(member)]);
}
