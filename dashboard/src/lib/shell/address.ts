/** The URL is the state: every control changes the address and nothing else. */
import { SPANS, type SpanName, spanNames } from '@weir/schema/time';

type Changes = Record<string, string | readonly string[] | null>;

export function withParams(url: URL, changes: Changes): string {
  const params = new URLSearchParams(url.searchParams);
  for (const [name, value] of Object.entries(changes)) {
    params.delete(name);
    if (typeof value === 'string') params.set(name, value);
    else value?.forEach((one) => params.append(name, one));
  }
  const text = params.toString();
  return url.pathname + (text ? `?${text}` : '');
}

/** Where a list stands belongs to a range and a filter; it goes when they change. */
const fresh = { before: null, after: null } as const;

export const rangeHref = (url: URL, name: SpanName): string =>
  withParams(url, { ...fresh, range: name, from: null, to: null });
export const customHref = (url: URL, from: number, to: number): string =>
  withParams(url, { ...fresh, range: null, from: String(Math.round(from)), to: String(Math.round(to)) });
export const filterHref = (url: URL, texts: readonly string[]): string => withParams(url, { ...fresh, f: texts });

/** The requests behind a point: the same filters, a narrower time, and what the point stands for. */
export function requestsHref(url: URL, to: { from?: number; to?: number; add?: readonly string[] }): string {
  const params = new URLSearchParams();
  for (const name of ['range', 'from', 'to', 'tz']) {
    const value = url.searchParams.get(name);
    if (value !== null) params.set(name, value);
  }
  for (const text of [...url.searchParams.getAll('f'), ...(to.add ?? [])]) params.append('f', text);
  if (to.from !== undefined && to.to !== undefined) {
    params.delete('range');
    params.set('from', String(Math.round(to.from)));
    params.set('to', String(Math.round(to.to)));
  }
  const text = params.toString();
  return `/requests${text ? `?${text}` : ''}`;
}

export function narrower(url: URL): { href: string; label: string } | undefined {
  const current = url.searchParams.get('range') ?? '24h';
  const index = spanNames.indexOf(current as SpanName);
  const name = spanNames[(index < 0 ? spanNames.length : index) - 1];
  return name ? { href: rangeHref(url, name), label: `${spanLabel(name)} instead` } : undefined;
}

export function spanLabel(name: SpanName): string {
  return `${name.slice(0, -1)}\u202f${name.slice(-1)}`;
}

export const spans = spanNames.map((name) => ({ name, label: spanLabel(name), ms: SPANS[name] }));
