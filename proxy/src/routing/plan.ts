/**
 * From a call and its policies to the targets that are asked, in their order, each with its reason: what a dry run shows is what
 * is done.
 */
import {
  defaultConditions,
  nameOfVariant,
  type FallbackPolicy,
  type PolicySet,
  type RetryPolicy,
  type RouteSettings,
  type Variant,
} from '@weir/schema/settings/route';
import { order, type BalanceOptions } from './balance.ts';
import type { RouteFacts } from './facts.ts';
import { matchesCall } from './match.ts';
import { assign, type Assignment } from './split.ts';

/** A saved route as calls use it. */
export interface SavedRoute {
  settings: RouteSettings;
  version: string;
}

export interface PlannedTarget {
  /** `provider[:place]/model`; null: as the call's own path says. */
  target: string | null;
  /** What its variant changes; null for a target that is none. */
  variant: Variant | null;
  why: string;
}

export interface Plan {
  /** At least one; asked in this order, each after the one before failed. */
  targets: PlannedTarget[];
  /** Null for a call that no split assigned. */
  assignment: Assignment | null;
  /** On what a further target is asked. */
  fallback: Pick<FallbackPolicy, 'on'> | null;
  retry: RetryPolicy | null;
  /** Targets that were put last because their circuit is open. */
  leftAlone: string[];
  /** Index of the rule that decided; null: the route itself. */
  rule: number | null;
}

/** Policies of a header stand before those of a route. */
export type BroughtPolicies = Partial<Pick<PolicySet, 'split' | 'fallback' | 'retry'>>;

/** What is in force for a call. */
export function policiesFor(
  route: RouteSettings | null,
  brought: BroughtPolicies,
  facts: RouteFacts,
): { policies: PolicySet; rule: number | null } {
  const none: PolicySet = { target: null, split: null, balance: null, fallback: null, retry: null, timeout: null };
  const found = route?.rules.findIndex(({ when }) => matchesCall(when, facts)) ?? -1;
  const rule = found === -1 ? undefined : route?.rules[found];
  const base = route === null ? none : withRule(route, rule ?? none);
  const policies = { ...base, ...brought };
  // A header's split takes the place of whatever chose the target.
  if (brought.split !== undefined) Object.assign(policies, { target: null, balance: null });
  return { policies, rule: found === -1 ? null : found };
}

/** What a rule leaves out is as the route says; the way to a target is one thing. */
function withRule(route: PolicySet, rule: PolicySet): PolicySet {
  const way = rule.target !== null || rule.split !== null || rule.balance !== null ? rule : route;
  return {
    target: way.target,
    split: way.split,
    balance: way.balance,
    fallback: rule.fallback ?? route.fallback,
    retry: rule.retry ?? route.retry,
    timeout: rule.timeout ?? route.timeout,
  };
}

export interface PlanOptions extends BalanceOptions {
  /** Index of the rule that decided; null: the route itself. */
  rule: number | null;
  /** The target that the call itself names; null: its path says where it goes. */
  named: string | null;
}

export function makePlan(policies: PolicySet, facts: RouteFacts, options: PlanOptions): Plan {
  const { rule, named } = options;
  const { split, balance, fallback, retry } = policies;
  const assignment =
    split !== null && (split.only === undefined || matchesCall(split.only, facts)) ? assign(split, facts) : null;
  const targets: PlannedTarget[] = [];
  let implied = false;
  if (assignment !== null) {
    const { variant, unit } = assignment;
    const why = unit === '' ? `assigned by itself: it has no ${split?.by ?? 'unit'}` : `assigned by ${unit}`;
    targets.push({ target: variant.target, variant, why: `variant ${nameOfVariant(variant)}, ${why}` });
  } else if (balance !== null) {
    const chosen = order(balance, facts, options);
    targets.push(
      ...chosen.targets.map((target, index) => ({
        target,
        variant: null,
        why: index === 0 ? chosen.why : 'next in the balance',
      })),
    );
    implied = targets.length > 1;
  } else {
    const target = policies.target ?? named;
    const why =
      policies.target !== null ? 'the only target' : target === null ? 'as the path says' : 'as the model says';
    targets.push({ target, variant: null, why });
  }
  for (const target of fallback?.to ?? []) {
    if (!targets.some((planned) => planned.target === target)) targets.push({ target, variant: null, why: 'fallback' });
  }
  const on = fallback?.on ?? (implied ? defaultConditions : null);
  return {
    ...byHealth(targets, facts.at, options),
    assignment,
    fallback: on === null ? null : { on },
    retry,
    rule,
  };
}

/** Targets whose circuit is open go to the end: they are asked when nothing else is left. A split's assignment stays as it is. */
function byHealth(targets: PlannedTarget[], at: number, { live }: BalanceOptions): Pick<Plan, 'targets' | 'leftAlone'> {
  const open = ({ target }: PlannedTarget): boolean => target !== null && live.isOpen(target, at);
  const last = targets.length < 2 ? [] : targets.filter(open);
  const said = last.map((planned) => ({ ...planned, why: `${planned.why}; its circuit is open` }));
  return {
    targets: [...targets.filter((planned) => !last.includes(planned)), ...said],
    leftAlone: last.flatMap(({ target }) => target ?? []),
  };
}
