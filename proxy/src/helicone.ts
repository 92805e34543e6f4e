/**
 * Policies in Helicone's headers (docs.helicone.ai/helicone-headers/header-directory), read as Weir's own: so that a program
 * changes its base URL alone. What cannot be carried out is left, and named in the row's warnings.
 */
import { limitPolicy, type LimitPolicy } from '@weir/schema/settings/limit';
import { fallbackPolicy, retryPolicy, type FallbackPolicy, type RetryPolicy } from '@weir/schema/settings/route';
import { z } from 'zod';
import { providers } from './providers/registry.ts';

/** Values of `Helicone-Retry-*`, by what follows. */
export type HeliconeRetry = Partial<Record<'enabled' | 'num' | 'factor' | 'min-timeout' | 'max-timeout', string>>;

const whole = (otherwise: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .default(otherwise);
const retryHeaders = z.object({
  enabled: z.literal('true'),
  num: whole(5),
  factor: z.literal('2').default('2'),
  'min-timeout': whole(1_000),
  'max-timeout': whole(10_000),
});

/** Helicone asks again after 429 and 5xx alone. @returns null where nothing is asked for, or it cannot be carried out. */
export function readHeliconeRetry(given: HeliconeRetry): RetryPolicy | null {
  const read = retryHeaders.safeParse(given);
  if (!read.success) return null;
  const { num, 'min-timeout': min, 'max-timeout': max } = read.data;
  const policy = retryPolicy.safeParse({ retries: Math.min(10, num), min, max, on: [429, 'server-error'] });
  return policy.success ? policy.data : null;
}

const fallbackEntries = z.array(
  z.object({
    'target-url': z.url(),
    onCodes: z.array(z.number()).optional(),
    bodyKeyOverride: z.object({ model: z.string() }),
  }),
);

/**
 * A list of URLs and models. Where the URL is a provider's own host, Weir asks that provider, with the key that it holds for it:
 * a credential in the header is not used. @returns null where a URL or model cannot be read as a target.
 */
export function readHeliconeFallbacks(text: string): FallbackPolicy | null {
  const entries = fallbackEntries.safeParse(jsonOf(text));
  if (!entries.success) return null;
  const to = entries.data.map(({ 'target-url': url, bodyKeyOverride: { model } }) => {
    const { origin } = new URL(url);
    const provider = [...providers.values()].find(({ host, pathOf }) => host === origin && pathOf !== undefined);
    return provider === undefined ? '' : `${provider.name}/${model}`;
  });
  const codes = entries.data.flatMap(({ onCodes }) => onCodes ?? []);
  const on = codes.filter((status) => status === 429 || status >= 500);
  const policy = fallbackPolicy.safeParse({ to, ...(on.length === 0 ? {} : { on: [...new Set(on)] }) });
  return policy.success ? policy.data : null;
}

/** `1000;w=3600;u=request;s=user`: so many requests, or cents, in so many seconds, for each user or value of a property. */
export function readHeliconeLimit(text: string): LimitPolicy | null {
  const [quota = '', ...parameters] = text.split(';').map((part) => part.trim());
  const of = new Map(parameters.map((part) => part.split('=', 2) as [string, string | undefined]));
  const cents = of.get('u') === 'cents';
  const segment = of.get('s');
  const policy = limitPolicy.safeParse({
    name: 'helicone',
    unit: cents ? 'usd' : 'requests',
    quota: cents ? Number(quota) / 100 : Number(quota),
    window: { seconds: Number(of.get('w')) },
    by: segment === undefined ? [] : [segment === 'user' ? 'user' : `property:${segment.toLowerCase()}`],
  });
  return quota !== '' && policy.success ? policy.data : null;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
