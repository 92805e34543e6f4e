import { redirect } from '@sveltejs/kit';
import { dropCookie, readCookie, sessions } from '$lib/server/session/desk.ts';
import type { RequestHandler } from './$types';

/** Ends the session, also where its cookie was copied. */
export const POST: RequestHandler = ({ cookies }) => {
  const now = Date.now();
  const session = sessions.read(readCookie(cookies), now);
  if (session !== null) sessions.end(session, now);
  dropCookie(cookies);
  redirect(303, '/sign-in');
};
