/**
 * Whether a page of ours sent this request, as the browser says: its `Origin`, and `Sec-Fetch-Site` where there is one. A
 * request that says neither is refused: no browser leaves both out of one that changes something.
 */
export function isSameOrigin(headers: Headers, own: string): boolean {
  const origin = headers.get('origin');
  const site = headers.get('sec-fetch-site');
  if (origin === null && site === null) return false;
  return (origin === null || origin === own) && (site === null || site === 'same-origin');
}
