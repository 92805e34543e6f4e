/** What `/weir/routes` takes and answers, for the proxy that answers it and the dashboard that asks. */
import { z } from 'zod';
import { operations } from '../records.ts';
import { fallbackPolicy, retryPolicy, routeSettings, timeoutPolicy } from './route.ts';

const versionNumber = z.number().int().min(1);

export const routeView = z.object({
  name: z.string(),
  version: z.number(),
  enabled: z.boolean(),
  /** Null: written by another version of Weir, and not in force here. */
  settings: routeSettings.nullable(),
  created_at: z.string(),
  created_by: z.string(),
  updated_at: z.string(),
  updated_by: z.string(),
});
export type RouteView = z.output<typeof routeView>;

/** The settings as a whole, since their parts hang together; or whether it is in force. */
export const routeChange = z.strictObject({
  settings: routeSettings.optional(),
  enabled: z.boolean().optional(),
  /** The version that is changed: refused when somebody has changed it meanwhile. */
  version: versionNumber.optional(),
});
export type RouteChange = z.output<typeof routeChange>;

export const routeVersionView = z.object({
  version: z.number(),
  /** Null as above. */
  settings: routeSettings.nullable(),
  at: z.string(),
  actor: z.string(),
  actor_name: z.string(),
});
export type RouteVersionView = z.output<typeof routeVersionView>;

export const restoreAsked = z.strictObject({ version: versionNumber });

/** Policies as a call brings them: `{"Weir-Split": "by=user, …"}`. */
const policyHeaders = z
  .record(z.string(), z.string().max(16_384))
  .refine((all) => Object.keys(all).every((name) => /^weir-(split|fallback|retry)$/i.test(name)), {
    error: 'expected Weir-Split, Weir-Fallback, Weir-Retry',
  });

export const sampleRequest = z.strictObject({
  operation: z.enum(operations).default('chat'),
  model: z.string().max(512).default(''),
  user: z.string().max(512).default(''),
  session: z.string().max(512).default(''),
  project: z.string().max(64).default('default'),
  key_id: z.string().max(64).default(''),
  properties: z.record(z.string().max(64), z.string().max(512)).default({}),
  /** Of the body. */
  bytes: z.number().int().min(0).default(0),
  /** Now, unless a time is given. */
  at: z.iso.datetime({ offset: true, error: 'expected a time such as 2027-01-31T08:30:00Z' }).optional(),
});
export type SampleRequest = z.input<typeof sampleRequest>;

export const dryRunAsked = z
  .strictObject({
    /** A saved one, that is in force. */
    route: z.string().max(64).optional(),
    /** One that need not be saved. */
    settings: routeSettings.optional(),
    headers: policyHeaders.default({}),
    request: sampleRequest.prefault({}),
  })
  .refine(({ route, settings }) => route === undefined || settings === undefined, {
    path: ['route'],
    error: 'expected route or settings, not both',
  });
export type DryRunAsked = z.output<typeof dryRunAsked>;

export const dryRunAnswer = z.object({
  route: z.string().nullable(),
  /** Null for settings that are not saved. */
  route_version: z.string().nullable(),
  /** Index of the rule that decides; null: the route itself. */
  rule: z.number().nullable(),
  assignment: z
    .object({
      split: z.string(),
      split_version: z.string(),
      variant: z.string(),
      /** As in `user:alice`; '' where the request was assigned by itself. */
      split_unit: z.string(),
    })
    .nullable(),
  /** In the order in which they would be asked. */
  targets: z.array(
    z.object({
      /** Null: as the call's own path says. */
      target: z.string().nullable(),
      why: z.string(),
      /** '' where the path says. */
      provider: z.string(),
      place: z.string(),
      model: z.string(),
      variant: z.string().nullable(),
      circuit: z.enum(['closed', 'open', 'half-open']),
      calls_in_flight: z.number(),
      /** To the head of its answers, on average; null where nothing is known. */
      latency_ms: z.number().nullable(),
      /** Dollars of a million tokens in and a million out; null where no price is known. */
      price_usd: z.number().nullable(),
      warnings: z.array(z.string()),
    }),
  ),
  retry: retryPolicy.nullable(),
  /** On what a further target is asked; null where there is none. */
  fallback: z.object({ on: fallbackPolicy.shape.on }).nullable(),
  timeout: timeoutPolicy.nullable(),
  warnings: z.array(z.string()),
});
export type DryRunAnswer = z.output<typeof dryRunAnswer>;
