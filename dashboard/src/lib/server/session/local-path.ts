/** Any origin will do: what the text names must not leave it. */
const HERE = 'http://weir.invalid';

/**
 * A path of this dashboard to go to after sign-in, or undefined where the text names anything else. Read as a browser reads a
 * `Location`: with its tabs, backslashes and dots, each of which has made an open redirect somewhere.
 */
export function localPath(text: string | null): string | undefined {
  if (text === null || !text.startsWith('/') || !URL.canParse(text, HERE)) return undefined;
  const url = new URL(text, HERE);
  // `/.//elsewhere` becomes `//elsewhere`, which would name a host when it is read again.
  if (url.origin !== HERE || url.username !== '' || url.pathname.startsWith('//')) return undefined;
  return /^\/(sign-in|sign-out)(\/|$)/.test(url.pathname) ? undefined : url.pathname + url.search + url.hash;
}
