/** What its policies, and the saved route it names, make of a call. */
import { nameOfVariant, type PolicySet, type RouteSettings } from '@weir/schema/settings/route';
import type { RequestBody } from '../body.ts';
import type { Call } from '../call.ts';
import type { RoutedColumns } from '../capture/notes.ts';
import { WeirError } from '../errors.ts';
import { allowRoute } from '../keys/access.ts';
import { memberValues } from '../json/members.ts';
import { asObject, parseJson, type JsonObject } from '../json/value.ts';
import type { PriceBook } from '../prices/book.ts';
import { asksForStream } from '../providers/operations.ts';
import { targetInPath, UNIFIED } from '../providers/unified.ts';
import { endUserOf, namedModel } from '../providers/request.ts';
import type { RouteFacts } from './facts.ts';
import type { LiveTargets } from './live.ts';
import { makePlan, policiesFor, type Plan, type SavedRoute } from './plan.ts';
import { priceOf } from './price.ts';
import { parseTarget } from './target.ts';

export interface Routing {
  plan: Plan;
  policies: PolicySet;
  /** The saved route's; null without one. */
  settings: RouteSettings | null;
  /** The answer is asked for as a stream. */
  streamed: boolean;
  /** Columns of `requests`. */
  row: RoutedColumns;
}

export interface RoutingOptions {
  routes: { find(name: string): SavedRoute | null };
  live: LiveTargets;
  prices: { readonly book: PriceBook };
}

/** Whether a call brings a policy, names a route, or is one of the unified API. */
export function isRouted({ provider, instructions: { route, policies } }: Call): boolean {
  return provider === UNIFIED || route !== null || Object.keys(policies).length > 0;
}

/**
 * @param body the whole of it; null or a stream where it cannot be looked into: then only headers and path say what the call is.
 * @throws WeirError `unknown_route`, `forbidden_target`.
 */
export function routeCall(call: Call, body: RequestBody, { routes, live, prices }: RoutingOptions): Routing {
  const { instructions } = call;
  const saved = instructions.route === null ? null : findRoute(call, instructions.route, routes);
  const root = Buffer.isBuffer(body) ? membersOf(body) : null;
  const facts = factsOf(call, root, Buffer.isBuffer(body) ? body.length : 0);
  const { policies, rule } = policiesFor(saved?.settings ?? null, instructions.policies, facts);
  const at = new Date(facts.at);
  const plan = makePlan(policies, facts, {
    live,
    random: Math.random,
    priceOf: (target) => priceOf(target, prices.book, at),
    rule,
    named: call.provider === UNIFIED && !choosesTarget(policies) ? namedTarget(call, facts) : null,
  });
  const { assignment } = plan;
  const { variant } = assignment ?? {};
  if (variant?.prompt !== undefined) {
    instructions.prompt = variant.prompt;
    instructions.promptVersion = variant.prompt_version ?? '';
  }
  return {
    plan,
    policies,
    settings: saved?.settings ?? null,
    streamed: asksForStream(call.path, root?.['stream']),
    row: {
      route: saved?.settings.name ?? '',
      route_version: saved?.version ?? '',
      split: assignment?.split ?? '',
      split_version: assignment?.version ?? '',
      variant: variant === undefined ? '' : nameOfVariant(variant),
      split_unit: assignment?.unit ?? '',
    },
  };
}

/** A split that is for some calls alone leaves the others to their model. */
function choosesTarget({ target, split, balance }: PolicySet): boolean {
  return target !== null || balance !== null || (split !== null && split.only === undefined);
}

/** The model of a unified call is a target. @throws WeirError `bad_request`. */
function namedTarget(call: Call, { model }: RouteFacts): string {
  const named = targetInPath(call.path) ?? model;
  if (named === '') throw new WeirError('bad_request', 'model: expected provider/model, such as openai/gpt-5.');
  try {
    return parseTarget(named, 'bad_request').text;
  } catch (error) {
    throw error instanceof WeirError ? new WeirError('bad_request', `model: ${error.message}`) : error;
  }
}

function findRoute(call: Call, name: string, routes: RoutingOptions['routes']): SavedRoute {
  allowRoute(call, name);
  const found = routes.find(name);
  if (found === null) {
    throw new WeirError(
      'unknown_route',
      `There is no route ${JSON.stringify(name.slice(0, 64))}, or it is switched off.`,
    );
  }
  return found;
}

function factsOf(call: Call, root: JsonObject | null, bytes: number): RouteFacts {
  const { instructions, operation } = call;
  return {
    requestId: call.id,
    operation,
    model: namedModel(root) ?? call.requestModel,
    user: instructions.user || (endUserOf(operation, root) ?? ''),
    session: instructions.sessionId,
    project: call.project,
    keyId: call.keyId,
    properties: instructions.properties,
    bytes,
    at: Date.now(),
  };
}

const looked = ['model', 'model_id', 'user', 'safety_identifier', 'metadata', 'stream'];

/** The few members of a body that routes look at, found without parsing the rest; null for what is no JSON object. */
function membersOf(body: Buffer): JsonObject | null {
  const values = memberValues(body, looked);
  if (values === null) return null;
  return asObject(Object.fromEntries([...values].map(([name, text]) => [name, parseJson(text.toString())?.value])));
}
