/**
 * Every header that Weir understands, in one table (CONTRACT.md §4). Identity headers describe a call: a malformed one is
 * cut or dropped with a warning. Policy headers change a call: one that does not parse, or that this version does not
 * know, is refused before anything reaches a provider.
 */
import { WeirError } from './errors.ts';
import { headerTraits, type HeaderTraits } from './header-traits.ts';
import { readHeliconeFallbacks, readHeliconeLimit, readHeliconeRetry, type HeliconeRetry } from './helicone.ts';
import { addProperty, identityLimit, readIdentity, readPrompt, readTraceparent } from './identity.ts';
import { noInstructions, type Instructions } from './instructions.ts';
import { readLimits } from './limits/header.ts';
import { readLog } from './log-header.ts';
import { readFallback, readRetry, readRoute, readSplit } from './routing/header.ts';
import { readTimeouts } from './timeouts.ts';

type Rule = (into: Instructions, value: string, name: string) => void;

const idLimit = 128;

/** Field of Instructions ← header that carries plain text. */
const identity = (field: 'user' | 'sessionId' | 'sessionName' | 'sessionPath', limit = identityLimit): Rule => {
  return (into, value, name) => {
    into[field] = readIdentity(into, value, name, limit);
  };
};

const clientId: Rule = (into, value, name) => {
  into.clientRequestId = readIdentity(into, value, name, idLimit);
};

const key: Rule = (into, value) => {
  into.key = value.replace(/^Bearer\s+/i, '').trim();
};

/** A foreign gateway's credential: kept only when it holds one of ours. */
const foreignKey: Rule = (into, value) => {
  const text = value.replace(/^Bearer\s+/i, '').trim();
  if (text.startsWith('wk_')) into.key = text;
};

const metadata: Rule = (into, value, name) => {
  try {
    const parsed: unknown = JSON.parse(value);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new TypeError('not an object');
    for (const [property, entry] of Object.entries(parsed)) {
      addProperty(into, property, typeof entry === 'string' ? entry : JSON.stringify(entry), name);
    }
  } catch {
    into.warnings.push(`malformed_header:${name}`);
  }
};

const rules: Record<string, Rule> = {
  'weir-key': key,
  'weir-id': clientId,
  'weir-user': identity('user'),
  'weir-session': identity('sessionId'),
  'weir-session-name': identity('sessionName'),
  'weir-session-path': identity('sessionPath'),
  'weir-prompt': readPrompt,
  'weir-log': readLog,
  'weir-timeout': (into, value) => {
    into.timeouts = readTimeouts(value);
  },
  'weir-route': (into, value) => {
    into.route = readRoute(value);
  },
  'weir-split': (into, value) => {
    into.policies.split = readSplit(value);
  },
  'weir-fallback': (into, value) => {
    into.policies.fallback = readFallback(value);
  },
  'weir-retry': (into, value) => {
    into.policies.retry = readRetry(value);
  },
  'weir-limit': (into, value) => {
    into.limits = [...into.limits, ...readLimits(value)];
  },
  'weir-target-url': (into, value) => {
    into.targetUrl = value;
  },
  traceparent: readTraceparent,
  'x-stainless-retry-count': (into, value) => {
    into.clientRetry = Math.min(255, Math.max(0, Math.trunc(Number(value)) || 0));
  },
  'helicone-auth': foreignKey,
  'helicone-user-id': identity('user'),
  'helicone-session-id': identity('sessionId'),
  'helicone-session-name': identity('sessionName'),
  'helicone-session-path': identity('sessionPath'),
  'helicone-request-id': clientId,
  'helicone-target-url': (into, value) => {
    into.targetUrl = value;
  },
  'helicone-prompt-id': (into, value, name) => {
    into.prompt = readIdentity(into, value, name, identityLimit);
  },
  'helicone-model-override': (into, value, name) => {
    into.pricedAs = readIdentity(into, value, name, identityLimit);
  },
  'helicone-ratelimit-policy': (into, value, name) => {
    const limit = readHeliconeLimit(value);
    if (limit === null) into.warnings.push(`ignored_header:${name}`);
    else into.limits = [...into.limits, limit];
  },
  'helicone-fallbacks': (into, value, name) => {
    const fallback = readHeliconeFallbacks(value);
    if (fallback === null) into.warnings.push(`ignored_header:${name}`);
    else into.policies.fallback = fallback;
  },
  'helicone-omit-request': omitBodies,
  'helicone-omit-response': omitBodies,
  'x-portkey-trace-id': identity('sessionId'),
  'x-portkey-metadata': metadata,
  'cf-aig-metadata': metadata,
};
/** A map: a header may have any name, those of an object's own members among them. */
const ruleOf = new Map(Object.entries(rules));

/** Headers whose name goes on after a prefix. */
const prefixRules: [prefix: string, rule: Rule][] = [
  ['weir-property-', (into, value, name) => addProperty(into, name.slice(14), value, name)],
  ['helicone-property-', (into, value, name) => addProperty(into, name.slice(18), value, name)],
];

/** Structured Fields: several lines of one name are one value (RFC 9651 §4.2). */
const structuredFields = new Set([
  'weir-route',
  'weir-split',
  'weir-fallback',
  'weir-retry',
  'weir-timeout',
  'weir-limit',
  'weir-log',
]);

const heliconeRetry = 'helicone-retry-';

/** Policies of the contract that this version does not carry out yet: refused, because ignoring a limit is worse. */
const laterPolicies = new Set(['weir-cache']);

/** Whether a header ends at the next hop; `connection` is the message's own list of further names. */
export function endsHere({ hopByHop, lower }: HeaderTraits, connection: ReadonlySet<string> | null): boolean {
  return hopByHop || (connection !== null && connection.has(lower));
}

/** Names listed in a `Connection` header, lower case; null when there are none but `close` and `keep-alive`. */
export function connectionNames(value: string | undefined): Set<string> | null {
  if (value === undefined || /^(keep-alive|close)$/i.test(value)) return null;
  const names = value
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'close' && name !== 'keep-alive');
  return names.length === 0 ? null : new Set(names);
}

/** Reads the instructions out of a request's raw headers (name, value, name, value …). */
export function parseInstructions(raw: readonly string[]): Instructions {
  const into = noInstructions();
  let retry: HeliconeRetry | null = null;
  let structured: Map<string, string> | null = null;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const { lower: name, own } = headerTraits(raw[index] as string);
    if (!own && !ruleOf.has(name)) continue;
    const value = raw[index + 1] as string;
    if (name.startsWith(heliconeRetry)) {
      retry = { ...(retry ?? {}), [name.slice(heliconeRetry.length)]: value.trim().toLowerCase() };
      continue;
    }
    if (structuredFields.has(name)) {
      const before = (structured ??= new Map<string, string>()).get(name);
      structured.set(name, before === undefined ? value : `${before}, ${value}`);
      continue;
    }
    const rule = ruleOf.get(name) ?? prefixRules.find(([prefix]) => name.startsWith(prefix))?.[1];
    if (rule !== undefined) applyRule(rule, into, value, name);
    else if (name.startsWith('weir-')) into.refusal ??= unknownHeader(name);
    else into.warnings.push(`ignored_header:${name.slice(0, 64)}`);
  }
  // Weir's own stand before those of others.
  for (const [name, value] of structured ?? []) applyRule(rules[name] as Rule, into, value, name);
  if (retry !== null) takeHeliconeRetry(into, retry);
  return into;
}

/** Several headers are one policy. */
function takeHeliconeRetry(into: Instructions, given: HeliconeRetry): void {
  if (given.enabled !== 'true') return;
  const policy = readHeliconeRetry(given);
  if (policy === null) into.warnings.push(`ignored_header:${heliconeRetry}enabled`);
  else into.policies.retry ??= policy;
}

function applyRule(rule: Rule, into: Instructions, value: string, name: string): void {
  try {
    rule(into, value, name);
  } catch (error) {
    if (!(error instanceof WeirError)) throw error;
    into.refusal ??= error;
  }
}

function unknownHeader(name: string): WeirError {
  if (laterPolicies.has(name)) {
    return new WeirError(
      'bad_header',
      `${name}: this version of Weir does not carry out this policy yet; leave it out.`,
    );
  }
  return new WeirError(
    'bad_header',
    `${name}: not a header of Weir. Known are Weir-User, Weir-Session, Weir-Property-…`,
  );
}

function omitBodies(into: Instructions, value: string): void {
  if (value.trim().toLowerCase() === 'true') into.keepBodies = false;
}
