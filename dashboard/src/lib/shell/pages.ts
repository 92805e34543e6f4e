import type { IconName } from '../parts/Icon.svelte';

export interface PageEntry {
  href: string;
  name: string;
  icon: IconName;
  /** `g` and this letter go there. */
  letter: string;
  /** Pages of one subject stand together. */
  group: number;
  /** The range and the filters go along. */
  carries: boolean;
}

/** The pages that exist. A later page is one entry. */
export const pages: readonly PageEntry[] = [
  { href: '/overview', name: 'Overview', icon: 'overview', letter: 'o', group: 0, carries: true },
  { href: '/requests', name: 'Requests', icon: 'requests', letter: 'r', group: 0, carries: true },
  { href: '/routes', name: 'Routes', icon: 'routes', letter: 't', group: 1, carries: false },
  { href: '/keys', name: 'Keys', icon: 'keys', letter: 'k', group: 1, carries: false },
  { href: '/connect', name: 'Connect', icon: 'connect', letter: 'c', group: 1, carries: false },
];

export const groups: readonly (readonly PageEntry[])[] = [...new Set(pages.map((page) => page.group))].map((group) =>
  pages.filter((page) => page.group === group),
);

const carried = ['range', 'from', 'to', 'vs', 'tz', 'live', 'f'];

/** A page's address with what this view carries: sent to a page that would not read it, it would only be noise. */
export function hrefOf(entry: PageEntry, url: URL): string {
  if (!entry.carries) return entry.href;
  const kept = new URLSearchParams();
  for (const name of carried) for (const value of url.searchParams.getAll(name)) kept.append(name, value);
  const text = kept.toString();
  return entry.href + (text ? `?${text}` : '');
}

export const isCurrent = (entry: PageEntry, path: string): boolean =>
  path === entry.href || path.startsWith(`${entry.href}/`);
