/** Who may pass, before anything is read from the store: the one place that decides. */
import { json, redirect, text, type Handle, type RequestEvent } from '@sveltejs/kit';
import { asksPassword, OPEN, readCookie, sessions, setCookie } from './desk.ts';
import { isSameOrigin } from './same-origin.ts';

/** What needs no session: a sign-in form has none to be bound to, its origin speaks for it. By the route that will answer, not by the path: a path can be written in many ways. */
const open = new Set<string | null>(['/sign-in', '/health']);
const reads = new Set(['GET', 'HEAD', 'OPTIONS']);

export const admit: Handle = async ({ event, resolve }) => {
  const { request, route } = event;
  const writes = !reads.has(request.method);
  if (writes && !isSameOrigin(request.headers, event.url.origin)) {
    return refuse(event, 'A page elsewhere sent this, or a proxy in between changed Host or X-Forwarded-Proto.');
  }
  const id = asksPassword ? signedIn(event) : OPEN;
  event.locals.session = id;
  if (open.has(route.id)) return resolve(event);
  if (id === null) return askToSignIn(event, writes);
  if (writes && !(await hasToken(request, id))) {
    return refuse(event, 'This form was made in another session: load its page again.');
  }
  return resolve(event);
};

/** The session's id; its cookie goes on. */
function signedIn({ cookies, url }: RequestEvent): string | null {
  const now = Date.now();
  const session = sessions.read(readCookie(cookies), now);
  if (session === null) return null;
  const renewed = sessions.renew(session, now);
  if (renewed !== undefined) setCookie(cookies, renewed, url);
  return session.id;
}

function askToSignIn({ url }: RequestEvent, writes: boolean): Response {
  if (url.pathname.startsWith('/api/'))
    return json({ code: 'signed_out', sentence: 'Sign in first.' }, { status: 401 });
  // What a form has sent is not sent again: only its page is come back to.
  const to = url.pathname + (writes ? '' : url.search);
  redirect(303, to === '/' ? '/sign-in' : `/sign-in?${new URLSearchParams({ to }).toString()}`);
}

/** Read from a copy: the page's own action reads the form again. */
async function hasToken(request: Request, id: string): Promise<boolean> {
  try {
    const token = (await request.clone().formData()).get('token');
    return typeof token === 'string' && sessions.isFormToken(id, token);
  } catch {
    // No form, or one that cannot be read.
    return false;
  }
}

function refuse({ request }: RequestEvent, sentence: string): Response {
  const enhanced = request.headers.get('x-sveltekit-action') === 'true';
  // The shape by which an enhanced form shows the error page.
  if (enhanced) return json({ type: 'error', error: { message: sentence } }, { status: 403 });
  return text(`${sentence}\n`, { status: 403 });
}
