/** LiteLLM's config.yaml: a route for every model group, and the provider keys that they need. Pure. */
import { balanceKinds, type FallbackCondition } from '@weir/schema/settings/route';
import { litellmConfig, type FallbackList, type LiteLlmConfig } from './litellm-config.ts';
import { limitsOf, retryOf, timeoutOf, type Placed } from './litellm-policies.ts';
import { noteUnread } from './litellm-unread.ts';
import { targetOf, type Environment } from './litellm-target.ts';
import { Findings, parseConfig, routeName, wholeWeights, type Imported, type WrittenRoute } from './notes.ts';

type Choice = { target: string; weight: number };
type Groups = ReadonlyMap<string, readonly Placed[]>;

/** @param environment for addresses and regions that the file leaves to it; keys are never read. @throws ImportError when it is no such file. */
export function importLiteLlm(value: unknown, environment: Environment = {}): Imported {
  const config = parseConfig(litellmConfig, value, 'LiteLLM config');
  const findings = new Findings();
  noteUnread(config, findings);
  const groups = groupsOf(config, environment, findings);
  const taken = new Set<string>();
  const routes = [...groups].flatMap(([group, members]) => {
    const field = `model group ${group}`;
    if (members.length === 0) return [];
    const name = routeName(group, taken);
    if (name !== group)
      findings.differs(field, `a route cannot be called so; it is ${name}`, `send Weir-Route: ${name}`);
    return [
      {
        group,
        field,
        route: {
          name,
          description: `LiteLLM’s model group ${group}.`,
          ...policiesOf(group, members, groups, config, findings),
        },
      },
    ];
  });
  const aliases = aliasesOf(config, routes, taken, findings);
  return findings.finish([...routes, ...aliases]);
}

/** Every group with the deployments that can be asked. */
function groupsOf(config: LiteLlmConfig, environment: Environment, findings: Findings): Groups {
  const groups = new Map<string, Placed[]>();
  for (const [index, deployment] of config.model_list.entries()) {
    const field = `model_list[${index}]`;
    const members = groups.get(deployment.model_name) ?? [];
    groups.set(deployment.model_name, members);
    const target = targetOf({ deployment, field, environment, findings });
    if (target !== undefined) members.push({ field, deployment, target });
  }
  return groups;
}

function policiesOf(
  group: string,
  members: readonly Placed[],
  groups: Groups,
  config: LiteLlmConfig,
  findings: Findings,
): Partial<WrittenRoute> {
  const order = Math.min(...members.map(orderOf));
  const first = members.filter((member) => orderOf(member) === order);
  const later = members
    .filter((member) => orderOf(member) !== order)
    .sort((one, other) => orderOf(one) - orderOf(other));
  const limits = limitsOf(members, config, findings);
  return {
    ...wayOf(first, config, findings),
    ...fallbackOf(group, later, groups, config, findings),
    ...retryOf(group, config, findings),
    ...timeoutOf(members, config, findings),
    ...limits,
  };
}

/** Deployments without an order come after those with one. */
function orderOf({ deployment }: Placed): number {
  return deployment.litellm_params.order ?? Number.MAX_SAFE_INTEGER;
}

const strategies: Readonly<Record<string, (typeof balanceKinds)[number]>> = {
  'simple-shuffle': 'weighted',
  'least-busy': 'least-busy',
  'latency-based-routing': 'lowest-latency',
  'cost-based-routing': 'cheapest',
};

function wayOf(
  members: readonly Placed[],
  config: LiteLlmConfig,
  findings: Findings,
): Pick<WrittenRoute, 'target' | 'balance'> {
  const choices = choicesOf(members, findings);
  const [only] = choices;
  if (choices.length === 1 && only !== undefined) return { target: only.target };
  const strategy = config.router_settings?.routing_strategy ?? 'simple-shuffle';
  const by = strategies[strategy];
  if (by === undefined) {
    findings.lost(
      'router_settings.routing_strategy',
      `Weir has nothing like ${strategy}; the groups are balanced by weight`,
      'choose weighted, least-busy, lowest-latency, cheapest or hash in balance.by',
    );
  }
  return { balance: { by: by ?? 'weighted', to: cut(choices, members, findings) } };
}

/** A target once, however many keys it has: their shares together. */
function choicesOf(members: readonly Placed[], findings: Findings): Choice[] {
  const weights = wholeWeights(weightsOf(members));
  const choices = new Map<string, number>();
  for (const [index, { target, field }] of members.entries()) {
    if (choices.has(target))
      findings.differs(
        field,
        `${target} is there already, with another key: a target once, its shares together`,
        'store both keys; Weir chooses between them by weight',
      );
    choices.set(target, (choices.get(target) ?? 0) + (weights[index] ?? 1));
  }
  return [...choices].map(([target, weight]) => ({ target, weight: Math.min(weight, 1_000_000) }));
}

/** By weight, else by rpm, else by tpm, whichever the first deployment has, as simple-shuffle does; else all alike. */
function weightsOf(members: readonly Placed[]): number[] {
  const name = (['weight', 'rpm', 'tpm'] as const).find(
    (one) => members[0]?.deployment.litellm_params[one] !== undefined,
  );
  const weights = members.map(({ deployment }) => (name === undefined ? 1 : (deployment.litellm_params[name] ?? 0)));
  return weights.every((weight) => weight === 0) ? weights.map(() => 1) : weights;
}

function fallbackOf(
  group: string,
  later: readonly Placed[],
  groups: Groups,
  config: LiteLlmConfig,
  findings: Findings,
): Pick<WrittenRoute, 'fallback'> {
  const { router_settings: router, litellm_settings: settings } = config;
  const general =
    namedFor(group, [router?.fallbacks, settings?.fallbacks]) ??
    router?.default_fallbacks ??
    settings?.default_fallbacks ??
    [];
  const overflow = namedFor(group, [router?.context_window_fallbacks, settings?.context_window_fallbacks]) ?? [];
  const expand = (names: readonly string[], field: string): string[] =>
    names.filter((name) => name !== group).flatMap((name) => targetsOf(name, groups, field, findings));
  const after = [...later.map(({ target }) => target), ...expand(general, 'fallbacks')];
  const longer = expand(overflow, 'context_window_fallbacks');
  const to = [...new Set([...after, ...longer])];
  if (to.length === 0) return {};
  if (after.length > 0) {
    findings.differs(
      'fallbacks',
      'LiteLLM falls back after every error; Weir after 429, 5xx, a clock that ran out and a connection that failed, never after 400, 401, 403, 404, 422',
      'nothing, unless refused calls are to go elsewhere too',
    );
  }
  if (after.length > 0 && longer.length > 0 && to.length > longer.length) {
    findings.differs(
      `context_window_fallbacks (${group})`,
      'a route has one list: a question that is too long goes through all of it too',
      'order fallback.to as wanted',
    );
  }
  const conditions: FallbackCondition[] = after.length > 0 ? [429, 'server-error', 'timeout', 'network'] : [];
  if (longer.length > 0) conditions.push('context-overflow');
  return { fallback: { to: cut(to, later, findings), on: conditions } };
}

function namedFor(group: string, lists: readonly (FallbackList | undefined)[]): string[] | undefined {
  const all = lists.flatMap((list) => list ?? []);
  const found =
    all.find((entry) => Object.hasOwn(entry, group))?.[group] ?? all.find((entry) => Object.hasOwn(entry, '*'))?.['*'];
  return found?.map((one) => (typeof one === 'string' ? one : one.model));
}

function targetsOf(name: string, groups: Groups, field: string, findings: Findings): string[] {
  const members = groups.get(name);
  if (members === undefined || members.length === 0) {
    findings.lost(
      field,
      `${name} is no model group that can be asked; it is left out`,
      'add its targets to fallback.to',
    );
    return [];
  }
  if (members.length > 1)
    findings.differs(
      `${field} (${name})`,
      'a fallback asks the deployments of a group one after the other, not one by chance',
      'order fallback.to as wanted',
    );
  return members.map(({ target }) => target);
}

interface Written {
  group: string;
  field: string;
  route: WrittenRoute;
}

/** An alias is a route of its own, with the same policies. */
function aliasesOf(
  config: LiteLlmConfig,
  routes: readonly Written[],
  taken: Set<string>,
  findings: Findings,
): Written[] {
  const aliases = Object.entries(config.router_settings?.model_group_alias ?? {});
  return aliases.flatMap(([alias, value]) => {
    const field = `router_settings.model_group_alias.${alias}`;
    const group = typeof value === 'string' ? value : value.model;
    const meant = routes.find((one) => one.group === group);
    if (meant === undefined) {
      findings.lost(field, `there is no route for ${group}`, 'nothing, or make one');
      return [];
    }
    const name = routeName(alias, taken);
    return [{ group, field, route: { ...meant.route, name, description: `LiteLLM’s alias ${alias} of ${group}.` } }];
  });
}

function cut<T>(all: readonly T[], members: readonly Placed[], findings: Findings): T[] {
  if (all.length > 16)
    findings.lost(
      members[0]?.field ?? 'model_list',
      `${all.length} targets, and a policy names 16: the rest is left out`,
      'choose',
    );
  return all.slice(0, 16);
}
