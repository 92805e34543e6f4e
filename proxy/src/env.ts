/** The environment, parsed once (CONTRACT.md §2). A wrong or unknown `WEIR_` value is one sentence that names it. */
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { z } from 'zod';
import { providers } from './providers/registry.ts';
import type { AwsCredentials } from './signing/sigv4.ts';

const port = z.coerce
  .number('expected a port from 0 to 65535')
  .int('expected a port from 0 to 65535')
  .min(0, 'expected a port from 0 to 65535')
  .max(65535, 'expected a port from 0 to 65535');

const flag = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(z.enum(['on', 'off', 'true', 'false', '1', '0'], 'expected on or off'))
  .transform((text) => text === 'on' || text === 'true' || text === '1');

const units: Record<string, number> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3, tb: 1024 ** 4 };
const size = z
  .string()
  .regex(/^\d+(\.\d+)?\s*(b|kb|mb|gb|tb)?$/i, 'expected a size such as 1mb')
  .transform((text) => {
    const [, number = '0', unit = 'b'] = /^([\d.]+)\s*([a-z]*)$/i.exec(text) ?? [];
    return Math.floor(Number(number) * (units[unit.toLowerCase() || 'b'] ?? 1));
  });

/** A TTL is reckoned in ClickHouse's DateTime, which ends in 2106: a longer one would begin again in 1970, and drop everything. */
const days = z.coerce
  .number('expected a number of days')
  .int('expected whole days')
  .min(1)
  .max(20_000, 'expected at most 20000 days, which is 54 years');

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== ''),
);

const origin = z
  .url({ protocol: /^https?$/, error: 'expected http(s)://host[:port]' })
  .transform((text) => new URL(text))
  .refine((url) => url.pathname === '/' && url.search === '' && url.username === '', {
    error: 'expected scheme, host and port only',
  })
  .transform((url) => url.origin);

const clickhouseUrl = z.url({ protocol: /^https?$/, error: 'expected http(s)://user:password@host:8123/weir' });

const redisUrl = z.url({ protocol: /^rediss?$/, error: 'expected redis(s)://user:password@host:6379' });

const masterSecret = z.string().min(16, 'expected at least 16 characters');

const settings = z.object({
  WEIR_HOST: z.string().min(1).default('127.0.0.1'),
  WEIR_PROXY_PORT: port.default(8787),
  WEIR_DASHBOARD_PORT: port.default(8788),
  WEIR_STORE_PORT: port.default(8123),
  WEIR_DATA_DIR: z.string().min(1).default('./.weir'),
  WEIR_ALLOW_TARGETS: list.default([]),
  WEIR_REQUIRE_KEY: flag.optional(),
  WEIR_ADMIN_PASSWORD: z.string().min(8, 'expected at least 8 characters').optional(),
  WEIR_HOSTS: list.default([]),
  WEIR_CORS_ORIGINS: list.default([]),
  WEIR_SECRET: masterSecret.optional(),
  /** Read by `provider-key rotate-secret` alone. */
  WEIR_NEW_SECRET: masterSecret.optional(),
  WEIR_LOG_BODIES: z.enum(['full', 'none'], 'expected full or none').default('full'),
  WEIR_LOG_BODY_LIMIT: size.default(1024 ** 2),
  WEIR_REPLAY_LIMIT: size.default(16 * 1024 ** 2),
  WEIR_STREAM_USAGE: flag.default(false),
  WEIR_RETAIN_BODIES_DAYS: days.default(30),
  WEIR_RETAIN_DAYS: days.default(400),
  WEIR_SPOOL_LIMIT: size.default(10 * 1024 ** 3),
  WEIR_LIMITS_AWAY: z.enum(['open', 'closed'], 'expected open or closed').default('open'),
  WEIR_WORKERS: z.coerce.number('expected a number of processes').int().min(1).max(64).default(1),
});

export interface Settings extends z.output<typeof settings> {
  CLICKHOUSE_URL: string | undefined;
  REDIS_URL: string | undefined;
  /** Provider name → scheme, host and port that replace the vendor's own. */
  upstreams: ReadonlyMap<string, string>;
  /** Provider name → key that Weir holds. */
  providerKeys: ReadonlyMap<string, string>;
  /** Weir's own AWS credentials, to sign calls with. */
  aws: AwsCredentials | null;
  /** File of the service account whose tokens Weir presents to Google Cloud. */
  googleServiceAccount: string | null;
  /** Listening beyond this machine. */
  exposed: boolean;
  requireKey: boolean;
  /** Hash of the settings in force, secrets left out: the `config_hash` column. */
  configHash: string;
}

/** A setting that stops the start; `message` is one sentence for people. */
export class SettingsError extends Error {
  readonly code = 'bad_setting';
}

/** @throws SettingsError naming the variable and what was expected. */
export function parseSettings(environment: Record<string, string | undefined>): Settings {
  const upstreams = new Map<string, string>();
  const known: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('WEIR_') || value === undefined || value === '') continue;
    if (name.startsWith('WEIR_UPSTREAM_')) {
      upstreams.set(...parseUpstream(name, value));
    } else if (name in settings.shape) {
      known[name] = value;
    } else {
      throw new SettingsError(`${name} is not a setting of Weir; see docs/settings.md for the names.`);
    }
  }
  const parsed = parseWith(settings, known);
  const exposed = !isLoopbackName(parsed.WEIR_HOST);
  if (exposed && parsed.WEIR_ADMIN_PASSWORD === undefined) {
    throw new SettingsError(
      `WEIR_HOST is ${parsed.WEIR_HOST}, which others can reach: set WEIR_ADMIN_PASSWORD, or leave WEIR_HOST at 127.0.0.1.`,
    );
  }
  const clickhouse = optional(environment.CLICKHOUSE_URL);
  if (clickhouse !== undefined) parseWith(z.object({ CLICKHOUSE_URL: clickhouseUrl }), { CLICKHOUSE_URL: clickhouse });
  const redis = optional(environment.REDIS_URL);
  if (redis !== undefined) parseWith(z.object({ REDIS_URL: redisUrl }), { REDIS_URL: redis });
  return {
    ...parsed,
    CLICKHOUSE_URL: clickhouse,
    REDIS_URL: redis,
    upstreams,
    providerKeys: readProviderKeys(environment),
    aws: readAws(environment),
    googleServiceAccount: optional(environment.GOOGLE_APPLICATION_CREDENTIALS) ?? null,
    exposed,
    requireKey: parsed.WEIR_REQUIRE_KEY ?? exposed,
    configHash: hashSettings(parsed, upstreams),
  };
}

function parseWith<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const name = String(issue?.path[0] ?? 'a setting');
  throw new SettingsError(`${name} is wrong: ${issue?.message ?? 'unreadable'}.`);
}

function parseUpstream(name: string, value: string): [string, string] {
  const provider = name.slice('WEIR_UPSTREAM_'.length).toLowerCase();
  if (!providers.has(provider)) {
    throw new SettingsError(`${name} names no provider; known are ${[...providers.keys()].join(', ')}.`);
  }
  const result = origin.safeParse(value);
  if (!result.success) throw new SettingsError(`${name} is wrong: ${result.error.issues[0]?.message ?? 'unreadable'}.`);
  return [provider, result.data];
}

/** Variables that hold what a provider is paid by. */
export const secretNames: readonly string[] = [
  ...[...providers.values()].flatMap(({ keyEnvironment }) => keyEnvironment ?? []),
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'GOOGLE_APPLICATION_CREDENTIALS',
];

function readProviderKeys(environment: Record<string, string | undefined>): Map<string, string> {
  const keys = new Map<string, string>();
  for (const provider of providers.values()) {
    const value = provider.keyEnvironment === null ? undefined : optional(environment[provider.keyEnvironment]);
    if (value !== undefined) keys.set(provider.name, value.trim());
  }
  return keys;
}

/** Both halves of an access key, under AWS's own names; the region comes with each call's path. */
function readAws(environment: Record<string, string | undefined>): AwsCredentials | null {
  const accessKeyId = optional(environment.AWS_ACCESS_KEY_ID)?.trim();
  const secretAccessKey = optional(environment.AWS_SECRET_ACCESS_KEY)?.trim();
  if (accessKeyId === undefined || secretAccessKey === undefined) return null;
  return { accessKeyId, secretAccessKey, sessionToken: optional(environment.AWS_SESSION_TOKEN)?.trim() ?? null };
}

function hashSettings(parsed: z.output<typeof settings>, upstreams: ReadonlyMap<string, string>): string {
  const secrets = { WEIR_ADMIN_PASSWORD: undefined, WEIR_SECRET: undefined, WEIR_NEW_SECRET: undefined };
  const open = { ...parsed, ...secrets, WEIR_DATA_DIR: undefined };
  const digest = createHash('sha256')
    .update(JSON.stringify([open, [...upstreams].sort()]))
    .digest();
  return digest.readBigUInt64BE().toString();
}

function optional(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}

/** Whether `host` (a `Host` header's name without its port, or an address) can only mean this machine. */
export function isLoopbackName(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  if (name === 'localhost' || name.endsWith('.localhost') || name === '::1') return true;
  return isIP(name) === 4 && name.startsWith('127.');
}
