/** A Portkey config as one route. Pure: what cannot be carried over is among the notes. */
import type { Match } from '@weir/schema/settings/route';
import { Findings, parseConfig, routeName, under, wholeWeights, type Imported, type WrittenRoute } from './notes.ts';
import { branchOf, conditionsOf, inherit, type Branch } from './portkey-branch.ts';
import { opposite, readQuery } from './portkey-conditions.ts';
import { portkeyConfig, readFields, type PortkeyNode } from './portkey-config.ts';
import type { Arm, Context, PortkeyOptions } from './portkey-target.ts';

type Policies = Pick<WrittenRoute, 'target' | 'split' | 'balance' | 'fallback' | 'retry' | 'timeout'>;

/** @throws ImportError when it is no Portkey config. */
export function importPortkey(value: unknown, options: PortkeyOptions): Imported {
  const config = parseConfig(portkeyConfig, value, 'Portkey config');
  const context: Context = { findings: new Findings(), options };
  notePassedOver(config, '', context);
  const policies = config.strategy?.mode === 'conditional' ? conditional(config, context) : plain(config, '', context);
  const name = routeName(options.name, new Set());
  const route = { name, description: 'From a Portkey config.', ...policies };
  return context.findings.finish([{ field: 'the config', route }]);
}

function plain(node: PortkeyNode, field: string, context: Context): Policies {
  return policiesOf(branchOf(node, field, context), context);
}

function conditional(config: PortkeyNode, context: Context): Policies & Pick<WrittenRoute, 'rules'> {
  const { findings } = context;
  const byName = new Map<string, Policies>();
  for (const [index, child] of (config.targets ?? []).entries()) {
    const policies = plain(inherit(child, config), `targets[${index}]`, context);
    byName.set(child.name ?? '', policies);
  }
  const find = (name: string | undefined, field: string): Policies => {
    const found = name === undefined ? undefined : byName.get(name);
    if (found === undefined) {
      findings.lost(
        field,
        name === undefined
          ? 'is not said: where no condition holds the caller’s own target is asked'
          : `there is no target ${name}`,
        'name one of the targets',
      );
    }
    return found ?? {};
  };
  let otherwise = find(config.strategy?.default, 'strategy.default');
  const rules: ({ when: Match } & Policies)[] = [];
  const conditions = config.strategy?.conditions ?? [];
  for (const [index, { query, then }] of conditions.entries()) {
    const field = `strategy.conditions[${index}]`;
    const policies = find(then, `${field}.then`);
    const positive = index === conditions.length - 1 ? opposite(query) : undefined;
    const read = readQuery(positive ?? query);
    if ('problem' in read) {
      findings.lost(
        `${field}.query`,
        `${read.problem}; its calls go on to the next condition`,
        'write a rule by hand, or decide it in the program and send another Weir-Route',
      );
      continue;
    }
    // The last one says what a value is not: the calls where it is that go where the rest would have gone.
    rules.push(...read.matches.map((when) => ({ when, ...(positive === undefined ? policies : otherwise) })));
    if (positive !== undefined) otherwise = policies;
  }
  return { ...closed(rules, otherwise), ...(rules.length > 32 ? tooMany(rules.length, context) : {}) };
}

function tooMany(count: number, { findings }: Context): { rules: never[] } {
  findings.lost(
    'strategy.conditions',
    `they come to ${count} rules, and a route has 32`,
    'make several routes, or patterns with *',
  );
  return { rules: [] };
}

/** What a rule leaves out is as the route says: a policy that only the default has is said by a last rule for every call. */
function closed(rules: ({ when: Match } & Policies)[], otherwise: Policies): Policies & Pick<WrittenRoute, 'rules'> {
  const leaks = (['fallback', 'retry', 'timeout'] as const).some(
    (policy) => otherwise[policy] !== undefined && rules.some((rule) => rule[policy] === undefined),
  );
  const unnamed = rules.some(({ target, split, balance }) => (target ?? split ?? balance) === undefined);
  return leaks || unnamed ? { rules: [...rules, { when: {}, ...otherwise }] } : { ...otherwise, rules };
}

function policiesOf(branch: Branch, context: Context): Policies {
  const { then, on, leaves } = branch;
  const way = wayOf(branch, context);
  const own = Object.hasOwn(way, 'target') ? [way.target] : [];
  const others = then.filter((target) => !own.includes(target));
  const fits = cut(others, leaves[0]?.field ?? '', context);
  return {
    ...way,
    ...(fits.length === 0 ? {} : { fallback: { to: fits, on } }),
    ...retryOf(leaves, context),
    ...timeoutOf(leaves, context),
  };
}

function wayOf({ arms, sticky }: Branch, context: Context): Policies {
  const [first] = arms;
  if (first === undefined) return {};
  if (first.target === null) return callersOwn(first, context);
  const weights = wholeWeights(arms.map(({ weight }) => weight));
  const to = cut(arms, first.field, context).map((arm, index) => ({
    arm,
    target: arm.target ?? '',
    weight: weights[index] ?? 1,
  }));
  if (arms.some(({ parameters }) => Object.keys(parameters).length > 0)) {
    return { split: { to: to.map((one) => variantOf(one, to)) } };
  }
  if (to.length === 1) return { target: first.target };
  if (to.every(({ weight }) => weight === 0)) {
    context.findings.lost(first.field, 'no target has a weight above 0', 'give weights');
    return {};
  }
  const merged = [...new Set(to.map(({ target }) => target))].map((target) => ({
    target,
    weight: to.filter((one) => one.target === target).reduce((sum, { weight }) => sum + weight, 0),
  }));
  if (merged.length === 1) return { target: first.target };
  return { balance: sticky === null ? { to: merged } : { by: 'hash', unit: sticky.unit, to: merged } };
}

/** Variants have different names, which is the target unless one is there twice. */
function variantOf(
  { arm, target, weight }: { arm: Arm; target: string; weight: number },
  all: readonly { target: string }[],
) {
  const again = all.filter((other) => other.target === target).length > 1 || target.length > 64;
  const parameters = Object.keys(arm.parameters).length === 0 ? {} : { parameters: arm.parameters };
  return { target, weight, ...(again ? { name: arm.field } : {}), ...parameters };
}

function callersOwn({ field, parameters }: Arm, { findings }: Context): Policies {
  const at = field === '' ? 'provider' : field;
  findings.differs(
    at,
    'names no model: the route sets no target, and a call goes where its path says',
    'call the provider’s own path, or import with --model NAME',
  );
  for (const name of Object.keys(parameters)) {
    findings.lost(
      under(field, `override_params.${name}`),
      'parameters are set by a split, which names a target',
      'import with --model NAME',
    );
  }
  return {};
}

function cut<T>(all: readonly T[], field: string, { findings }: Context): T[] {
  if (all.length > 16)
    findings.lost(field, `${all.length} targets, and a policy names 16: the rest is left out`, 'choose');
  return all.slice(0, 16);
}

/** The one that all leaves have. */
function shared<T>(
  leaves: Branch['leaves'],
  name: 'retry' | 'request_timeout',
  read: (node: PortkeyNode) => T | undefined,
  { findings }: Context,
): T | undefined {
  const all = leaves.map(({ node }) => JSON.stringify(read(node)));
  const other = all.findIndex((one) => one !== all[0]);
  const found = leaves.map(({ node }) => read(node)).find((one) => one !== undefined);
  if (other !== -1) {
    findings.lost(
      under(leaves[other]?.field ?? '', name),
      `its targets differ in it, and a route has one ${name}: the first that is said`,
      'make a route for each',
    );
  }
  return found;
}

function retryOf(leaves: Branch['leaves'], context: Context): Pick<Policies, 'retry'> {
  const retry = shared(leaves, 'retry', (node) => node.retry, context);
  if (retry === undefined || retry.attempts === 0) return {};
  const { attempts, on_status_codes = [429, 500, 502, 503, 504] } = retry;
  const on = conditionsOf(on_status_codes, 'retry.on_status_codes', context);
  if (on.length === 0) return {};
  const honoured = retry.use_retry_after_headers ?? retry.use_retry_after_header ?? false;
  if (!honoured) context.findings.differs('retry', 'Weir honours Retry-After always, up to retry.max', 'nothing');
  if (attempts > 10) context.findings.lost('retry.attempts', `${attempts}, and Weir makes 10 at most`, 'nothing');
  // Portkey waits a second, two, four …, and follows Retry-After up to a minute.
  return { retry: { retries: Math.min(attempts, 10), on, min: 1_000, max: honoured ? 60_000 : 16_000 } };
}

/** Portkey's clock ends with the head of the answer. */
function timeoutOf(leaves: Branch['leaves'], context: Context): Pick<Policies, 'timeout'> {
  const headers = shared(leaves, 'request_timeout', (node) => node.request_timeout, context);
  return headers === undefined || headers === 0 ? {} : { timeout: { headers } };
}

const guardrails: readonly [string, string] = ['Weir has no guardrails', 'check in the program, or before Weir'];
const said: Readonly<Record<string, readonly [why: string, todo: string]>> = {
  cache: ['routes do not cache yet', 'leave it out; the log tells what it would have saved'],
  input_guardrails: guardrails,
  output_guardrails: guardrails,
  before_request_hooks: guardrails,
  after_request_hooks: guardrails,
  default_input_guardrails: guardrails,
  default_output_guardrails: guardrails,
  metadata: [
    'a route adds no properties',
    'send Weir-Property-… (x-portkey-metadata is understood), or give the Weir key properties',
  ],
  api_version: ['a target names no API version', 'say it in the call (?api-version=)'],
  azure_api_version: ['a target names no API version', 'say it in the call (?api-version=)'],
};
/** Fields that need nothing: Weir does so anyway. */
const idle: Readonly<Record<string, string>> = {
  forward_headers: 'every header that is not Weir’s own is forwarded',
  strict_open_ai_compliance: 'answers come as the provider gave them',
};

/** Says every field of the tree that the import does not read. */
function notePassedOver(node: PortkeyNode, field: string, context: Context): void {
  const prefix = field === '' ? '' : `${field}.`;
  const { findings } = context;
  const unread = (value: object, at: string, known: ReadonlySet<string>): void => {
    for (const name of Object.keys(value)) {
      if (known.has(name) && name !== 'cache') continue;
      const does = idle[name];
      const [why, todo] = said[name] ?? ['routes have nothing like it', 'see docs/migrating.md'];
      if (does !== undefined) findings.differs(`${at}${name}`, does, 'nothing');
      else findings.lost(`${at}${name}`, why, todo);
    }
  };
  unread(node, prefix, readFields);
  if (node.retry)
    unread(
      node.retry,
      `${prefix}retry.`,
      new Set(['attempts', 'on_status_codes', 'use_retry_after_headers', 'use_retry_after_header']),
    );
  if (node.strategy)
    unread(
      node.strategy,
      `${prefix}strategy.`,
      new Set(['mode', 'on_status_codes', 'conditions', 'default', 'sticky_session']),
    );
  for (const [index, child] of (node.targets ?? []).entries())
    notePassedOver(child, `${prefix}targets[${index}]`, context);
}
