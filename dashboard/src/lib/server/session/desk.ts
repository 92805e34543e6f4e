/** The dashboard's own sessions, attempts and cookie: what hooks and the sign-in page share. */
import type { Cookies } from '@sveltejs/kit';
import { env } from '../env.ts';
import { Attempts } from './attempts.ts';
import { readSecret } from './secret.ts';
import { Sessions, SESSION_MS } from './sessions.ts';

/** Without a password nobody signs in. */
export const asksPassword = env.WEIR_ADMIN_PASSWORD !== undefined;
/** The session of everyone where nobody signs in: its forms still carry a token. */
export const OPEN = 'open';

export const sessions = new Sessions(readSecret(env.WEIR_DATA_DIR), env.WEIR_ADMIN_PASSWORD ?? '');
export const attempts = new Attempts({ perAddress: 5, overall: 30, windowMs: 60_000 });

const COOKIE = 'weir-session';

export const readCookie = (cookies: Cookies): string | undefined => cookies.get(COOKIE);

export function setCookie(cookies: Cookies, value: string, url: URL): void {
  cookies.set(COOKIE, value, {
    path: '/',
    httpOnly: true,
    // Not `strict`: whoever follows a link that a colleague sent them would have to sign in again. What changes something is
    // refused from elsewhere in any case.
    sameSite: 'lax',
    secure: url.protocol === 'https:',
    maxAge: SESSION_MS / 1000,
  });
}

export function dropCookie(cookies: Cookies): void {
  cookies.delete(COOKIE, { path: '/' });
}
