import { z } from 'zod';

/** An empty variable is one that is not set. */
const unset = z.string().transform((text) => (text === '' ? undefined : text));

/** The environment that the supervisor gives. Wrong values fall back: the proxy's own start refuses them with a sentence. */
const schema = z.object({
  HOST: z.string().default('127.0.0.1'),
  CLICKHOUSE_URL: z.string().default('http://127.0.0.1:8123/weir'),
  WEIR_PROXY_URL: z.string().default('http://127.0.0.1:8787'),
  WEIR_PUBLIC_PROXY_URL: z.string().optional(),
  WEIR_HOSTS: z.string().default(''),
  /** Without it nobody is asked who they are, and the dashboard listens on loopback only. */
  WEIR_ADMIN_PASSWORD: unset.optional(),
  /** Where the first key is, and the secret of the sessions. Unset: neither is kept. */
  WEIR_DATA_DIR: unset.optional(),
  /** The Weir key to administer with, where the data directory is not at hand. */
  WEIR_KEY: unset.optional(),
});

export const env = schema.parse(process.env);
const withoutSlash = (url: string): string => url.replace(/\/+$/, '');
export const proxyUrl = withoutSlash(env.WEIR_PROXY_URL);
/** What snippets name: the address that clients reach, where it differs from the one the dashboard uses. */
export const publicProxyUrl = withoutSlash(env.WEIR_PUBLIC_PROXY_URL || env.WEIR_PROXY_URL);
