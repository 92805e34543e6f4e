/** The dashboard as a program without a browser uses it: one request at a time, redirects told and not followed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSecret } from '../../dashboard/src/lib/server/session/secret.ts';
import { Sessions } from '../../dashboard/src/lib/server/session/sessions.ts';

export const cookieName = 'weir-session';

export interface Seen {
  status: number;
  headers: Headers;
  location: string | null;
  text: string;
  /** What the browser would send back from now on; undefined when none was set. */
  cookie: string | undefined;
}

export interface Sent {
  cookie?: string | undefined;
  headers?: Record<string, string>;
  form?: Record<string, string>;
  method?: string;
}

export async function visit(url: string, path: string, { cookie, headers, form, method }: Sent = {}): Promise<Seen> {
  const response = await fetch(url + path, {
    redirect: 'manual',
    method: method ?? (form === undefined ? 'GET' : 'POST'),
    headers: {
      accept: 'text/html',
      ...(form === undefined ? {} : { origin: url }),
      ...(cookie === undefined ? {} : { cookie: `${cookieName}=${cookie}` }),
      ...headers,
    },
    ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
  });
  const set = response.headers.getSetCookie().find((one) => one.startsWith(`${cookieName}=`));
  return {
    status: response.status,
    headers: response.headers,
    location: response.headers.get('location'),
    text: await response.text(),
    cookie: set?.slice(cookieName.length + 1).split(';')[0],
  };
}

/** @throws when the password is refused. */
export async function signIn(url: string, password: string): Promise<string> {
  const { status, cookie, text } = await visit(url, '/sign-in', { form: { password } });
  if (status !== 303 || !cookie) throw new Error(`not signed in: ${status} ${text.slice(0, 200)}`);
  return cookie;
}

/** What a dashboard on this data directory signs with. */
export function sessionsOf(dataDir: string, password: string): Sessions {
  readFileSync(join(dataDir, 'session.secret'));
  return new Sessions(readSecret(dataDir), password);
}

/** The token in the forms of a page. */
export const tokenOf = (page: string): string => /name="token" value="([^"]+)"/.exec(page)?.[1] ?? '';
