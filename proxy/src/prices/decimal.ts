/** Money and prices as whole numbers. Nothing here is a floating point number but what a JSON text brought in. */

/** Prices are kept in units of 10⁻¹² USD: exact for every price of twelve decimals or fewer. */
export const PRICE_PLACES = 12;
const DECIMAL = /^(\d{1,15})(?:\.(\d{1,30}))?$/;

/**
 * A decimal as an integer of 10^-places; digits beyond are an error, not rounded. A number is read as the shortest text
 * that names it, which is what a person wrote: `0.1` is one tenth.
 * @returns null for what is no such number (negative, an exponent that hides digits, too many of them).
 */
export function scaled(value: string | number, places: number): bigint | null {
  const [, whole, fraction = ''] = DECIMAL.exec(typeof value === 'number' ? plainText(value) : value.trim()) ?? [];
  if (whole === undefined) return null;
  const digits = fraction.replace(/0+$/, '');
  if (digits.length > places) return null;
  return BigInt(whole + digits.padEnd(places, '0'));
}

/** The same, with what is too fine for `places` rounded half up; null when it is no decimal. */
export function rounded(text: string, places: number): bigint | null {
  const exact = scaled(text, 30);
  return exact === null ? null : divide(exact, 10n ** BigInt(30 - places));
}

/** Two decimals of at most thirty places, added up exactly; null when one is none. */
export function sumOf(a: string, b: string): string | null {
  const [first, second] = [scaled(a, 30), scaled(b, 30)];
  if (first === null || second === null) return null;
  const digits = (first + second).toString().padStart(31, '0');
  return `${digits.slice(0, -30)}.${digits.slice(-30)}`;
}

/** A number without an exponent: JavaScript writes `1e-7` for what a list has as `0.0000001`. */
function plainText(value: number): string {
  const text = String(value);
  return text.includes('e-') ? value.toFixed(Math.min(30, PRICE_PLACES + 8)) : text;
}

/** Half of the unit and more is rounded up. For what is not negative. */
export function divide(amount: bigint, unit: bigint): bigint {
  return (amount + unit / 2n) / unit;
}

/** Nano-dollars as the decimal text of the columns that end in `_usd`. */
export function usdText(nanos: bigint): string {
  if (nanos === 0n) return '0.000000000';
  const digits = (nanos < 0n ? -nanos : nanos).toString().padStart(10, '0');
  return `${nanos < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

/** The inverse of {@link usdText}, for any decimal of at most nine places. */
export function nanosOf(text: string): bigint {
  const [whole = '0', fraction = ''] = text.replace('-', '').split('.');
  const nanos = BigInt(whole) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return text.startsWith('-') ? -nanos : nanos;
}
