import { filtersFromUrl, filtersToUrl, type Filters } from '@weir/schema/filters';
import { customRange, type Range, recentRange, shift, spanName, SPANS } from '@weir/schema/time';
import { z } from 'zod';

const compareName = z.enum(['previous', 'week', 'none']);
export type Compare = z.infer<typeof compareName>;

/** What every page reads from its URL: range, filters, comparison. What it could not read it says in `problems`. */
export interface View {
  range: Range;
  before: Range | undefined;
  compare: Compare;
  filters: Filters;
  zone: string;
  utc: boolean;
  /** The query string that carries this view to another page. */
  carry: string;
  problems: string[];
}

const WEEK = 7 * 86_400_000;
const YEARS = 20 * 366 * 86_400_000;
const instant = z.union([
  z
    .string()
    .regex(/^\d{13}$/)
    .transform(Number),
  z
    .string()
    .regex(/^\d{4}-/)
    .transform((text) => Date.parse(text)),
]);

function readRange(url: URL, zone: string, now: number, problems: string[]): Range {
  const name = url.searchParams.get('range');
  const from = url.searchParams.get('from');
  const to = url.searchParams.get('to');
  if (from !== null || to !== null) {
    const start = instant.safeParse(from).data ?? Number.NaN;
    const end = instant.safeParse(to).data ?? now;
    if (end - start >= 1000 && end - start < YEARS) return customRange(start, Math.min(end, now + 60_000));
    problems.push('The start and end in the address are not a range; showing the last 24 hours.');
  }
  if (name === null) return recentRange('24h', now, zone);
  const known = spanName.safeParse(name);
  if (!known.success) problems.push(`There is no range “${name.slice(0, 40)}”; showing the last 24 hours.`);
  return recentRange(known.data ?? '24h', now, zone);
}

export function parseView(url: URL, browserZone: string, now = Date.now()): View {
  const utc = url.searchParams.get('tz') === 'utc';
  const zone = utc ? 'UTC' : browserZone;
  const { filters, problems: refused } = filtersFromUrl(url.searchParams);
  const problems = refused.map((reason) => `Filter left out: ${reason}.`);
  const range = readRange(url, zone, now, problems);
  const compare = compareName.safeParse(url.searchParams.get('vs') ?? 'previous').data ?? 'previous';
  const span = range.name === 'custom' ? range.to - range.from : SPANS[range.name];
  const before = compare === 'none' ? undefined : shift(range, compare === 'week' ? WEEK : span);
  return { range, before, compare, filters, zone, utc, carry: carried(url, filters), problems };
}

function carried(url: URL, filters: Filters): string {
  const kept = new URLSearchParams();
  for (const name of ['range', 'from', 'to', 'vs', 'tz', 'live']) {
    const value = url.searchParams.get(name);
    if (value !== null) kept.set(name, value);
  }
  const text = filtersToUrl(filters, kept).toString();
  return text === '' ? '' : `?${text}`;
}
