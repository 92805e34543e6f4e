/** Reading values of unknown JSON without trusting any of it. */

/** A JSON object (not an array, not null). */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The value as an object, else `null`. */
export function asObject(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}

/** The value as a list; anything else is the empty list. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A string that says something, else `null`. */
export function asText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** A whole, non-negative, exact number, else `null`. */
export function asCount(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** The first count among several places where APIs put the same number. */
export function firstCount(...values: readonly unknown[]): number | null {
  for (const value of values) {
    const count = asCount(value);
    if (count !== null) return count;
  }
  return null;
}

/** A value as JSON text, to be counted; `null` for what nests too deeply to be written. */
export function jsonText(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? null;
  } catch {
    return null;
  }
}

/** The value of a JSON text. */
export function parseJson(text: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return null;
  }
}

/** The exact decimal text of a finite, non-negative number, without an exponent (`1.4e-7` becomes `0.00000014`). */
export function decimalText(value: unknown): string | null {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) return null;
  const [digits = '0', exponent] = String(value).split('e');
  if (exponent === undefined) return digits;
  const [whole = '0', fraction = ''] = digits.split('.');
  const shift = Number(exponent);
  if (shift >= 0) return whole + fraction.padEnd(shift, '0');
  return '0.' + '0'.repeat(-shift - whole.length) + whole + fraction;
}
