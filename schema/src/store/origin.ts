import type { IncomingMessage } from 'node:http';
import { StoreError } from './errors.ts';

const loopback = /^(localhost|([a-z0-9-]+\.)*localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/**
 * Refuses what a web page could send: a `Host` that is not loopback is a page whose name was rebound to this machine; a
 * foreign `Origin` or `Sec-Fetch-Site` is a page of another site.
 */
export function refuseForeign(message: IncomingMessage): void {
  const { host, origin } = message.headers;
  if (host === undefined || !loopback.test(host)) throw forbidden('The store answers to loopback names only (Host)');
  const site = message.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    throw forbidden('Requests of other sites are refused (Sec-Fetch-Site)');
  if (origin === undefined) return;
  if (origin !== `http://${host}`) throw forbidden('Requests of other sites are refused (Origin)');
}

function forbidden(sentence: string): StoreError {
  return new StoreError(497, 'ACCESS_DENIED', sentence, 403);
}
