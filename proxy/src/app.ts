/** Who answers what: Weir's own paths go to the API, everything else is a call to a provider. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { WeirError } from './errors.ts';
import type { Metrics } from './metrics.ts';
import { checkOrigin, isPreflight, preflightHeaders } from './origin.ts';
import { passThrough, type PassthroughOptions } from './passthrough.ts';

export interface Bindings {
  Bindings: HttpBindings;
}

/** Weir's own paths. */
export function makeApp(api: Hono<Bindings>, onFault: (error: unknown) => void): Hono<Bindings> {
  const app = new Hono<Bindings>();
  app.route('/weir', api);
  app.all('*', (c) => c.json({ error: { code: 'not_found', message: 'Weir has no such path.' } }, 404));
  app.onError((error, c) => {
    const { status, headers, body } = answerTo(error, onFault);
    return c.json(body, status as 400, headers);
  });
  return app;
}

/** Whether a raw request target (RFC 9112 §3.2) is one of Weir's own, and not a provider's. */
export function isOwnPath(target: string): boolean {
  return /^(?:https?:\/\/[^/?]*)?\/weir(?:[/?]|$)/i.test(target);
}

export interface CallOptions extends PassthroughOptions {
  metrics: Metrics;
}

/**
 * Everything that goes to a provider. It does not go through Hono, which makes a Request and a Response that nobody looks at:
 * an eighth of the least that a call can cost (docs/performance.md).
 */
export async function handleCall(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  options: CallOptions,
): Promise<void> {
  try {
    if (!isPreflight(incoming)) return await passThrough(incoming, outgoing, options);
    options.metrics.unrecorded('preflight');
    checkOrigin(incoming, options.settings);
    outgoing.writeHead(204, preflightHeaders(incoming)).end();
  } catch (error) {
    const { status, headers, body } = answerTo(error, options.onFault);
    if (error instanceof WeirError && error.code === 'unknown_provider') options.metrics.unrecorded('unknown_path');
    if (outgoing.headersSent) return;
    const text = JSON.stringify(body);
    const length = String(Buffer.byteLength(text));
    outgoing.writeHead(status, { ...headers, 'Content-Type': 'application/json', 'Content-Length': length });
    outgoing.end(incoming.method === 'HEAD' ? undefined : text);
  }
}

function answerTo(
  error: unknown,
  onFault: (error: unknown) => void,
): { status: number; headers: Record<string, string>; body: object } {
  if (!(error instanceof WeirError)) onFault(error);
  const known = error instanceof WeirError ? error : new WeirError('overloaded', 'Weir could not handle this call.');
  const fields = known.fields.length === 0 ? {} : { fields: known.fields };
  return {
    status: known.status,
    headers: { 'Weir-Error': known.code },
    body: { error: { message: known.message, type: known.code, code: known.code, ...fields } },
  };
}
