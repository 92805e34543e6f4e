/** What would be done with a request: the same policies and the same plan as for a call, told instead of carried out. */
import { nameOfVariant, type PolicySet } from '@weir/schema/settings/route';
import type { DryRunAnswer, DryRunAsked } from '@weir/schema/settings/route-desk';
import { WeirError } from '../errors.ts';
import { newRequestId } from '../request-id.ts';
import type { LiveTargets } from './live.ts';
import { makePlan, policiesFor, type BroughtPolicies, type PlannedTarget, type SavedRoute } from './plan.ts';
import type { Operation } from '../providers/provider.ts';
import { spokenBy } from '../providers/unified.ts';
import type { RouteFacts } from './facts.ts';
import { checkTargets } from './check.ts';
import { readFallback, readRetry, readSplit } from './header.ts';
import { parseTarget, type RouteTarget } from './target.ts';

export interface DryRunOptions {
  live: LiveTargets;
  findRoute: (name: string) => SavedRoute | null;
  /** Dollars of a million tokens in and a million out; null where no price is known. */
  priceOf: (target: string, at: number) => number | null;
  /** Whether Weir holds a key for a target. */
  holdsKey: (target: RouteTarget, path: string) => boolean;
  /** `WEIR_REPLAY_LIMIT`, bytes. */
  replayLimit: number;
}

/** @throws WeirError `unknown_route`; `bad_request` that names the field. */
export function dryRun(asked: DryRunAsked, options: DryRunOptions): DryRunAnswer {
  const { live } = options;
  const brought = readHeaders(asked.headers);
  const saved = asked.route === undefined ? null : options.findRoute(asked.route);
  if (asked.route !== undefined && saved === null) {
    throw new WeirError('unknown_route', `No route ${JSON.stringify(asked.route)} is in force.`);
  }
  if (asked.settings !== undefined) checkTargets(asked.settings, 'settings.');
  const settings = asked.settings ?? saved?.settings ?? null;
  const facts = factsOf(asked.request);
  const { policies, rule } = policiesFor(settings, brought, facts);
  const priceOf = (target: string): number | null => options.priceOf(target, facts.at);
  const plan = makePlan(policies, facts, { live, priceOf, random: Math.random, rule, named: null });
  const states = new Map(live.troubled(facts.at).map(({ target, state }) => [target, state]));
  const { assignment } = plan;
  return {
    route: settings?.name ?? null,
    route_version: saved?.version ?? null,
    rule: plan.rule,
    assignment: assignment && {
      split: assignment.split,
      split_version: assignment.version,
      variant: nameOfVariant(assignment.variant),
      split_unit: assignment.unit,
    },
    targets: plan.targets.map((planned) => {
      const { target } = planned;
      const known = { ...placed(planned, facts, options), why: planned.why };
      const variant = planned.variant === null ? null : nameOfVariant(planned.variant);
      if (target === null) {
        return { ...known, target, variant, circuit: 'closed', calls_in_flight: 0, latency_ms: null, price_usd: null };
      }
      return {
        ...known,
        target,
        variant,
        circuit: states.get(target) ?? 'closed',
        calls_in_flight: live.inFlight(target),
        latency_ms: live.latencyOf(target, facts.at),
        price_usd: priceOf(target),
      };
    }),
    retry: plan.retry,
    fallback: plan.fallback,
    timeout: policies.timeout,
    warnings: warningsOf(policies, plan.targets.length, facts, options),
  };
}

/** Where a target is, and what would keep it from answering. */
function placed(
  { target }: PlannedTarget,
  facts: RouteFacts,
  { holdsKey }: DryRunOptions,
): { provider: string; place: string; model: string; warnings: string[] } {
  if (target === null) return { provider: '', place: '', model: facts.model, warnings: [] };
  const parsed = parseTarget(target, 'bad_request');
  const { provider, place, model } = parsed;
  const { operation } = facts;
  const pathOf = (spoken: Operation): string | null =>
    provider.pathOf?.({ operation: spoken, model, streamed: false }) ?? null;
  const path = pathOf(operation);
  const translated = pathOf(spokenBy(provider, operation, model)) !== null;
  const warnings: string[] = [];
  if (path === null && translated) {
    warnings.push(`${provider.name} has no ${operation} of its own: only calls to /v1/… are translated for it.`);
  } else if (path === null) warnings.push(`${provider.name} has no ${operation}: such a call cannot be sent there.`);
  if (!holdsKey(parsed, path ?? '/')) {
    warnings.push(`Weir holds no key for ${provider.name}${place === '' ? '' : ` at ${place}`}.`);
  }
  return { provider: provider.name, place, model, warnings };
}

function warningsOf(
  { retry }: PolicySet,
  targets: number,
  { bytes }: RouteFacts,
  { replayLimit }: DryRunOptions,
): string[] {
  const again = targets > 1 || (retry?.retries ?? 0) > 0;
  if (!again || bytes <= replayLimit) return [];
  return [`A body of more than ${replayLimit} bytes (WEIR_REPLAY_LIMIT) is sent once: no retry, no fallback.`];
}

/** What a sample does not say is as for a call that does not say it. */
function factsOf({ key_id, at, ...request }: DryRunAsked['request']): RouteFacts {
  const when = at === undefined ? Date.now() : Date.parse(at);
  const named = Object.entries(request.properties).map(([name, value]) => [name.toLowerCase(), value]);
  const properties = Object.fromEntries(named) as Record<string, string>;
  return { ...request, properties, keyId: key_id, requestId: newRequestId(), at: when };
}

const readers = {
  'weir-split': (into: BroughtPolicies, value: string) => void (into.split = readSplit(value)),
  'weir-fallback': (into: BroughtPolicies, value: string) => void (into.fallback = readFallback(value)),
  'weir-retry': (into: BroughtPolicies, value: string) => void (into.retry = readRetry(value)),
};

function readHeaders(headers: Readonly<Record<string, string>>): BroughtPolicies {
  const brought: BroughtPolicies = {};
  for (const [name, value] of Object.entries(headers)) {
    try {
      readers[name.toLowerCase() as keyof typeof readers](brought, value);
    } catch (error) {
      if (!(error instanceof WeirError)) throw error;
      const field = `headers.${name}`;
      throw new WeirError('bad_request', `${field}: ${error.message}`, [{ field, message: error.message }]);
    }
  }
  return brought;
}
