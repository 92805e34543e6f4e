/** From rows to what the charts draw: dense arrays, scales, colours. Pure, so that it can be read and tested without a page. */
import { bucketCount, type Range } from '@weir/schema/time';
import { countLabel, linearScale, logScale, msLabel, usdLabel } from '$lib/charts/axis.ts';
import { dense, findGaps, levels, type Plot, type Series } from '$lib/charts/plot.ts';
import { OTHERS, providerColor } from '$lib/charts/series.ts';
import { addMoney } from '$lib/money.ts';
import type { Overview } from '$lib/server/overview.ts';
import { rowsOf } from '$lib/settled.ts';

export type Point = Extract<Overview['series'], { ok: true }>['rows'][number];
type Field = (row: Point) => number | null;

export interface Base {
  range: Range;
  count: number;
  running: boolean;
  total: Point | undefined;
  earlierTotal: Point | undefined;
  points: Point[];
  earlier: Point[];
  requests: number[];
  gaps: { from: number; to: number }[];
}

export function prepareBase(data: Overview, range: Range): Base {
  const rows = rowsOf(data.series);
  const before = rowsOf(data.earlier);
  const count = bucketCount(range);
  const points = rows.filter((row) => row.is_total === 0);
  const requests = dense(
    points,
    count,
    (row) => row.bucket,
    (row) => row.requests,
    0,
  ) as number[];
  const running = range.name !== 'custom';
  return {
    range,
    count,
    running,
    points,
    requests,
    earlier: before.filter((row) => row.is_total === 0),
    total: rows.find((row) => row.is_total === 1 && row.requests > 0),
    earlierTotal: before.find((row) => row.is_total === 1 && row.requests > 0),
    gaps: findGaps(requests, running),
  };
}

/** A figure over the buckets. A count without rows is zero outside a gap; a percentile without rows is unknown. */
export function line(base: Base, field: Field, counted = false): (number | null)[] {
  const values = dense(base.points, base.count, (row) => row.bucket, field, counted ? 0 : null);
  if (counted) for (const gap of base.gaps) values.fill(null, gap.from, gap.to);
  return values;
}
export const earlierLine = (base: Base, field: Field, counted = false): (number | null)[] | undefined =>
  base.earlierTotal ? dense(base.earlier, base.count, (row) => row.bucket, field, counted ? 0 : null) : undefined;

const frame = (base: Base): Pick<Plot, 'range' | 'count' | 'gaps' | 'running'> => ({
  range: base.range,
  count: base.count,
  gaps: base.gaps,
  running: base.running,
});

/** At most five by their sum, the rest as one. */
function topFive<Row>(
  rows: readonly Row[],
  name: (row: Row) => string,
  value: (row: Row) => number,
): { top: string[]; rest: string[] } {
  const sums = new Map<string, number>();
  for (const row of rows) sums.set(name(row), (sums.get(name(row)) ?? 0) + value(row));
  const names = [...sums.entries()].sort((a, b) => b[1] - a[1]).map(([key]) => key);
  return names.length > 6 ? { top: names.slice(0, 5), rest: names.slice(5) } : { top: names, rest: [] };
}

export function requestsPlots(data: Overview, base: Base): { stack: Plot; errors: Plot } {
  const rows = rowsOf(data.providers);
  const { top, rest } = topFive(
    rows,
    (row) => row.provider,
    (row) => row.requests,
  );
  const values = (names: readonly string[]): number[] => {
    const sums = new Array<number>(base.count).fill(0);
    for (const row of rows)
      if (names.includes(row.provider) && row.bucket < base.count)
        sums[row.bucket] = (sums[row.bucket] ?? 0) + row.requests;
    return sums;
  };
  const series: Series[] = top.map((name) => ({
    name,
    color: providerColor(name),
    values: values([name]),
    kind: 'bar',
  }));
  if (rest.length > 0) series.push({ name: `${rest.length} others`, color: OTHERS, values: values(rest), kind: 'bar' });
  const errors = line(base, (row) => row.errors, true);
  const ghost = earlierLine(base, (row) => row.requests, true);
  const most = Math.max(...base.requests, ...(ghost ?? []).map((value) => value ?? 0), 1);
  return {
    stack: { ...frame(base), y: linearScale(most, countLabel), series, ...(ghost ? { ghost } : {}) },
    errors: {
      ...frame(base),
      gaps: base.gaps,
      y: linearScale(Math.max(1, ...errors.map((value) => value ?? 0)), countLabel, 1),
      series: [{ name: 'errors', color: '--error', values: errors, kind: 'bar' }],
    },
  };
}

export interface CostSeries extends Series {
  /** Exact, as text: what the legend adds up. */
  exact: (string | null)[];
  total: string;
}

export function costPlot(data: Overview, base: Base): { plot: Plot; series: CostSeries[] } {
  const rows = rowsOf(data.cost);
  const count = bucketCount(data.wide);
  const key = (row: { provider: string; model: string }): string => `${row.provider}/${row.model}`;
  const sums = topFive(rows, key, (row) => Number(row.total_usd));
  const [top, rest] =
    sums.top.length > 3 ? [sums.top.slice(0, 2), [...sums.top.slice(2), ...sums.rest]] : [sums.top, sums.rest];
  const collect = (names: readonly string[], name: string, color: string): CostSeries => {
    const exact = new Array<string | null>(count).fill(null);
    for (const row of rows)
      if (names.includes(key(row)) && row.bucket < count)
        exact[row.bucket] = addMoney(exact[row.bucket] ?? null, row.total_usd);
    return {
      name,
      color,
      kind: 'bar',
      exact,
      total: addMoney(...exact),
      values: exact.map((one) => (one === null ? 0 : Number(one))),
    };
  };
  const taken = new Set<string>();
  const series = top.map((name) => {
    const provider = name.slice(0, name.indexOf('/'));
    // A provider's second model is told apart by a neighbouring slot, named in the legend.
    const color = taken.has(provider) ? '--c7' : providerColor(provider);
    taken.add(provider);
    const short = name.slice(name.indexOf('/') + 1);
    const shared = top.some((other) => other !== name && other.slice(other.indexOf('/') + 1) === short);
    return collect([name], shared ? name : short, color);
  });
  if (rest.length > 0) series.push(collect(rest, `${rest.length} ${rest.length === 1 ? 'other' : 'others'}`, OTHERS));
  const most = Math.max(
    ...Array.from({ length: count }, (_, index) => series.reduce((sum, one) => sum + (one.values[index] ?? 0), 0)),
    0,
  );
  const scale = data.wide.step / base.range.step;
  const gaps = base.gaps
    .map((gap) => ({ from: gap.from / scale, to: gap.to / scale }))
    .filter((gap) => gap.to - gap.from >= 0.5);
  return {
    plot: { range: data.wide, count, gaps, running: base.running, y: linearScale(most, usdLabel, 3), series },
    series,
  };
}

export const PERCENTILES = [
  { name: 'p50', color: '--p50' },
  { name: 'p90', color: '--p90' },
  { name: 'p95', color: '--p95' },
  { name: 'p99', color: '--p99' },
] as const;

/** `below`: requests under the foot of the scale; a few cache hits would else press everything else into a corner. */
export function latencyPlot(data: Overview, base: Base): { plot: Plot; below: { requests: number; ms: number } } {
  const cells = rowsOf(data.cells).map((row) => ({
    bucket: row.bucket,
    low: 2 ** (row.bin / 3),
    high: 2 ** ((row.bin + 1) / 3),
    requests: row.requests,
  }));
  const series: Series[] = PERCENTILES.map(({ name, color }, index) => ({
    name,
    color,
    kind: 'line',
    values: line(base, (row) => row.latency_ms[index] ?? null),
  }));
  const all = [...series.flatMap((one) => one.values), ...(base.total?.latency_ms ?? [])].filter(
    (value): value is number => value !== null && value > 0,
  );
  const total = cells.reduce((sum, cell) => sum + cell.requests, 0);
  const high = Math.max(...all, 1000) * 1.25;
  const low = Math.min(high / 20, Math.max(lowest(cells, total * 0.005), (base.total?.latency_ms[0] ?? 0) / 25, 1));
  const shown = cells.filter((cell) => cell.high > low);
  const requests = total - shown.reduce((sum, cell) => sum + cell.requests, 0);
  return {
    plot: { ...frame(base), y: logScale(low, high, msLabel), series, cells: levels(shown) },
    below: { requests, ms: low },
  };
}

/** Where the lowest half percent ends: single outliers do not stretch the scale. */
function lowest(cells: readonly { low: number; requests: number }[], skip: number): number {
  let left = skip;
  for (const cell of [...cells].sort((a, b) => a.low - b.low)) {
    left -= cell.requests;
    if (left <= 0) return Math.max(1, cell.low);
  }
  return 100;
}

export function firstTokenPlot(base: Base): Plot {
  const series: Series[] = [
    { name: 'p50', color: '--p50', kind: 'line', values: line(base, (row) => row.first_ms[0] ?? null) },
    { name: 'p95', color: '--p95', kind: 'line', values: line(base, (row) => row.first_ms[1] ?? null) },
  ];
  const all = series.flatMap((one) => one.values).filter((value): value is number => value !== null && value > 0);
  return { ...frame(base), y: logScale(Math.min(...all, 1000) * 0.7, Math.max(...all, 300) * 1.3, msLabel), series };
}

export function speedPlot(base: Base): Plot {
  const values = line(base, (row) => row.speed);
  return {
    ...frame(base),
    y: linearScale(Math.max(1, ...values.map((value) => value ?? 0)), countLabel, 2),
    series: [{ name: 'p50', color: '--ink-2', kind: 'line', values }],
  };
}

export function savedPlot(base: Base): Plot {
  const values = line(base, (row) => (row.all_saved_usd === null ? 0 : Number(row.all_saved_usd)), true);
  return {
    ...frame(base),
    y: linearScale(Math.max(...values.map((value) => value ?? 0), 0), usdLabel, 2),
    series: [{ name: 'saved', color: '--c7', kind: 'bar', values }],
  };
}

export const lastKnown = (values: readonly (number | null)[], running: boolean): number | null =>
  (running ? values.slice(0, -1) : values).findLast((value) => value !== null) ?? null;
