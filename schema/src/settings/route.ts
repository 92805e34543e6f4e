/** Routes as people write them: from a request to the targets that are asked, in which order, and what is done when one fails. */
import { z } from 'zod';
import { operations } from '../records.ts';
import { isTimeZone, limitPolicy, pattern } from './limit.ts';

/** Longest wait and longest clock, ms: a day. */
const longestMs = 86_400_000;
/** Targets that one policy may name. */
const mostTargets = 16;

/** `provider[:place]/model`; place: an Azure resource, a region of AWS or Vertex. */
export const target = z
  .string()
  .max(300)
  .regex(/^[a-z0-9-]{1,32}(?::[a-z0-9.-]{1,128})?\/[\x21-\x7e]+$/, {
    error: 'expected provider/model or provider:place/model, such as openai/gpt-5 or azure:my-resource/gpt-5',
  });

/** Statuses that say that the call is wrong, or not allowed: the same call would fail again. */
export const neverAgain: readonly number[] = [400, 401, 403, 404, 422];

/** Why another attempt is made: a status, any 5xx, a clock that ran out, a connection that failed. */
export const condition = z.union(
  [
    z.enum(['server-error', 'timeout', 'network']),
    z
      .number()
      .int()
      .min(400)
      .max(599)
      .refine((status) => !neverAgain.includes(status), {
        error: `expected a status other than ${neverAgain.join(', ')}: the same call would fail again`,
      }),
  ],
  {
    error: `expected server-error, timeout, network, or a status from 400 to 599 other than ${neverAgain.join(', ')}`,
  },
);
export type Condition = z.infer<typeof condition>;
/**
 * What a fallback takes beside: the provider said that the question is too long for its model; a limit of Weir's has no room for
 * the target.
 */
export const fallbackCondition = z.union([condition, z.enum(['context-overflow', 'limit'])], {
  error: `expected server-error, timeout, network, context-overflow, limit, or a status other than ${neverAgain.join(', ')}`,
});
export type FallbackCondition = z.infer<typeof fallbackCondition>;

export const defaultConditions: Condition[] = [429, 'server-error', 'timeout', 'network'];

const milliseconds = z.number().int().min(0).max(longestMs);

export const retryPolicy = z
  .strictObject({
    /** Tries after the first. */
    retries: z.number().int().min(0).max(10).default(2),
    on: z.array(condition).min(1).max(32).default(defaultConditions),
    /** The n-th wait is between `min` and the smaller of `max` and `min` · 2ⁿ, ms. */
    min: milliseconds.default(500),
    max: milliseconds.default(8_000),
  })
  .refine(({ min, max }) => min <= max, { path: ['max'], error: 'expected at least min' });
export type RetryPolicy = z.output<typeof retryPolicy>;

/** In ms; 0: no limit. `drain`: how long to read on after the client left. */
export const timeoutPolicy = z.strictObject({
  headers: milliseconds.default(0),
  idle: milliseconds.default(0),
  total: milliseconds.default(0),
  drain: milliseconds.default(0),
});

/** Members of a body that say what is asked, for whom and how it comes back: those are the caller's. */
const callersOwn = ['model', 'messages', 'contents', 'input', 'prompt', 'stream', 'system', 'systemInstruction'];

/** One of the targets between which a split or a balance chooses. */
export const choice = z.strictObject({
  target,
  weight: z.number().int().min(0).max(1_000_000).default(1),
});

/** An arm of a split. */
export const variant = choice.extend({
  /** What rows call it; else the target as it is written. */
  name: z.string().min(1).max(64).optional(),
  /** Members of the body that are set to these values. */
  parameters: z
    .record(z.string().min(1).max(64), z.json())
    .refine((all) => Object.keys(all).every((name) => !callersOwn.includes(name)), {
      error: `expected none of ${callersOwn.join(', ')}`,
    })
    .optional(),
  /** Of the system prompt. */
  system: z
    .strictObject({ put: z.enum(['replace', 'before', 'after']).default('replace'), text: z.string().max(100_000) })
    .optional(),
  /** Recorded as `prompt` and `prompt_version`. */
  prompt: z.string().min(1).max(512).optional(),
  prompt_version: z.string().min(1).max(64).optional(),
});
export type Variant = z.output<typeof variant>;

const clock = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, { error: 'expected a time such as 08:30' });
export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

/** Calls that something is for. What is absent matches every call; of what is there everything must match. */
export const match = z.strictObject({
  /** The model that the call asks for. */
  models: z.array(pattern).min(1).max(64).optional(),
  operations: z.array(z.enum(operations)).min(1).optional(),
  users: z.array(pattern).min(1).max(256).optional(),
  projects: z.array(z.string()).min(1).max(64).optional(),
  keys: z.array(z.string()).min(1).max(64).optional(),
  properties: z.record(z.string(), pattern).optional(),
  /** Of the body, in bytes: at least, and less than. */
  min_bytes: z.number().int().min(0).optional(),
  max_bytes: z.number().int().min(1).optional(),
  /** From a time of day on until before another, in a time zone; past midnight where the second is the earlier. */
  hours: z
    .strictObject({
      from: clock,
      to: clock,
      zone: z.string().refine(isTimeZone, { error: 'expected a time zone such as Europe/Berlin' }).default('UTC'),
      days: z.array(z.enum(weekdays)).min(1).optional(),
    })
    .optional(),
});
export type Match = z.output<typeof match>;

/** By whom a split or a consistent hash is sticky; `property:<name>` is one of the call's own properties. */
export const unit = z.string().regex(/^(user|session|request|property:[a-z0-9._-]{1,64})$/, {
  error: 'expected user, session, request or property:<name>',
});

const choices = <T extends typeof choice>(one: T) =>
  z
    .array(one)
    .min(1)
    .max(mostTargets)
    .refine((all) => all.some(({ weight }) => weight > 0), { error: 'expected a weight above 0' });

export const splitPolicy = z
  .strictObject({
    /** Part of what assigns: two splits of one name assign alike. '' where each request is assigned by itself. */
    name: z.string().max(128).default(''),
    by: unit.default('request'),
    to: choices(variant).refine((all) => new Set(all.map(nameOfVariant)).size === all.length, {
      error: 'expected variants of different names',
    }),
    /** The calls that are split; others go on as without it. */
    only: match.optional(),
  })
  .refine(({ name, by }) => name !== '' || by === 'request', {
    path: ['name'],
    error: 'expected a name, unless by is request',
  });
export type SplitPolicy = z.output<typeof splitPolicy>;

export const balanceKinds = ['weighted', 'least-busy', 'lowest-latency', 'cheapest', 'hash'] as const;
export const balancePolicy = z.strictObject({
  by: z.enum(balanceKinds).default('weighted'),
  to: choices(choice),
  /** Of `hash`: what is always sent to the same target. */
  unit: unit.default('user'),
});
export type BalancePolicy = z.output<typeof balancePolicy>;

export const fallbackPolicy = z.strictObject({
  /** Tried in this order. */
  to: z.array(target).min(1).max(mostTargets),
  on: z.array(fallbackCondition).min(1).max(32).default(defaultConditions),
});
export type FallbackPolicy = z.output<typeof fallbackPolicy>;

/** What is done with a call. Of split, balance and a single target one at most. */
const policies = {
  target: target.nullable().default(null),
  split: splitPolicy.nullable().default(null),
  balance: balancePolicy.nullable().default(null),
  fallback: fallbackPolicy.nullable().default(null),
  retry: retryPolicy.nullable().default(null),
  timeout: timeoutPolicy.nullable().default(null),
};
const oneWay = {
  check: ({ target, split, balance }: { target: unknown; split: unknown; balance: unknown }): boolean =>
    [target, split, balance].filter((way) => way !== null).length <= 1,
  error: { path: ['target'], error: 'expected one of target, split and balance at most' },
};
export const policySet = z.strictObject(policies).refine(oneWay.check, oneWay.error);
export type PolicySet = z.output<typeof policySet>;

/** A saved route: its policies, and rules whose policies come first where they match. */
export const routeSettings = z
  .strictObject({
    /** What `Weir-Route` says: a Token or String of RFC 9651. */
    name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, {
      error: 'expected letters, digits, dot, dash or underscore, at most 64',
    }),
    description: z.string().max(2_000).default(''),
    ...policies,
    /** The first that matches decides: what it leaves out is as the route says. */
    rules: z
      .array(z.strictObject({ when: match, ...policies }).refine(oneWay.check, oneWay.error))
      .max(32)
      .default([]),
    limits: z
      .array(limitPolicy)
      .max(16)
      .refine((limits) => new Set(limits.map(({ name }) => name)).size === limits.length, {
        error: 'expected limits of different names',
      })
      .default([]),
  })
  .refine(oneWay.check, oneWay.error);
export type RouteSettings = z.output<typeof routeSettings>;

/** What rows call an arm of a split. */
export function nameOfVariant({ name, target }: { name?: string | undefined; target: string }): string {
  return name ?? target;
}
