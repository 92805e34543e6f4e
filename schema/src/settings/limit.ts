/** Limits as people write them: so much of a unit, in a window, for each value of a partition. */
import { z } from 'zod';

export const limitUnits = ['requests', 'tokens', 'usd', 'concurrent'] as const;
export type LimitUnit = (typeof limitUnits)[number];

/** What calls are counted apart by; `property:<name>` is one of a call's own properties. */
export const partition = z.string().regex(/^(key|project|user|session|model|provider|property:[a-z0-9._-]{1,64})$/, {
  error: 'expected key, project, user, session, model, provider or property:<name>',
});

const zone = z.string().refine(isTimeZone, { error: 'expected a time zone of the IANA list, such as Europe/Berlin' });

/** The last so many seconds, at any moment; or the day, week (from Monday) or month that it is in a time zone. */
export const limitWindow = z.union([
  z.strictObject({
    seconds: z
      .number()
      .int()
      .min(1)
      .max(366 * 86_400),
  }),
  z.strictObject({ calendar: z.enum(['day', 'week', 'month']), zone: zone.default('UTC') }),
]);
export type LimitWindow = z.infer<typeof limitWindow>;

/** A model or provider, with `*` for any characters. */
export const pattern = z.string().min(1).max(200);

export const limitPolicy = z
  .strictObject({
    name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}$/, { error: 'expected a name of at most 64 characters' }),
    unit: z.enum(limitUnits).default('requests'),
    /** Whole requests, tokens or calls at once; dollars with at most nine decimals. */
    quota: z.number().min(0).max(1e12),
    /** Absent where calls at once are counted. */
    window: limitWindow.nullable().default(null),
    /** One count for each combination; none: one count for all. */
    by: z.array(partition).max(4).default([]),
    /** The calls that count; what is absent matches every call. */
    match: z
      .strictObject({
        providers: z.array(pattern).optional(),
        models: z.array(pattern).optional(),
        operations: z.array(z.string()).optional(),
        projects: z.array(z.string()).optional(),
        keys: z.array(z.string()).optional(),
        properties: z.record(z.string(), z.string()).optional(),
      })
      .default({}),
    /** `warn`: the call goes on, with a header and a warning in its row. */
    action: z.enum(['refuse', 'warn']).default('refuse'),
  })
  .refine(({ unit, window }) => (unit === 'concurrent') === (window === null), {
    path: ['window'],
    error: 'requests, tokens and usd are counted in a window; concurrent has none',
  })
  .refine(({ unit, quota }) => unit === 'usd' || Number.isInteger(quota), {
    path: ['quota'],
    error: 'expected a whole number',
  });
export type LimitPolicy = z.infer<typeof limitPolicy>;

/** Whether the runtime knows a time zone of this name. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
