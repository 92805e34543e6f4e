/**
 * A price of one's own, or a published one that the list cannot say: which calls it is for, and what it changes. The same
 * words in a person's file (docs/prices.md) and in the rules that come with Weir.
 */
import { z } from 'zod';
import { charges, priceClasses } from './classes.ts';
import { PRICE_PLACES, scaled } from './decimal.ts';

/** What an input of more than `start` tokens makes of a price; it then holds for the whole request. */
export interface Rate {
  readonly base: bigint;
  readonly tiers: readonly { readonly start: number; readonly price: bigint }[];
}

/** Ten thousandths of a percent: `92.5` is 925 000 of a million. */
const PERCENT_PLACES = 4;
export const WHOLE = 100n * 10n ** BigInt(PERCENT_PLACES);

const price = z
  .union([z.string(), z.number()], 'expected a price in USD, such as "1.25"')
  .transform((value, context) => {
    const units = scaled(value, PRICE_PLACES);
    if (units === null)
      context.addIssue({ code: 'custom', message: 'expected a price in USD of at most twelve decimals, 0 or more' });
    return units ?? 0n;
  });

const tieredPrice = z
  .strictObject({
    base: price,
    tiers: z.array(z.strictObject({ start: z.number().int().nonnegative(), price })).min(1),
  })
  .transform(({ base, tiers }): Rate => ({ base, tiers: tiers.sort((a, b) => a.start - b.start) }));

const rate = z.union([price.transform((base): Rate => ({ base, tiers: [] })), tieredPrice], {
  error: 'expected a price in USD such as "1.25", or {"base": …, "tiers": [{"start": tokens, "price": …}]}',
});

const percent = z.union([z.string(), z.number()], 'expected a percentage, such as 92.5').transform((value, context) => {
  const units = scaled(value, PERCENT_PLACES);
  if (units === null || units > 100n * WHOLE)
    context.addIssue({ code: 'custom', message: 'expected a percentage from 0 to 10000 of at most four decimals' });
  return units ?? 0n;
});

/** An object whose names are known ones; the first that is not is named. */
function named<T extends z.ZodType>(
  known: (name: string) => boolean,
  what: string,
  value: T,
): z.ZodType<Record<string, z.output<T>>> {
  return z.record(z.string(), value).superRefine((record, context) => {
    for (const name of Object.keys(record)) {
      if (!known(name)) context.addIssue({ code: 'custom', path: [name], message: `no such ${what}` });
    }
  }) as unknown as z.ZodType<Record<string, z.output<T>>>;
}

const isClass = (name: string): boolean => priceClasses.has(name);
const isCharge = (name: string): boolean => Object.hasOwn(charges, name);

const moment = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/, 'expected a day such as 2026-07-01, or 2026-07-01T08:00Z')
  .transform((text, context) => {
    const at = Date.parse(text);
    if (Number.isNaN(at)) context.addIssue({ code: 'custom', message: 'no such day' });
    return at;
  });

const hours = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/, 'expected hours in UTC, such as 16:30-00:30')
  .transform((text) => {
    const [from = 0, to = 0] = text.split('-').map((part) => Number(part.slice(0, 2)) * 60 + Number(part.slice(3)));
    return { from, to };
  });

const pattern = z.string().min(1, 'expected a name; * stands for any characters').max(512);

const written = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/, 'expected letters, digits, dot, dash or underscore, at most 64')
      .optional(),
    provider: z.string().regex(/^[a-z0-9-]{1,32}$/, 'expected the name of a provider, such as azure'),
    model: pattern,
    host: pattern.optional(),
    tier: z
      .string()
      .regex(/^[a-z0-9_-]{1,64}$/, 'expected a service tier in lower case, such as flex')
      .optional(),
    from: moment.optional(),
    to: moment.optional(),
    hours: hours.optional(),
    as: pattern.optional(),
    prices: named(isClass, 'class of price', rate).optional(),
    percent: percent.optional(),
    of_input: named(isClass, 'class of price', percent).optional(),
    least: named(isCharge, 'unit', z.number().nonnegative()).optional(),
  })
  .refine((rule) => rule.from === undefined || rule.to === undefined || rule.from < rule.to, {
    path: ['to'],
    error: 'expected a time after from',
  })
  .refine(
    (rule) => [rule.as, rule.prices, rule.percent, rule.of_input, rule.least].some((value) => value !== undefined),
    { path: ['prices'], error: 'expected prices, percent, of_input, least or as' },
  );

/** One rule as it is written: JSON in a file, an object in Weir's own. */
export type WrittenRule = z.input<typeof written>;

/** One rule, ready to be asked. */
export interface Rule extends Omit<z.output<typeof written>, 'model' | 'host' | 'name'> {
  readonly name: string;
  readonly model: RegExp;
  readonly host: RegExp | null;
}

const rules = z.array(written, 'expected a list of prices').max(10_000, 'expected at most 10000 prices');

/** A file of prices that cannot be used; `message` names the entry and the field. */
export class PriceFileError extends Error {
  readonly code = 'bad_prices';
}

/** @throws PriceFileError naming the first field that is wrong. */
export function parseRules(value: unknown): Rule[] {
  const result = rules.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new PriceFileError(`${place(issue?.path ?? [])}${issue?.message ?? 'unreadable'}.`);
  }
  return result.data.map((rule) => ({
    ...rule,
    name: rule.name ?? `${rule.provider}.${rule.model.replace(/[^A-Za-z0-9._-]+/g, '_')}`.slice(0, 64),
    model: glob(rule.model),
    host: rule.host === undefined ? null : glob(rule.host),
  }));
}

/** `[2].prices.input_mtok: ` */
export function place(path: readonly PropertyKey[]): string {
  if (path.length === 0) return '';
  const text = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  return `${text.replace(/^\./, '')}: `;
}

/** `*` is any characters, `?` any one; upper and lower case are alike. */
function glob(text: string): RegExp {
  const source = text
    .replace(/\*+/g, '*')
    .replace(/[.+^${}()|[\]\\/]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'is');
}

export interface RuleQuery {
  readonly provider: string;
  /** Every name by which the model is known. */
  readonly names: readonly string[];
  readonly host: string;
  readonly at: Date;
}

/** Whether a rule is for a call, its tier left aside. */
export function matches(rule: Rule, query: RuleQuery): boolean {
  if (rule.provider !== query.provider) return false;
  const time = query.at.getTime();
  if (rule.from !== undefined && time < rule.from) return false;
  if (rule.to !== undefined && time >= rule.to) return false;
  if (rule.hours !== undefined && !within(rule.hours, query.at)) return false;
  if (rule.host !== null && !rule.host.test(query.host)) return false;
  return query.names.some((name) => rule.model.test(name));
}

function within({ from, to }: { from: number; to: number }, at: Date): boolean {
  const minute = at.getUTCHours() * 60 + at.getUTCMinutes();
  return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
}
