/**
 * Which prices hold for a call: the list's entry, laid over with what is published beside the list, laid over with a
 * person's own. The tier's prices are its own where somebody names them, else a known percentage of the ordinary ones;
 * a tier of which neither is known has no price.
 */
import type { PriceBook } from './book.ts';
import { findEntry, type Entry } from './list.ts';
import { matches, WHOLE, type Rate, type Rule, type RuleQuery } from './rule.ts';
import { findSeller, type Seller } from './seller.ts';

export interface Tariff {
  /** List, version and entry, and whatever changed its prices. */
  readonly id: string;
  readonly rates: ReadonlyMap<string, Rate>;
  /** What the tokens' cost is multiplied with. */
  readonly factor: { readonly by: bigint; readonly of: bigint };
  /** Units that are charged even where fewer were used. */
  readonly least: ReadonlyMap<string, number>;
}

export interface TariffQuery {
  readonly provider: Seller;
  /** The model that answered, then the one that was asked for. */
  readonly models: readonly string[];
  readonly host: string;
  readonly at: Date;
  readonly serviceTier: string | null;
}

/** The ordinary price, under the names that providers give it. */
const STANDARD: ReadonlySet<string> = new Set(['', 'default', 'standard', 'auto', 'on_demand', 'standard_only']);
/** Longer names are nobody's, and not worth comparing. */
const LONGEST_NAME = 512;

/** Names come from callers, so what is remembered of one second has to be bounded. */
const MOST_REMEMBERED = 4096;
/** Prices begin and end on whole seconds: what was found holds for the rest of its second. */
let remembered: { second: number; book: PriceBook | null; tariffs: Map<string, Tariff | null> } = {
  second: 0,
  book: null,
  tariffs: new Map(),
};

/** `null` when no price of the model, or none of its tier, is known. */
export function findTariff(query: TariffQuery, book: PriceBook): Tariff | null {
  const second = Math.floor(query.at.getTime() / 1000);
  const full = remembered.tariffs.size >= MOST_REMEMBERED;
  if (remembered.second !== second || remembered.book !== book || full)
    remembered = { second, book, tariffs: new Map() };
  const key = keyOf(query);
  let tariff = remembered.tariffs.get(key);
  if (tariff === undefined) {
    tariff = lookUp(query, book);
    remembered.tariffs.set(key, tariff);
  }
  return tariff;
}

/** What a tariff depends on within a second. Each text with its length: names come from callers, and may hold any sign. */
function keyOf({ provider, host, serviceTier, models }: TariffQuery): string {
  let key = `${provider.name} ${host.length} ${host}`;
  for (const text of serviceTier === null ? models : [...models, serviceTier]) key += `${text.length} ${text}`;
  return `${key}${models.length}`;
}

function lookUp(query: TariffQuery, book: PriceBook): Tariff | null {
  const { provider, at, host } = query;
  const spoken = query.models.filter((name) => name !== '' && name.length <= LONGEST_NAME);
  if (spoken.length === 0) return null;
  const listed = spoken.map(listName);
  const asked: RuleQuery = { provider: provider.name, names: [...new Set([...spoken, ...listed])], host, at };
  const ownRules = book.own.get(provider.name) ?? [];
  const alias = ownRules.find((rule) => rule.as !== undefined && matches(rule, asked));
  const entry = alias?.as === undefined ? firstEntry(listed, query, book) : aliasEntry(alias.as, query, book);
  const names = [
    ...asked.names,
    ...(alias?.as === undefined ? [] : [alias.as]),
    ...(entry === null ? [] : [entry.model]),
  ];
  const all: RuleQuery = { ...asked, names: [...new Set(names)] };
  const own = ownRules.filter((rule) => matches(rule, all));
  const published = (book.published.get(provider.name) ?? []).filter((rule) => matches(rule, all));
  return combine({ entry, own, published, alias }, query, book);
}

interface Found {
  readonly entry: Entry | null;
  readonly own: readonly Rule[];
  readonly published: readonly Rule[];
  readonly alias: Rule | undefined;
}

function combine({ entry, own, published, alias }: Found, query: TariffQuery, book: PriceBook): Tariff | null {
  const ownPlain = own.filter((rule) => rule.tier === undefined);
  const publishedPlain = published.filter((rule) => rule.tier === undefined);
  const ownPrices = ownPlain.filter((rule) => rule.prices !== undefined);
  const ownPercent = ownPlain.find((rule) => rule.percent !== undefined);
  const ownTier: Rule[] = [];
  const publishedTier: Rule[] = [];
  let factor = { by: 1n, of: 1n };
  const times = (percent: bigint): void => void (factor = { by: factor.by * percent, of: factor.of * WHOLE });

  const tiers = tiersOf(query.serviceTier);
  for (const tier of tiers) {
    const said = own.filter((rule) => rule.tier === tier);
    // A person's own ordinary price says nothing of what a tier costs, and the published tier is not the person's.
    const known = published.filter(
      (rule) => rule.tier === tier && (ownPrices.length === 0 || rule.prices === undefined),
    );
    const percent = query.provider.tierPercent;
    if (said.length > 0) ownTier.push(...said);
    else if (known.length > 0) publishedTier.push(...known);
    else if (percent !== undefined && Object.hasOwn(percent, tier))
      times((BigInt(percent[tier] ?? 100) * WHOLE) / 100n);
    else return null;
  }
  const percents = publishedPlain.filter((rule) => rule.percent !== undefined);
  for (const rule of [ownPercent, ...percents, ...ownTier, ...publishedTier])
    if (rule?.percent !== undefined) times(rule.percent);

  const order = [...ownTier, ...ownPlain, ...publishedTier, ...publishedPlain];
  const rates = ratesOf(entry, order);
  if (rates.size === 0) return null;
  const mine = [...new Set([alias, ...ownTier, ...ownPrices, ownPercent])].filter((rule) => rule !== undefined);
  return {
    id: idOf({ entry, mine, ownVersion: book.ownVersion, publishedPlain, percents, tiers }),
    rates,
    factor,
    least: new Map(order.flatMap((rule) => Object.entries(rule.least ?? {})).reverse()),
  };
}

/** The first rule that names a class gives its price; the list gives the rest. */
function ratesOf(entry: Entry | null, order: readonly Rule[]): ReadonlyMap<string, Rate> {
  if (order.length === 0) return entry?.rates ?? new Map<string, Rate>();
  const rates = new Map(entry?.rates);
  for (const rule of [...order].reverse())
    for (const [name, rate] of Object.entries(rule.prices ?? {})) rates.set(name, rate);
  const input = rates.get('input_mtok');
  if (input === undefined) return rates;
  for (const rule of order)
    for (const [name, percent] of Object.entries(rule.of_input ?? {}))
      if (!rates.has(name)) rates.set(name, share(input, percent));
  return rates;
}

function share(rate: Rate, percent: bigint): Rate {
  const part = (price: bigint): bigint => (price * percent) / WHOLE;
  return { base: part(rate.base), tiers: rate.tiers.map(({ start, price }) => ({ start, price: part(price) })) };
}

interface Said {
  readonly entry: Entry | null;
  readonly mine: readonly Rule[];
  readonly ownVersion: string;
  readonly publishedPlain: readonly Rule[];
  readonly percents: readonly Rule[];
  readonly tiers: readonly string[];
}

function idOf({ entry, mine, ownVersion, publishedPlain, percents, tiers }: Said): string {
  const base = entry?.id ?? (mine.length > 0 ? '' : `published/${publishedPlain[0]?.name ?? ''}`);
  const own = mine.map((rule) => `own@${ownVersion}/${rule.name}`);
  return [base, ...own, ...percents.map((rule) => rule.name), ...tiers].filter((part) => part !== '').join('+');
}

/** A reply may name more than one thing that changes the price: `batch+us`. */
function tiersOf(tier: string | null): string[] {
  const words = (tier ?? '').toLowerCase().split('+');
  return [...new Set(words.map((word) => word.trim()).filter((word) => !STANDARD.has(word)))];
}

function firstEntry(names: readonly string[], { provider, at }: TariffQuery, book: PriceBook): Entry | null {
  if (provider.priceList === null) return null;
  for (const name of names) {
    const entry = findEntry(book.list, provider.priceList, name, at);
    if (entry !== null) return entry;
  }
  return null;
}

/** `gpt-4o` in the provider's own list, or `openai/gpt-4o` in another's. */
function aliasEntry(as: string, query: TariffQuery, book: PriceBook): Entry | null {
  const own = firstEntry([as], query, book);
  const slash = as.indexOf('/');
  if (own !== null || slash < 0) return own;
  const other = as.slice(0, slash);
  return findEntry(book.list, findSeller(other)?.priceList ?? other, as.slice(slash + 1), query.at);
}

/**
 * A model's name as lists have it: without the resource path of Google (`publishers/…/models/`) or the ARN of Amazon
 * (docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html) around it.
 */
export function listName(model: string): string {
  let name = model;
  if (name.includes('%')) {
    try {
      name = decodeURIComponent(name);
    } catch {
      // Not encoded after all.
    }
  }
  return name.replace(/^(?:(?:projects|publishers|tunedModels)\/.*\/)?models\//, '').replace(/^arn:[^/]*\//, '');
}
