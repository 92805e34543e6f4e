/** Numbers as a person reads them. A quantity is a number and its unit apart, since the unit is set lighter. */
import { placesOf, roundMoney } from './money.ts';

export interface Quantity {
  text: string;
  unit?: string;
  /** Marked `~`. */
  estimated?: boolean;
}

/** Narrow and unbreakable: a unit never wraps away from its number. */
export const THIN = '\u202f';

/** By decimal places. `toLocaleString` makes one for each number: half of the time that a page took to render. */
const grouped: Intl.NumberFormat[] = [];

function groupedBy(digits: number): Intl.NumberFormat {
  return (grouped[digits] ??= new Intl.NumberFormat('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }));
}

export const group = (value: number, digits = 0): string => groupedBy(digits).format(value).replace('-', '−');

const three = (value: number): string => {
  const size = Math.abs(value);
  return group(value, size >= 100 || (Number.isInteger(value) && size >= 10) ? 0 : size >= 10 ? 1 : 2);
};

export function count(value: number): Quantity {
  return { text: group(value) };
}

/** `412,806`, `1.08 B`: short where the digits behind do not matter. */
export function short(value: number): Quantity {
  const size = Math.abs(value);
  for (const [limit, unit] of [
    [1e12, 'T'],
    [1e9, 'B'],
    [1e6, 'M'],
  ] as const) {
    if (size >= limit) return { text: three(value / limit), unit };
  }
  return size >= 100_000 ? { text: three(value / 1e3), unit: 'k' } : { text: group(Math.round(value)) };
}

/** Three digits, in the unit that fits: `412 ms`, `5.41 s`, `11.2 s`, `3.2 min`. */
export function duration(ms: number): Quantity {
  if (Math.abs(ms) < 10) return { text: group(ms, ms === 0 ? 0 : Math.abs(ms) < 1 ? 2 : 1), unit: 'ms' };
  if (Math.abs(ms) < 999.5) return { text: group(ms), unit: 'ms' };
  if (Math.abs(ms) < 600_000) return { text: three(ms / 1000), unit: 's' };
  return { text: three(ms / 60_000), unit: 'min' };
}

/** In seconds, for a column whose head says so. */
export const seconds = (ms: number): string => group(ms / 1000, ms >= 9_950 ? 1 : 2);

export function percent(part: number, whole: number, places?: number): Quantity {
  if (whole === 0) return { text: '–' };
  const value = (part / whole) * 100;
  // In a column all have the same places.
  if (places !== undefined) return { text: group(value, places), unit: '%' };
  const digits = value >= 99.5 || value === 0 ? 0 : value >= 10 ? 1 : 2;
  return { text: value > 0 && value < 0.01 ? '<0.01' : group(value, digits), unit: '%' };
}

export function money(text: string, places = placesOf(text)): Quantity {
  return { text: roundMoney(text, places) };
}

export function bytes(value: number): Quantity {
  if (value < 1000) return { text: group(value), unit: 'B' };
  if (value < 1e6) return { text: three(value / 1e3), unit: 'kB' };
  return value < 1e9 ? { text: three(value / 1e6), unit: 'MB' } : { text: three(value / 1e9), unit: 'GB' };
}

export const plain = (quantity: Quantity): string =>
  `${quantity.estimated ? '~' : ''}${quantity.text}${quantity.unit ? THIN + quantity.unit : ''}`;

/** `+7.9 %` from before to now; undefined when there is nothing to compare with. */
export function change(now: number, before: number): string | undefined {
  if (before === 0 || !Number.isFinite(before)) return undefined;
  const value = ((now - before) / before) * 100;
  const size = Math.abs(value);
  if (size < 0.05) return `±0${THIN}%`;
  if (size >= 1000) return `${group(now / before, now / before >= 100 ? 0 : 1)} ×`;
  return `${value > 0 ? '+' : '−'}${group(size, size >= 100 ? 0 : 1)}${THIN}%`;
}

export const plural = (n: number, one: string, many = `${one}s`): string => `${group(n)} ${n === 1 ? one : many}`;

export function list(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
}
