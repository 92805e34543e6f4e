/** Where a list stands: its order and its place, read from the URL. */
import type { Db } from '@weir/schema/db';
import { list, PAGE, place, type Place, type Sort, sort } from '@weir/schema/queries/requests';
import { counts } from '@weir/schema/queries/shell';
import { settle } from './settle.ts';
import { rowsOf } from '../settled.ts';
import type { View } from './view.ts';

export const NEWEST: Sort = { key: 'time', down: true };

function readSort(text: string | null, problems: string[]): Sort {
  if (text === null) return NEWEST;
  const parsed = sort.safeParse({ key: text.replace(/^-/, ''), down: text.startsWith('-') });
  if (!parsed.success) problems.push(`The list cannot be sorted by “${text.slice(0, 40)}”; the newest come first.`);
  return parsed.data ?? NEWEST;
}

function readPlace(text: string | null, problems: string[]): Place | undefined {
  if (text === null) return undefined;
  const [key, started_at, request_id] = text.split('~');
  const parsed = place.safeParse({ key, started_at, request_id });
  if (!parsed.success || Number.isNaN(Date.parse(`${parsed.data.started_at.replace(' ', 'T')}Z`))) {
    problems.push('The place in the list could not be read; showing its start.');
    return undefined;
  }
  return parsed.data;
}

export async function loadList(db: Db, view: View, url: URL) {
  const by = readSort(url.searchParams.get('sort'), view.problems);
  const before = readPlace(url.searchParams.get('before'), view.problems);
  const after = readPlace(url.searchParams.get('after'), view.problems);
  const at = before ?? after;
  const backward = before !== undefined;
  const here = { range: view.range, filters: view.filters };
  const [rows, total] = await Promise.all([
    settle(list.ask(db, { ...here, sort: by, ...(at ? { at } : {}), backward })),
    settle(counts.ask(db, here)),
  ]);
  const found = rowsOf(rows);
  const more = found.length > PAGE;
  const page = backward ? found.slice(0, PAGE).reverse() : found.slice(0, PAGE);
  return {
    sort: by,
    settled: rows.ok ? { ...rows, rows: [] } : rows,
    rows: page,
    total: rowsOf(total)[0],
    /** Is there a page on either side? */
    earlier: backward ? more : at !== undefined,
    later: backward ? true : more,
    first: at === undefined,
  };
}
