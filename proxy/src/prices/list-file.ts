/**
 * A newer price list, as github.com/pydantic/genai-prices publishes it (`prices/new_data/v2/data.json`): checked before it
 * is taken, compared with the one in force.
 */
import type { MatchLogic, ModelInfo, Provider } from '@pydantic/genai-prices';
import { z } from 'zod';
import { place, PriceFileError } from './rule.ts';

const price = z.number('expected a price in USD').nonnegative('expected a price of 0 or more');
const prices = z.record(
  z.string(),
  z.union(
    [price, z.object({ base: price, tiers: z.array(z.object({ start: z.number().int().nonnegative(), price })) })],
    'expected a price, or {"base": …, "tiers": […]}',
  ),
);

const clock = z.string().regex(/^\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/, 'expected a time such as 16:30:00Z');
const constraint = z.union(
  [
    z
      .object({ start_date: z.string().regex(/^\d{4}-\d\d-\d\d$/, 'expected a day such as 2026-07-01') })
      .transform(({ start_date }) => ({ type: 'start_date' as const, start_date })),
    z
      .object({ start_time: clock, end_time: clock })
      .transform((hours) => ({ type: 'time_of_date' as const, ...hours })),
  ],
  'expected start_date, or start_time and end_time',
);

const match: z.ZodType<MatchLogic> = z.lazy(() =>
  z.union(
    [
      z.object({ or: z.array(match) }),
      z.object({ and: z.array(match) }),
      z.object({ equals: z.string() }),
      z.object({ starts_with: z.string() }),
      z.object({ ends_with: z.string() }),
      z.object({ contains: z.string() }),
      z.object({ regex: z.string() }),
    ],
    'expected how a name is matched',
  ),
);

const model = z.object({
  id: z.string().min(1),
  match,
  prices: z.union(
    [prices, z.array(z.object({ constraint: constraint.optional(), prices })).min(1)],
    'expected prices, or a list of them with constraints',
  ),
});
const provider = z.object({
  id: z.string().min(1),
  fallback_model_providers: z.array(z.string()).optional(),
  models: z.array(model, 'expected a list of models'),
});
const list = z.array(provider, 'expected a list of providers').min(1, 'expected at least one provider');

/** @throws PriceFileError that names the first field that is wrong. */
export function parseList(value: unknown): Provider[] {
  const result = list.safeParse(value);
  if (result.success) return result.data as unknown as Provider[];
  const issue = result.error.issues[0];
  throw new PriceFileError(`${place(issue?.path ?? [])}${issue?.message ?? 'unreadable'}.`);
}

export interface Changes {
  readonly before: number;
  readonly after: number;
  /** `provider/model`, each with what became of it. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly { readonly model: string; readonly fields: readonly string[] }[];
}

/** What a newer list has that the older one has not, has no more, or has at another price. */
export function compareLists(older: readonly Provider[], newer: readonly Provider[]): Changes {
  const before = modelsOf(older);
  const after = modelsOf(newer);
  const changed: { model: string; fields: string[] }[] = [];
  for (const [name, info] of after) {
    const known = before.get(name);
    const fields = known === undefined ? [] : differences(known, info);
    if (fields.length > 0) changed.push({ model: name, fields });
  }
  return {
    before: before.size,
    after: after.size,
    added: [...after.keys()].filter((name) => !before.has(name)),
    removed: [...before.keys()].filter((name) => !after.has(name)),
    changed,
  };
}

/** A list that lost half of its models is broken, not newer (as happened to peers whose fetched list was cut). */
export function shrankByHalf({ before, removed }: Changes): boolean {
  return before > 0 && removed.length * 2 >= before;
}

function modelsOf(providers: readonly Provider[]): Map<string, ModelInfo> {
  return new Map(providers.flatMap(({ id, models }) => models.map((info) => [`${id}/${info.id}`, info])));
}

/** `input_mtok 1.25 → 1`; prices by date or hour are compared as a whole. */
function differences(older: ModelInfo, newer: ModelInfo): string[] {
  if (Array.isArray(older.prices) || Array.isArray(newer.prices)) {
    return text(bare(older.prices)) === text(bare(newer.prices)) ? [] : ['prices by date or hour'];
  }
  const names = new Set([...Object.keys(older.prices), ...Object.keys(newer.prices)]);
  const fields: string[] = [];
  for (const name of names) {
    const from = text(older.prices[name]);
    const to = text(newer.prices[name]);
    if (from !== to) fields.push(`${name} ${from} → ${to}`);
  }
  return fields;
}

/** Constraints without the word that one of the two spellings adds. */
function bare(prices: ModelInfo['prices']): unknown {
  if (!Array.isArray(prices)) return [{ prices }];
  return prices.map((one) => ({ ...one.constraint, type: undefined, prices: one.prices }));
}

function text(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value, (_, inner: unknown) => sorted(inner));
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
