/** Which browser pages may call the proxy, and under which names it answers (CONTRACT.md §4, DNS rebinding). */
import type { IncomingMessage } from 'node:http';
import { isLoopbackName, type Settings } from './env.ts';
import { WeirError } from './errors.ts';
import { Memo } from './memo.ts';

type OriginSettings = Pick<Settings, 'exposed' | 'WEIR_HOSTS' | 'WEIR_CORS_ORIGINS'>;

/** @throws WeirError `forbidden_origin`. */
export function checkOrigin(incoming: IncomingMessage, settings: OriginSettings): void {
  const { host = '', origin } = incoming.headers;
  const { lower, name, loopback } = hostNamed(host);
  const known = settings.WEIR_HOSTS.includes(name) || settings.WEIR_HOSTS.includes(lower);
  // Listening beyond this machine without a list of names, any name is right: a password guards what needs guarding.
  const anyName = settings.exposed && settings.WEIR_HOSTS.length === 0;
  if (!known && !anyName && !loopback) {
    throw new WeirError('forbidden_origin', `Weir does not answer to the name ${JSON.stringify(host.slice(0, 255))}.`);
  }
  if (origin !== undefined && !isAllowedOrigin(origin, host, settings)) {
    throw new WeirError(
      'forbidden_origin',
      `Pages of ${origin.slice(0, 255)} may not call this Weir; see WEIR_CORS_ORIGINS.`,
    );
  }
}

interface Named {
  /** A `Host` header in lower case, and without its port. */
  lower: string;
  name: string;
  loopback: boolean;
}
const named = new Memo<Named>(1_024, 256);

/** Programs name the same few hosts. */
function hostNamed(host: string): Named {
  let found = named.get(host);
  if (found === undefined) {
    const name = host.replace(/:\d+$/, '').toLowerCase();
    named.set(host, (found = { lower: host.toLowerCase(), name, loopback: isLoopbackName(name) }));
  }
  return found;
}

function isAllowedOrigin(origin: string, host: string, settings: OriginSettings): boolean {
  return (
    settings.WEIR_CORS_ORIGINS.includes(origin.toLowerCase()) ||
    origin === `http://${host}` ||
    origin === `https://${host}`
  );
}

export function isPreflight(incoming: IncomingMessage): boolean {
  return (
    incoming.method === 'OPTIONS' &&
    incoming.headers.origin !== undefined &&
    incoming.headers['access-control-request-method'] !== undefined
  );
}

/** Weir's own CORS headers for an allowed page; none for a request that names no origin. */
export function corsHeaders(incoming: IncomingMessage): string[] {
  const { origin } = incoming.headers;
  if (origin === undefined) return [];
  return ['Access-Control-Allow-Origin', origin, 'Access-Control-Expose-Headers', '*', 'Vary', 'Origin'];
}

/** The answer to a preflight of an allowed page. */
export function preflightHeaders(incoming: IncomingMessage): string[] {
  const asked = incoming.headers['access-control-request-headers'];
  return [
    ...corsHeaders(incoming),
    'Access-Control-Allow-Methods',
    'GET, HEAD, POST, PUT, PATCH, DELETE',
    ...(asked === undefined ? [] : ['Access-Control-Allow-Headers', asked]),
    'Access-Control-Max-Age',
    '600',
  ];
}
