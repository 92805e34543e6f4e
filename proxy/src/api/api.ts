/** Weir's own paths: /weir/health, /weir/metrics, /weir/openapi.json, /weir/requests/{id}. */
import { Hono } from 'hono';
import type { Db } from '@weir/schema/db';
import { checkOrigin } from '../origin.ts';
import type { Settings } from '../env.ts';
import { WeirError } from '../errors.ts';
import type { Keys } from '../keys.ts';
import { keyPrefix, type KeyHolder } from '../keys.ts';
import type { Bindings } from '../app.ts';
import { openApi } from './openapi.ts';
import type { health } from './health.ts';
import { findRequest } from './requests.ts';

export interface ApiOptions {
  settings: Settings;
  keys: Keys;
  db: Db;
  health: () => ReturnType<typeof health>;
  metrics: () => Promise<{ type: string; text: string }>;
}

export function makeApi(options: ApiOptions): Hono<Bindings> {
  const api = new Hono<Bindings>();
  api.use('*', async (c, next) => {
    checkOrigin(c.env.incoming, options.settings);
    await next();
  });
  api.get('/health', (c) => c.json(options.health()));
  api.get('/metrics', async (c) => {
    const { type, text } = await options.metrics();
    return c.body(text, 200, { 'content-type': type });
  });
  api.get('/openapi.json', (c) => c.json(openApi()));
  api.get('/requests/:id', async (c) => {
    const holder = requireKey(c.req.header('weir-key') ?? c.req.header('authorization'), options);
    const found = await findRequest(options.db, c.req.param('id'), holder?.project);
    return found === null
      ? c.json({ error: { code: 'not_found', message: 'No such request (yet).' } }, 404)
      : c.json(found);
  });
  return api;
}

/**
 * What was recorded is for those who hold a key, wherever calls need one.
 * @returns the key's holder, who sees the project of the key; null where no key is needed and none was sent.
 */
function requireKey(value: string | undefined, { settings, keys }: ApiOptions): KeyHolder | null {
  const text = (value ?? '').replace(/^Bearer\s+/i, '').trim();
  const holder = text.startsWith(keyPrefix) ? keys.find(text) : null;
  if (holder !== null || (!text.startsWith(keyPrefix) && !settings.requireKey)) return holder;
  throw new WeirError('unauthorized', 'Send a Weir key: Weir-Key: wk_….');
}
