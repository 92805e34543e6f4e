/** Weir's own paths, as `endpoints.ts` lists them. */
import { Hono } from 'hono';
import type { Db } from '@weir/schema/db';
import type { DryRunAnswer, DryRunAsked } from '@weir/schema/settings/route-desk';
import type { Bindings } from '../app.ts';
import type { Edited } from '../edited.ts';
import type { Settings } from '../env.ts';
import type { Keys } from '../keys/keys.ts';
import { checkOrigin } from '../origin.ts';
import { answer } from './endpoint.ts';
import { endpoints } from './endpoints.ts';
import type { health } from './health.ts';

export interface ApiOptions {
  settings: Settings;
  keys: Keys;
  edited: Edited;
  db: Db;
  /** @throws WeirError */
  dryRun: (asked: DryRunAsked) => DryRunAnswer;
  health: () => ReturnType<typeof health>;
  metrics: () => Promise<{ type: string; text: string }>;
}

export function makeApi(options: ApiOptions): Hono<Bindings> {
  const api = new Hono<Bindings>();
  api.use('*', async (c, next) => {
    checkOrigin(c.env.incoming, options.settings);
    await next();
  });
  for (const one of endpoints) {
    api.on(one.method, one.path.replace('{id}', ':id'), (c) => answer(c, one, options));
  }
  return api;
}
