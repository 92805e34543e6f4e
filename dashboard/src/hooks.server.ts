import type { Handle, HandleServerError, ServerInit } from '@sveltejs/kit';
import { sequence } from '@sveltejs/kit/hooks';
import { hostAllowed, listensOnLoopback } from '$lib/server/host.ts';
import { admit } from '$lib/server/session/admit.ts';
import { asksPassword } from '$lib/server/session/desk.ts';
import { store } from '$lib/server/store.ts';

/** @throws where everyone who reaches the port could read and change everything. */
export const init: ServerInit = () => {
  if (!asksPassword && !listensOnLoopback) {
    throw new Error('HOST is an address that others can reach: set WEIR_ADMIN_PASSWORD, or leave HOST at 127.0.0.1.');
  }
};

/** A page elsewhere that points its own name at this address must not be able to read it. */
const refuseForeignHost: Handle = ({ event, resolve }) => {
  if (hostAllowed(event.request.headers.get('host'))) return resolve(event);
  return new Response(
    'This host name is not allowed here. Open the dashboard by its loopback address, or name the host in WEIR_HOSTS.\n',
    {
      status: 403,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
    },
  );
};

const provide: Handle = ({ event, resolve }) => {
  const theme = event.cookies.get('weir-theme');
  event.locals.theme = theme === 'light' || theme === 'dark' ? theme : 'system';
  event.locals.zone = zoneOf(event.cookies.get('weir-zone'));
  event.locals.db = store();
  const attribute = event.locals.theme === 'system' ? '' : `data-theme="${event.locals.theme}"`;
  return resolve(event, { transformPageChunk: ({ html }) => html.replace('%weir.theme%', attribute) });
};

function zoneOf(name: string | undefined): string {
  if (!name) return 'UTC';
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return name;
  } catch {
    return 'UTC';
  }
}

const harden: Handle = async ({ event, resolve }) => {
  const response = await resolve(event);
  response.headers.set('x-content-type-options', 'nosniff');
  // Not `no-referrer`: a browser would send the forms of its pages with `Origin: null`.
  response.headers.set('referrer-policy', 'same-origin');
  response.headers.set('x-frame-options', 'DENY');
  response.headers.set('cross-origin-opener-policy', 'same-origin');
  response.headers.set('cross-origin-resource-policy', 'same-origin');
  if (!response.headers.has('cache-control')) response.headers.set('cache-control', 'no-store');
  if (!response.headers.has('content-security-policy')) {
    response.headers.set('content-security-policy', "default-src 'none'; frame-ancestors 'none'; sandbox");
  }
  return response;
};

export const handle = sequence(harden, refuseForeignHost, admit, provide);

export const handleError: HandleServerError = ({ error, event, status }) => {
  if (status === 404) return { message: 'There is no such page.' };
  // Our log is one JSON line; neither headers nor bodies are ever in it.
  console.error(
    JSON.stringify({
      level: 'error',
      path: event.url.pathname,
      message: error instanceof Error ? error.message : String(error),
    }),
  );
  return { message: 'The dashboard failed to answer. Its log says why.' };
};
