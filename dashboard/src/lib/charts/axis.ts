/** Scales and ticks, without a DOM: what stands where on a plot. Positions are shares of its width or height. */
import { zoneOffset } from '@weir/schema/time';
import * as clock from '../clock.ts';
import { group, THIN } from '../format.ts';

export interface Tick {
  at: number;
  label: string;
}

export interface YScale {
  log: boolean;
  min: number;
  max: number;
  ticks: Tick[];
}

export interface XTick extends Tick {
  /** 0 to 1. */
  place: number;
  day: boolean;
  minor: boolean;
}

const ROUND = [1, 2, 2.5, 5, 10];

/** From zero to a round value above `highest`, with at most four steps. */
export function linearScale(highest: number, label: (value: number) => string, steps = 4): YScale {
  if (!(highest > 0)) return { log: false, min: 0, max: 1, ticks: [{ at: 0, label: label(0) }] };
  const rough = highest / steps;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = (ROUND.find((round) => round * power >= rough * 0.999) ?? 10) * power;
  const count = Math.ceil((highest / step) * 0.999);
  const ticks = Array.from({ length: count + 1 }, (_, index) => ({ at: index * step, label: label(index * step) }));
  return { log: false, min: 0, max: count * step, ticks };
}

/** Round values at 1 and 3 of each power of ten. */
export function logScale(lowest: number, highest: number, label: (value: number, major: boolean) => string): YScale {
  const low = lowest > 0 ? lowest : 1;
  const high = Math.max(highest, low * 3);
  const ticks: Tick[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const round of [1, 3]) {
      const at = round * 10 ** power;
      if (at >= low * 0.999 && at <= high * 1.001) ticks.push({ at, label: label(at, round === 1) });
    }
  }
  return { log: true, min: low, max: high, ticks };
}

/** Where a value stands above the foot of the plot, 0 to 1 (outside it: beyond). */
export function height(scale: YScale, value: number): number {
  if (!scale.log) return (value - scale.min) / (scale.max - scale.min || 1);
  return Math.log(Math.max(value, scale.min / 10) / scale.min) / Math.log(scale.max / scale.min);
}

export const msLabel = (ms: number, unit: boolean): string => {
  const text = ms < 100 && ms % 100 !== 0 ? String(ms / 1000) : group(ms / 1000, ms < 1000 ? 1 : 0);
  return unit ? `${text}${THIN}s` : text;
};

export const usdLabel = (usd: number): string =>
  `$${usd === 0 || usd >= 10 || Number.isInteger(usd) ? group(usd) : usd >= 0.1 ? group(usd, 2) : usd.toPrecision(1)}`;
export const countLabel = (value: number): string =>
  value >= 1e6
    ? `${group(value / 1e6, value % 1e6 === 0 ? 0 : 1)}${THIN}M`
    : group(value, Number.isInteger(value) ? 0 : 1);

const MINUTE = 60_000;
const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 7200, 10080, 20160].map(
  (n) => n * MINUTE,
);

export function timeTicks(from: number, to: number, zone: string, most = 7): XTick[] {
  const step = TIME_STEPS.find((candidate) => (to - from) / candidate <= most) ?? TIME_STEPS.at(-1) ?? MINUTE;
  const offset = zoneOffset(from, zone);
  const ticks: XTick[] = [];
  for (
    let at = Math.ceil((from + offset) / step) * step - offset, index = 0;
    at <= to && index < 40;
    at += step, index += 1
  ) {
    const midnight = clock.time(at, zone) === '00:00';
    const label =
      step >= 1440 * MINUTE ? clock.dayMonth(at, zone) : midnight ? clock.day(at, zone) : clock.time(at, zone);
    ticks.push({
      at,
      label,
      place: (at - from) / (to - from),
      day: midnight && step < 1440 * MINUTE,
      minor: index % 2 === 1,
    });
  }
  // A bold day is never left out on a narrow plot; its neighbours are.
  const day = ticks.findIndex((tick) => tick.day);
  return ticks.map((tick, index) => ({
    ...tick,
    minor: !tick.day && (day >= 0 ? Math.abs(index - day) % 2 === 1 : tick.minor),
  }));
}
