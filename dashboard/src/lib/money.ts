/** Decimals as the store writes them: text, added and rounded exactly. A float never holds money that is shown. */

const SCALE = 9;

function toNanos(text: string): bigint {
  const negative = text.startsWith('-');
  const [whole = '0', fraction = ''] = text.replace('-', '').split('.');
  const nanos =
    BigInt(whole || '0') * 10n ** BigInt(SCALE) + BigInt(fraction.padEnd(SCALE, '0').slice(0, SCALE) || '0');
  return negative ? -nanos : nanos;
}

function fromNanos(nanos: bigint): string {
  const digits = (nanos < 0n ? -nanos : nanos).toString().padStart(SCALE + 1, '0');
  return `${nanos < 0n ? '-' : ''}${digits.slice(0, -SCALE)}.${digits.slice(-SCALE)}`;
}

export const addMoney = (...all: readonly (string | null)[]): string =>
  fromNanos(all.reduce((sum, one) => sum + (one === null ? 0n : toNanos(one)), 0n));

export const subtractMoney = (a: string, b: string): string => fromNanos(toNanos(a) - toNanos(b));

export const isZero = (text: string): boolean => toNanos(text) === 0n;

/** Rounded half away from zero to `places`, with thousands separated: `-1234.5` → `−1,234.50`. */
export function roundMoney(text: string, places: number): string {
  const nanos = toNanos(text);
  const unit = 10n ** BigInt(SCALE - Math.min(places, SCALE));
  const size = nanos < 0n ? -nanos : nanos;
  const rounded = (size + unit / 2n) / unit;
  const digits = rounded.toString().padStart(places + 1, '0');
  const whole = digits.slice(0, digits.length - places).replace(/\B(?=(\d{3})+$)/g, ',');
  return `${nanos < 0n && rounded > 0n ? '−' : ''}$${whole}${places > 0 ? `.${digits.slice(-places)}` : ''}`;
}

/** Places for one value on its own: `$1,893`, `$24.10`, `$0.02424`. */
export function placesOf(text: string): number {
  const size = Math.abs(Number(text));
  if (size === 0 || size >= 1000) return 0;
  if (size >= 1) return 2;
  return Math.min(SCALE, 3 - Math.floor(Math.log10(size)));
}

/** The same places for a column: enough for its smallest value to keep two digits, never more than six. */
export function placesOfColumn(values: readonly (string | number | null)[], least = 2): number {
  const sizes = values.flatMap((value) => (value === null || Number(value) === 0 ? [] : [Math.abs(Number(value))]));
  if (sizes.length === 0) return least;
  const median = sizes.sort((a, b) => a - b)[Math.floor(sizes.length / 2)] ?? 1;
  return Math.max(least, Math.min(6, median >= 1 ? least : 1 - Math.floor(Math.log10(median))));
}

/** For a column with two places: never a zero that is none. */
export function columnMoney(text: string): string {
  const nanos = toNanos(text);
  return nanos > 0n && nanos < 5_000_000n ? '<$0.01' : roundMoney(text, 2);
}

/** For a column of small sums: five places, `$0` for nothing, and never a zero that is none. */
export function smallMoney(text: string): string {
  const nanos = toNanos(text);
  if (nanos === 0n) return '$0';
  return nanos > 0n && nanos < 5_000n ? '<$0.00001' : roundMoney(text, 5);
}
