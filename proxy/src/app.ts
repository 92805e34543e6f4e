/** The routes: Weir's own paths, and everything else to a provider. */
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { WeirError } from './errors.ts';
import type { Metrics } from './metrics.ts';
import { checkOrigin, isPreflight, preflightHeaders } from './origin.ts';
import { passThrough, type PassthroughOptions } from './passthrough.ts';

export interface Bindings {
  Bindings: HttpBindings;
}

export interface AppOptions extends PassthroughOptions {
  api: Hono<Bindings>;
  metrics: Metrics;
}

export function makeApp(options: AppOptions): Hono<Bindings> {
  const app = new Hono<Bindings>();
  app.route('/weir', options.api);
  app.all('/weir/*', (c) => c.json({ error: { code: 'not_found', message: 'Weir has no such path.' } }, 404));
  app.all('*', async (c) => {
    const { incoming, outgoing } = c.env;
    if (isPreflight(incoming)) {
      options.metrics.unrecorded('preflight');
      checkOrigin(incoming, options.settings);
      outgoing.writeHead(204, preflightHeaders(incoming)).end();
    } else {
      await passThrough(incoming, outgoing, options);
    }
    return RESPONSE_ALREADY_SENT;
  });
  app.onError((error, c) => {
    if (!(error instanceof WeirError)) options.onFault(error);
    if (c.env.outgoing.headersSent) return RESPONSE_ALREADY_SENT;
    const known = error instanceof WeirError ? error : new WeirError('overloaded', 'Weir could not handle this call.');
    if (known.code === 'unknown_provider') options.metrics.unrecorded('unknown_path');
    const fields = known.fields.length === 0 ? {} : { fields: known.fields };
    const body = { error: { message: known.message, type: known.code, code: known.code, ...fields } };
    return c.json(body, known.status as 400, { 'Weir-Error': known.code });
  });
  return app;
}
