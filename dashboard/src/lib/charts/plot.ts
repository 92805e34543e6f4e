/** What a plot shows, as plain data. `Chart.svelte` draws it; nothing here knows a canvas. */
import type { Range } from '@weir/schema/time';
import type { YScale } from './axis.ts';

export interface Series {
  name: string;
  /** A custom property: `--c1`. */
  color: string;
  values: (number | null)[];
  kind: 'bar' | 'line';
  width?: number;
}

export interface Cell {
  bucket: number;
  low: number;
  high: number;
  /** 1 to 7. */
  level: number;
}

export interface Stretch {
  /** Bucket indices, `to` exclusive. */
  from: number;
  to: number;
}

export interface Plot {
  range: Range;
  count: number;
  y: YScale;
  series: Series[];
  ghost?: (number | null)[];
  cells?: Cell[];
  gaps: Stretch[];
  /** The last bucket is still filling. */
  running: boolean;
}

/** A dense array over all buckets; `missing` where no row is. */
export function dense<Row, Missing>(
  rows: readonly Row[],
  count: number,
  at: (row: Row) => number,
  value: (row: Row) => number | null,
  missing: Missing,
): (number | null | Missing)[] {
  const values: (number | null | Missing)[] = new Array<Missing>(count).fill(missing);
  for (const row of rows) if (at(row) >= 0 && at(row) < count) values[at(row)] = value(row);
  return values;
}

/**
 * Stretches without any request. Few requests leave holes that mean nothing: only a hole that is improbable beside its
 * neighbourhood is a gap that is worth naming.
 */
export function findGaps(requests: readonly number[], running: boolean): Stretch[] {
  const last = running ? requests.length - 1 : requests.length;
  const gaps: Stretch[] = [];
  for (let index = 0; index < last; index += 1) {
    if (requests[index] !== 0) continue;
    let end = index;
    while (end < last && requests[end] === 0) end += 1;
    const around = [...requests.slice(Math.max(0, index - 4), index), ...requests.slice(end, end + 4)];
    const usual = around.reduce((sum, n) => sum + n, 0) / Math.max(1, around.length);
    // The first request ever is not the end of a gap: nothing was expected before it.
    const bounded = index > 0 && end < requests.length;
    if (bounded && usual * (end - index) >= 8) gaps.push({ from: index, to: end });
    index = end;
  }
  return gaps;
}

/** Counts on seven levels; the root keeps rare cells visible. */
export function levels(cells: readonly { bucket: number; low: number; high: number; requests: number }[]): Cell[] {
  const most = Math.max(1, ...cells.map((cell) => cell.requests));
  return cells.map(({ bucket, low, high, requests }) => ({
    bucket,
    low,
    high,
    level: Math.max(1, Math.ceil(Math.sqrt(requests / most) * 7)),
  }));
}

/** `M…L…` of a small line in a box of 1000 by `height`; it breaks where a value is missing. */
export function sparkPath(
  values: readonly (number | null)[],
  box: { height: number; max?: number; min?: number },
): string {
  const known = values.filter((value): value is number => value !== null);
  const max = box.max ?? Math.max(...known);
  const min = box.min ?? Math.min(0, ...known);
  const step = 1000 / Math.max(1, values.length);
  let path = '';
  let open = false;
  values.forEach((value, index) => {
    if (value === null) {
      open = false;
      return;
    }
    const y = max === min ? box.height - 1 : 1 + (1 - (value - min) / (max - min)) * (box.height - 2);
    const x = ((index + 0.5) * step).toFixed(1);
    const alone = !open && (values[index + 1] ?? null) === null;
    path += `${open ? 'L' : 'M'}${x} ${y.toFixed(1)}${alone ? 'h1' : ''}`;
    open = true;
  });
  return path;
}
