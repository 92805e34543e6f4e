/** In which order the targets of a balance are asked: the first is the choice, the others follow when it fails. */
import type { BalancePolicy } from '@weir/schema/settings/route';
import { unitOf, type RouteFacts } from './facts.ts';
import { choose } from './split.ts';
import type { LiveTargets } from './live.ts';

/** Of all calls of `lowest-latency` this share goes to a target by chance: how fast the others are is learnt by asking. */
export const explored = 0.05;

export interface BalanceOptions {
  live: LiveTargets;
  /** Dollars of a million tokens in and a million out; null where no price is known. */
  priceOf: (target: string) => number | null;
  /** From 0 to less than 1. */
  random: () => number;
}

type Choice = BalancePolicy['to'][number];

/** @returns targets that have a weight, the best first; and why that one is the first. */
export function order(
  { by, to, unit }: BalancePolicy,
  facts: RouteFacts,
  { live, priceOf, random }: BalanceOptions,
): { targets: string[]; why: string } {
  const open = to.filter(({ weight }) => weight > 0);
  const names = (choices: readonly Choice[]): string[] => choices.map(({ target }) => target);
  switch (by) {
    case 'weighted':
      return { targets: names(drawn(open, random)), why: 'drawn by weight' };
    case 'hash': {
      const value = unitOf(unit, facts);
      const key = value === '' ? `request:${facts.requestId}` : `${unit}:${value}`;
      return { targets: names(hashed(open, key)), why: `the same for ${key} always` };
    }
    case 'least-busy': {
      // Between equals chance decides: else the first of the list would have all that is left over.
      const sorted = sortBy(drawn(open, random), ({ target, weight }) => live.inFlight(target) / weight);
      return { targets: names(sorted), why: `${live.inFlight(sorted[0]?.target ?? '')} calls in flight, the fewest` };
    }
    case 'lowest-latency': {
      const mixed = drawn(open, random);
      const unknown = mixed.find(({ target }) => live.latencyOf(target, facts.at) === null);
      if (unknown !== undefined) return { targets: names(first(mixed, unknown)), why: 'not measured yet' };
      const sorted = sortBy(mixed, ({ target }) => live.latencyOf(target, facts.at) ?? Infinity);
      if (random() < explored) return { targets: names(first(sorted, mixed[0])), why: 'asked to be measured' };
      const fastest = live.latencyOf(sorted[0]?.target ?? '', facts.at) ?? 0;
      return { targets: names(sorted), why: `answers in ${Math.round(fastest)} ms, the fastest` };
    }
    case 'cheapest': {
      const sorted = sortBy(open, ({ target }) => priceOf(target) ?? Infinity);
      const price = priceOf(sorted[0]?.target ?? '');
      const why = price === null ? 'no price is known' : `${price} dollars a million tokens in and out, the cheapest`;
      return { targets: names(sorted), why };
    }
  }
}

/** One after the other, each by the weights of those that are left. */
function drawn(choices: readonly Choice[], random: () => number): Choice[] {
  const left = [...choices];
  const order: Choice[] = [];
  while (left.length > 0) {
    let at = random() * left.reduce((sum, { weight }) => sum + weight, 0);
    const found = left.findIndex(({ weight }) => (at -= weight) < 0);
    order.push(...left.splice(found === -1 ? left.length - 1 : found, 1));
  }
  return order;
}

/** By rendezvous: when a target goes, only what it had moves. */
function hashed(choices: readonly Choice[], key: string): Choice[] {
  const left = [...choices];
  const order: Choice[] = [];
  while (left.length > 0) {
    const next = choose(left, 'balance', key);
    order.push(next);
    left.splice(left.indexOf(next), 1);
  }
  return order;
}

function sortBy(choices: readonly Choice[], measure: (choice: Choice) => number): Choice[] {
  return [...choices].sort((one, other) => {
    const [first, second] = [measure(one), measure(other)];
    return first === second ? 0 : first - second;
  });
}

function first(choices: readonly Choice[], one: Choice | undefined): Choice[] {
  return one === undefined ? [...choices] : [one, ...choices.filter((other) => other !== one)];
}
