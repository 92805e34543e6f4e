/**
 * Range and step. A range begins on a boundary of its step in the viewer's time zone, so that the first bucket is whole;
 * the last one of a running range is still filling. Granularity is a value that `chooseStep` chooses, nowhere else.
 */
import { z } from 'zod';
import { param, type Sql, sql } from './sql.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const SPANS = { '15m': 15 * MINUTE, '1h': HOUR, '24h': DAY, '7d': 7 * DAY, '30d': 30 * DAY } as const;
export type SpanName = keyof typeof SPANS;
export const spanNames = Object.keys(SPANS) as SpanName[];
export const spanName = z.enum(spanNames as [SpanName, ...SpanName[]]);

const STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000,
].map((seconds) => seconds * SECOND);

/** The smallest round step that cuts the span into at most `most` buckets. */
export function chooseStep(spanMs: number, most: number): number {
  return STEPS.find((step) => spanMs / step <= most) ?? Math.ceil(spanMs / most / DAY) * DAY;
}

/** Lines and dense bars; wide bars of money. */
export const FINE = 120;
export const COARSE = 30;

export interface Range {
  /** Milliseconds since the epoch; `from` inclusive, `to` exclusive. */
  from: number;
  to: number;
  step: number;
  name: SpanName | 'custom';
}

/** What the zone's clock is ahead of UTC at an instant, ms. An unknown zone counts as UTC. */
export function zoneOffset(at: number, zone: string): number {
  if (zone === 'UTC') return 0;
  try {
    const parts = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    }).formatToParts(at);
    const part = (type: string): number => Number(parts.find((item) => item.type === type)?.value ?? 0);
    const wall = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
    return wall - Math.floor(at / SECOND) * SECOND;
  } catch {
    return 0;
  }
}

export function alignDown(at: number, step: number, zone: string): number {
  const offset = zoneOffset(at, zone);
  return Math.floor((at + offset) / step) * step - offset;
}

export function recentRange(name: SpanName, now: number, zone: string): Range {
  const step = chooseStep(SPANS[name], FINE);
  return { from: alignDown(now - SPANS[name], step, zone), to: now, step, name };
}

export function customRange(from: number, to: number): Range {
  return { from, to, step: chooseStep(to - from, FINE), name: 'custom' };
}

/** The same buckets with another width: wide bars over the same range. */
export function withStep(range: Range, most: number, zone: string): Range {
  const step = chooseStep(range.to - range.from - range.step, most);
  return { ...range, from: alignDown(range.from, step, zone), step };
}

export const bucketCount = (range: Range): number => Math.max(1, Math.ceil((range.to - range.from) / range.step));
export const bucketStart = (range: Range, index: number): number => range.from + index * range.step;

/** The same stretch of time earlier. */
export function shift(range: Range, by: number): Range {
  return { ...range, from: range.from - by, to: range.to - by };
}

/** `2026-11-19 15:43:07.218000`, as ClickHouse writes and reads it. */
export const toSqlTime = (at: number): string => new Date(at).toISOString().replace('T', ' ').replace('Z', '000');
/** The inverse, to the millisecond. */
export const fromSqlTime = (text: string): number => Date.parse(`${text.slice(0, 23).replace(' ', 'T')}Z`);

export const timeParam = (at: number | string): ReturnType<typeof param> =>
  param(typeof at === 'number' ? toSqlTime(at) : at, "DateTime64(6, 'UTC')");

export const within = (range: { from: number; to: number }): Sql =>
  sql`started_at >= ${timeParam(range.from)} AND started_at < ${timeParam(range.to)}`;

/** The index of the bucket that a row falls into; buckets are counted from the start of the range. */
export const bucketOf = (range: Range): Sql =>
  sql`intDiv(dateDiff('millisecond', ${timeParam(range.from)}, started_at), ${range.step})`;
