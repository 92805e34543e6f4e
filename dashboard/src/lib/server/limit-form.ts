/** The rows of limits in a key's form: `limits.0.name`, `limits.0.quota` … */
import { limitPolicy, type LimitPolicy } from '@weir/schema/settings/limit';
import { z } from 'zod';
import { calendars, spans } from '../keys/limits.ts';
import { emptyLimit, type LimitValues } from '../keys/values.ts';
import type { FieldErrors } from './administration/ask.ts';
import { parseForm } from './parse-form.ts';

const MOST = 32;
const words = z.string().max(1000);
const shape = z.object({
  name: words,
  unit: words,
  quota: words,
  window: words,
  seconds: words,
  zone: words,
  by: z.array(words).max(20),
  property: words,
  was: words,
  action: words,
  match: z.string().max(20_000),
});

/** Rows as they were typed, those without a name and a quota left out: that is how one is taken out without scripts. */
export function readLimits(form: FormData, zone: string): LimitValues[] {
  const rows: LimitValues[] = [];
  for (let index = 0; index <= MOST; index++) {
    if (!form.has(`limits.${index}.name`)) continue;
    const given = new Map<string, unknown>(Object.entries(emptyLimit(zone)));
    for (const name of Object.keys(shape.shape)) {
      const field = `limits.${index}.${name}`;
      if (name === 'by') given.set(name, form.getAll(field));
      else if (form.has(field)) given.set(name, form.get(field));
    }
    const row = parseForm(shape, Object.fromEntries(given));
    if (row.name.trim() !== '' || row.quota.trim() !== '') rows.push(row);
  }
  return rows;
}

/** A row as the REST takes it; what is no number is said in `errors`. */
export function toLimit(row: LimitValues, at: string, errors: FieldErrors): object {
  const quota = toNumber(row.quota);
  if (quota === undefined) errors[`${at}.quota`] = 'expected a number';
  if (row.unit !== 'concurrent' && row.window === 'seconds' && toNumber(row.seconds) === undefined) {
    errors[`${at}.window`] = 'expected a number of seconds';
  }
  const match = limitPolicy.shape.match.safeParse(parseJson(row.match));
  if (!match.success) errors[at] = 'the calls that it is restricted to cannot be read';
  const property = row.property.trim().toLowerCase();
  return {
    ...{ name: row.name.trim(), unit: row.unit, quota, action: row.action, match: match.data ?? {} },
    window: row.unit === 'concurrent' ? null : toWindow(row),
    by: inOrder([...row.by, ...(property === '' ? [] : [`property:${property}`])], row.was.split(' ')),
  };
}

/** What was there before as it stood, and then what is new. */
function inOrder(by: string[], was: string[]): string[] {
  const place = (one: string): number => (was.includes(one) ? was.indexOf(one) : was.length);
  return by.sort((one, other) => place(one) - place(other));
}

function toWindow({ window, seconds, zone }: LimitValues): object {
  if ((calendars as readonly string[]).includes(window)) return { calendar: window, zone: zone.trim() };
  return { seconds: window === 'seconds' ? toNumber(seconds) : Number(window) };
}

/** A limit as a row of the form. */
export function fromLimit(limit: LimitPolicy, zone: string): LimitValues {
  const { window, by } = limit;
  const property = by.find((one) => one.startsWith('property:'));
  const row: LimitValues = {
    ...emptyLimit(zone),
    ...{ name: limit.name, unit: limit.unit, quota: String(limit.quota), action: limit.action },
    // A second property has no field: it stays among the boxes.
    by: by.filter((one) => one !== property),
    property: property?.slice('property:'.length) ?? '',
    was: by.join(' '),
    match: JSON.stringify(limit.match),
  };
  if (window === null) return row;
  if ('calendar' in window) return { ...row, window: window.calendar, zone: window.zone };
  const named = spans.some(([seconds]) => seconds === window.seconds);
  return named
    ? { ...row, window: String(window.seconds) }
    : { ...row, window: 'seconds', seconds: String(window.seconds) };
}

/** `5,000` and `5 000` are numbers too. */
function toNumber(text: string): number | undefined {
  const plain = text
    .replace(/(?<=\d)[,\s](?=\d{3}(\D|$))/g, '')
    .replace(/^\$/, '')
    .trim();
  const value = plain === '' ? Number.NaN : Number(plain);
  return Number.isFinite(value) ? value : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
