/** Weir keys and provider keys as people write them. What a key's list leaves empty it does not restrict. */
import { z } from 'zod';
import { operations, roles } from '../records.ts';
import { limitPolicy, pattern } from './limit.ts';

const words = (most: number): z.ZodString => z.string().max(most, { error: `expected at most ${most} characters` });
const name = words(128).min(1, { error: 'expected a name' });

export const project = z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, {
  error: 'expected letters, digits, dot, dash or underscore, at most 64',
});

/** A property's name as `Weir-Property-<Name>` makes it: lower case. */
const propertyName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,127}$/, {
  error: 'expected a name of a-z, 0-9, dot, dash or underscore',
});

const moment = z.iso.datetime({ offset: true, error: 'expected a time such as 2027-01-31T00:00:00Z' });

/** @param providers the names that may be listed. */
export function keySettings(providers: readonly [string, ...string[]]) {
  return z.strictObject({
    name,
    project,
    /** Whose it is: a person, a team, a service. */
    owner: words(128),
    providers: z.array(z.enum(providers)).max(64),
    models: z.array(pattern).max(256),
    operations: z.array(z.enum(operations)).max(operations.length),
    routes: z.array(name).max(256),
    limits: z
      .array(limitPolicy)
      .max(32)
      .refine((limits) => new Set(limits.map((limit) => limit.name)).size === limits.length, {
        error: 'expected limits of different names',
      }),
    expires_at: moment.transform((text) => new Date(text).toISOString()).nullable(),
    /** Under those of the call itself. */
    properties: z.record(propertyName, words(512)).refine((all) => Object.keys(all).length <= 64, {
      error: 'expected at most 64 properties',
    }),
    /** `none` keeps no bodies of its calls; a key cannot ask for more than Weir's own setting. */
    log_bodies: z.enum(['', 'full', 'none']),
    role: z.enum(roles),
  });
}
export type KeySettings = z.output<ReturnType<typeof keySettings>>;

/** A key that restricts nothing and administers nothing. */
export const openKey: KeySettings = {
  name: 'unnamed',
  project: 'default',
  owner: '',
  providers: [],
  models: [],
  operations: [],
  routes: [],
  limits: [],
  expires_at: null,
  properties: {},
  log_bodies: '',
  role: '',
};

/** Seconds for which a key's old text stays valid after a rotation. */
export const overlapSeconds = z
  .number({ error: 'expected a number of seconds' })
  .int({ error: 'expected whole seconds' })
  .min(0, { error: 'expected 0 seconds or more' })
  .max(90 * 86_400, { error: 'expected at most 90 days' })
  .default(86_400);

export const weight = z
  .number({ error: 'expected a whole number from 1 to 1000' })
  .int({ error: 'expected a whole number from 1 to 1000' })
  .min(1, { error: 'expected a whole number from 1 to 1000' })
  .max(1000, { error: 'expected a whole number from 1 to 1000' });

/** What a header can carry: a line break in it would be a header of its own. */
export const providerSecret = z.string().regex(/^[\x21-\x7e]{8,8192}$/, {
  error: 'expected 8 to 8192 visible ASCII characters without spaces',
});

/** A provider key without its secret. @param providers the names that may be given. */
export function providerKeySettings(providers: readonly [string, ...string[]]) {
  return z.strictObject({
    provider: z.enum(providers),
    /** Azure resource, AWS or Google Cloud region; '' for a provider without places. */
    place: words(128),
    /** Scheme, host and port of a target that callers name (`custom`); '' for the provider's own. */
    host: words(255),
    name,
    /** Its share of the calls, against the others that fit. */
    weight,
    enabled: z.boolean(),
  });
}
export type ProviderKeySettings = z.output<ReturnType<typeof providerKeySettings>>;
