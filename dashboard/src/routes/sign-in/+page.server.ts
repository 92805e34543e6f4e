import { fail, redirect } from '@sveltejs/kit';
import { asksPassword, attempts, sessions, setCookie } from '$lib/server/session/desk.ts';
import { localPath } from '$lib/server/session/local-path.ts';
import type { Actions, PageServerLoad } from './$types';

const destination = (url: URL): string => localPath(url.searchParams.get('to')) ?? '/';

export const load: PageServerLoad = ({ locals, url }) => {
  if (locals.session !== null) redirect(303, destination(url));
};

/** The adapter throws where `ADDRESS_HEADER` is set and a request has none: whoever comes past the proxy counts together. */
function addressOf(ask: () => string): string {
  try {
    return ask();
  } catch {
    return 'unknown';
  }
}

export const actions: Actions = {
  default: async ({ request, url, cookies, setHeaders, getClientAddress }) => {
    if (!asksPassword) redirect(303, destination(url));
    const given = (await request.formData()).get('password');
    const address = addressOf(getClientAddress);
    const now = Date.now();
    // The right password waits too: else trying on would find it.
    const wait = attempts.take(address, now);
    if (wait > 0) {
      setHeaders({ 'retry-after': String(wait) });
      return fail(429, { sentence: `Too many attempts. The next may be made in ${wait} s.` });
    }
    if (typeof given !== 'string' || !sessions.isPassword(given)) {
      console.error(JSON.stringify({ level: 'warn', message: 'a wrong password was given', address }));
      return fail(401, { sentence: given ? 'This is not the password.' : 'Give the password.' });
    }
    attempts.forget(address);
    setCookie(cookies, sessions.begin(now), url);
    redirect(303, destination(url));
  },
};
