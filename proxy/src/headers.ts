/**
 * Every header that Weir understands, in one table (CONTRACT.md §4). Identity headers describe a call: a malformed one is
 * cut or dropped with a warning. Policy headers change a call: one that does not parse, or that this version does not
 * know, is refused before anything reaches a provider.
 */
import { parseDictionary, parseItem, Token } from 'structured-headers';
import type { LimitPolicy } from '@weir/schema/settings/limit';
import { WeirError } from './errors.ts';
import { readLimits } from './limits/header.ts';
import { parseField } from './structured.ts';
import { readFallback, readRetry, readRoute, readSplit } from './routing/header.ts';
import type { BroughtPolicies } from './routing/plan.ts';
import { readTimeouts, type Timeouts } from './timeouts.ts';

export interface Instructions {
  clientRequestId: string;
  user: string;
  sessionId: string;
  sessionName: string;
  sessionPath: string;
  properties: Record<string, string>;
  prompt: string;
  promptVersion: string;
  traceId: string;
  parentSpanId: string;
  clientRetry: number;
  /** Text of the `Weir-Key` header; keys in an SDK's own credential header are found elsewhere. */
  key: string | null;
  targetUrl: string | null;
  keepBodies: boolean;
  /** Ask a stream for its usage, and take the chunk that tells it out again. Undefined: as the settings say. */
  askUsage: boolean | undefined;
  redact: RedactKind[];
  /** Of `Weir-Limit`: they tighten what the key and the saved limits allow. */
  limits: LimitPolicy[];
  /** Null: the header sets no clock. */
  timeouts: Timeouts | null;
  /** Name of the saved route; null without one. */
  route: string | null;
  /** Of `Weir-Split`, `Weir-Fallback`, `Weir-Retry`: they stand before those of the route. */
  policies: BroughtPolicies;
  warnings: string[];
  /** Set when a policy cannot be carried out: the call is refused, and recorded with what is known of it. */
  refusal: WeirError | null;
}

export const redactKinds = ['email', 'card', 'phone'] as const;
export type RedactKind = (typeof redactKinds)[number];

type Rule = (into: Instructions, value: string, name: string) => void;

const identityLimit = 512;
const idLimit = 128;
const propertyLimit = 64;

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

/** Policies of the contract that this version does not carry out yet: refused, because ignoring a limit is worse. */
const laterPolicies = new Set(['weir-cache']);

const ownPrefixes = ['weir-', 'helicone-', 'x-portkey-', 'cf-aig-'];

/** Hop-by-hop fields (RFC 9110 §7.6.1), with `expect`, which Weir answers itself. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

/** Whether a request header (lower case) stays with Weir. */
export function isOwnHeader(name: string): boolean {
  return ownPrefixes.some((prefix) => name.startsWith(prefix));
}

/** Whether a header (lower case) ends at the next hop; `connection` is the message's own list of further names. */
export function isHopByHop(name: string, connection: ReadonlySet<string> | null): boolean {
  return hopByHop.has(name) || (connection !== null && connection.has(name));
}

/** Names listed in a `Connection` header, lower case; null when there are none but `close` and `keep-alive`. */
export function connectionNames(value: string | undefined): Set<string> | null {
  if (value === undefined) return null;
  const names = value
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'close' && name !== 'keep-alive');
  return names.length === 0 ? null : new Set(names);
}

/** Reads the instructions out of a request's raw headers (name, value, name, value …). */
export function parseInstructions(raw: readonly string[]): Instructions {
  const into: Instructions = {
    clientRequestId: '',
    user: '',
    sessionId: '',
    sessionName: '',
    sessionPath: '',
    properties: {},
    prompt: '',
    promptVersion: '',
    traceId: '',
    parentSpanId: '',
    clientRetry: 0,
    key: null,
    targetUrl: null,
    keepBodies: true,
    askUsage: undefined,
    redact: [],
    limits: [],
    timeouts: null,
    route: null,
    policies: {},
    warnings: [],
    refusal: null,
  };
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase();
    const value = raw[index + 1] as string;
    const rule = ruleOf.get(name) ?? prefixRules.find(([prefix]) => name.startsWith(prefix))?.[1];
    if (rule !== undefined) applyRule(rule, into, value, name);
    else if (name.startsWith('weir-')) into.refusal ??= unknownHeader(name);
    else if (isOwnHeader(name)) into.warnings.push(`ignored_header:${name.slice(0, 64)}`);
  }
  return into;
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

function addProperty(into: Instructions, name: string, value: string, header: string): void {
  const property = name.toLowerCase().slice(0, 128);
  if (property === '') return;
  if (!(property in into.properties) && Object.keys(into.properties).length >= propertyLimit) {
    if (!into.warnings.includes('too_many_properties')) into.warnings.push('too_many_properties');
    return;
  }
  // A plain assignment to `__proto__` would change the object instead of filling it.
  Object.defineProperty(into.properties, property, {
    value: readIdentity(into, value, header, identityLimit),
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

/** Plain text of at most `limit` bytes; percent-decoded when all of it is valid percent-encoded UTF-8. */
function readIdentity(into: Instructions, value: string, name: string, limit: number): string {
  let text = value;
  // The question is whether a byte is outside ASCII.
  if (/[^\x00-\x7f]/.test(text)) {
    // Node reads headers as latin1; programs that send other characters mean UTF-8.
    const utf8 = Buffer.from(text, 'latin1').toString('utf8');
    if (utf8.includes('\ufffd')) into.warnings.push(`malformed_header:${name.slice(0, 64)}`);
    else text = utf8;
  }
  if (text.includes('%')) {
    try {
      text = decodeURIComponent(text);
    } catch {
      // Not percent-encoding after all: the text as it stands.
    }
  }
  if (Buffer.byteLength(text) <= limit) return text;
  into.warnings.push(`cut_header:${name.slice(0, 64)}`);
  return Buffer.from(text)
    .subarray(0, limit)
    .toString('utf8')
    .replace(/\ufffd+$/, '');
}

/** W3C Trace Context §3.2: version-traceid-parentid-flags. */
function readTraceparent(into: Instructions, value: string): void {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}/.exec(value.trim());
  if (match === null) {
    into.warnings.push('malformed_header:traceparent');
    return;
  }
  into.traceId = match[1] ?? '';
  into.parentSpanId = match[2] ?? '';
}

function omitBodies(into: Instructions, value: string): void {
  if (value.trim().toLowerCase() === 'true') into.keepBodies = false;
}

/** `summarise;v=3`: an Item of RFC 9651. */
function readPrompt(into: Instructions, value: string): void {
  const [item, parameters] = parseField('weir-prompt', value, 'a name and a version such as summarise;v=3', parseItem);
  if (typeof item !== 'string' && !(item instanceof Token)) {
    throw new WeirError('bad_header', 'weir-prompt: expected a name and a version such as summarise;v=3.');
  }
  into.prompt = item.toString();
  const version = parameters.get('v');
  into.promptVersion = version === undefined ? '' : String(version);
}

/** `bodies=?0, redact=(email card), usage=?1`: a Dictionary of RFC 9651. */
function readLog(into: Instructions, value: string): void {
  const expected = 'bodies=?0, redact=(email card phone) or usage=?1';
  for (const [name, [member]] of parseField('weir-log', value, expected, parseDictionary)) {
    if (name === 'bodies' && typeof member === 'boolean') {
      into.keepBodies = member;
    } else if (name === 'usage' && typeof member === 'boolean') {
      into.askUsage = member;
    } else if (name === 'redact' && Array.isArray(member)) {
      into.redact = member.map(([kind]) => readRedactKind(String(kind)));
    } else {
      throw new WeirError('bad_header', `weir-log: ${name} is not understood here; expected ${expected}.`);
    }
  }
}

function readRedactKind(text: string): RedactKind {
  const kind = redactKinds.find((known) => known === text);
  if (kind === undefined) {
    throw new WeirError('bad_header', `weir-log: redact knows ${redactKinds.join(', ')}, not ${text.slice(0, 64)}.`);
  }
  return kind;
}
