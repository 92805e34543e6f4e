/** A tree of Portkey targets, flattened: arms to choose between, and what is asked when they fail. */
import type { Condition, FallbackCondition } from '@weir/schema/settings/route';
import { neverAgain } from '@weir/schema/settings/route';
import { under } from './notes.ts';
import type { PortkeyNode } from './portkey-config.ts';
import { armOf, named, type Arm, type Context } from './portkey-target.ts';

export interface Branch {
  arms: Arm[];
  /** Targets after those, in order. */
  then: string[];
  on: FallbackCondition[];
  sticky: { unit: string } | null;
  /** The configs of the leaves, with what they inherit. */
  leaves: { field: string; node: PortkeyNode }[];
}

const nothing: Branch = { arms: [], then: [], on: [], sticky: null, leaves: [] };

/** What every target gets from the config around it, unless it says otherwise. */
export function inherit(child: PortkeyNode, parent: PortkeyNode): PortkeyNode {
  const { retry, request_timeout, custom_host, override_params } = parent;
  const given = Object.fromEntries(
    Object.entries({ retry, request_timeout, custom_host }).filter(([, value]) => value !== undefined),
  );
  const params = { ...override_params, ...child.override_params };
  return { ...given, ...child, ...(Object.keys(params).length === 0 ? {} : { override_params: params }) };
}

/** @param node with what it inherits. */
export function branchOf(node: PortkeyNode, field: string, context: Context): Branch {
  const children = (node.targets ?? []).map((child, index) => ({
    node: inherit(child, node),
    field: under(field, `targets[${index}]`),
  }));
  if (children.length === 0) {
    const arm = armOf(node, field, context);
    return { ...nothing, arms: arm === undefined ? [] : [arm], leaves: [{ field, node }] };
  }
  const branches = children.map((child) => branchOf(child.node, child.field, context));
  const mode = node.strategy?.mode ?? 'single';
  if (mode === 'fallback') return inOrder(branches, node, field, context);
  if (mode === 'loadbalance') return balanced(branches, children, node, field, context);
  return onlyFirst(branches, mode, field, context);
}

function onlyFirst(branches: readonly Branch[], mode: string, field: string, { findings }: Context): Branch {
  const where = under(field, 'strategy');
  if (mode === 'conditional') {
    findings.lost(
      where,
      'conditions inside another strategy; only the first target is taken',
      'write rules into the route by hand',
    );
  } else if (branches.length > 1) {
    findings.lost(
      where,
      'single asks the first target; the others are never asked',
      'nothing, unless another strategy was meant',
    );
  }
  return branches[0] ?? nothing;
}

function balanced(
  branches: readonly Branch[],
  children: readonly { node: PortkeyNode; field: string }[],
  node: PortkeyNode,
  field: string,
  context: Context,
): Branch {
  const arms = branches.flatMap((branch, index) => {
    const total = branch.arms.reduce((sum, { weight }) => sum + weight, 0) || 1;
    const share = children[index]?.node.weight ?? 1;
    return branch.arms.map((arm) => ({
      ...arm,
      weight: branch.arms.length === 1 ? share : (arm.weight / total) * share,
    }));
  });
  const inner = branches.filter(({ then }) => then.length > 0);
  if (inner.length > 0) {
    context.findings.lost(
      under(field, 'strategy'),
      'each balanced target has fallbacks of its own; a route has one list for all, made of these in order',
      'look at fallback.to',
    );
  }
  return {
    arms: arms.length > 1 ? named(arms, context) : arms,
    then: [...new Set(inner.flatMap(({ then }) => then))],
    on: [...new Set(inner.flatMap(({ on }) => on))],
    sticky: stickyOf(node, field, context),
    leaves: branches.flatMap(({ leaves }) => leaves),
  };
}

function stickyOf({ strategy }: PortkeyNode, field: string, { findings }: Context): Branch['sticky'] {
  if (strategy?.sticky_session === undefined) return null;
  const where = under(field, 'strategy.sticky_session');
  const { hash_fields = [], ttl } = strategy.sticky_session;
  const [, name] = /^metadata\.([A-Za-z0-9._-]{1,64})$/.exec(hash_fields[0] ?? '') ?? [];
  if (name === undefined || hash_fields.length !== 1) {
    findings.lost(
      `${where}.hash_fields`,
      'a balance is sticky by one property, the user or the session',
      'set balance.by to hash, and balance.unit',
    );
    return null;
  }
  if (ttl !== undefined) findings.differs(`${where}.ttl`, 'a hash keeps a unit at its target for good', 'nothing');
  return { unit: `property:${name.toLowerCase()}` };
}

function inOrder(branches: readonly Branch[], node: PortkeyNode, field: string, context: Context): Branch {
  const { findings } = context;
  const [first = nothing, ...rest] = branches.filter(({ arms, then }) => arms.length > 0 || then.length > 0);
  const on = conditionsOf(node.strategy?.on_status_codes, under(field, 'strategy.on_status_codes'), context);
  const then = rest.flatMap((branch) => {
    const arms = named(branch.arms, context);
    if (arms.length > 1) {
      findings.lost(
        arms[0]?.field ?? field,
        'a balance inside a fallback: its targets are asked one after the other',
        'order fallback.to as wanted',
      );
    }
    for (const { field: at, parameters } of arms) {
      for (const name of Object.keys(parameters)) {
        findings.lost(
          under(at, `override_params.${name}`),
          'a fallback sends the body as it is, but for the model',
          'say it in the program, or in a split',
        );
      }
    }
    return [...arms.map(({ target }) => target ?? ''), ...branch.then];
  });
  return {
    ...first,
    then: on.length === 0 ? first.then : [...new Set([...first.then, ...then])],
    on: [...new Set([...first.on, ...on])],
    leaves: branches.flatMap(({ leaves }) => leaves),
  };
}

/**
 * Statuses as conditions. Portkey answers 408 itself when its clock runs out, 503 when no connection comes about and 500 when one
 * breaks. Without a list it goes on after any answer that is no success.
 */
export function conditionsOf(codes: readonly number[] | undefined, field: string, { findings }: Context): Condition[] {
  if (codes === undefined) {
    findings.differs(
      field,
      'Portkey falls back after every error; Weir after 429, 5xx, a clock that ran out and a connection that failed, never after 400, 401, 403, 404, 422',
      'nothing, unless refused calls are to go elsewhere too',
    );
    return [429, 'server-error', 'timeout', 'network'];
  }
  const kept = codes.filter(
    (code) => Number.isInteger(code) && code >= 400 && code <= 599 && !neverAgain.includes(code),
  );
  for (const code of codes.filter((one) => !kept.includes(one))) {
    findings.lost(
      field,
      `after ${code} no other attempt is made: the same call would fail again`,
      'mend the call, or the key',
    );
  }
  const beside = { 408: ['timeout'], 500: ['network'], 503: ['network'] } as const;
  const also = kept.flatMap((code) => (code in beside ? beside[code as keyof typeof beside] : []));
  return [...new Set([...kept, ...also])];
}
