/**
 * What a call cost, in exact decimals. Invariants: each token is charged once, at the price of its own class; every
 * part is rounded once, to 10⁻⁹ USD; the parts add up to `cost_usd` exactly; what is not known is `null`, never 0; no
 * count makes a part negative. The provider's own figure, where it tells one, is the cost; what the list says of the
 * same call then stands beside it.
 */
import type { Operation, Units, Usage } from '../providers/provider.ts';
import { builtInBook, type PriceBook } from './book.ts';
import { divide, rounded, usdText } from './decimal.ts';
import { findSeller } from './seller.ts';
import { findTariff, type Tariff } from './tariff.ts';
import { chargeCosts, CHARGE_UNIT, NOTHING, tokenCosts, type TokenCosts } from './tokens.ts';

export interface PricedCall {
  /** Weir's name of the provider. */
  readonly provider: string;
  /** The model that answered. */
  readonly model: string | null;
  /** The model that was asked for, where its name is another: a deployment, an inference profile. */
  readonly asked?: string | null;
  readonly usage: Usage | null;
  readonly units?: Units | undefined;
  readonly at: Date;
  readonly serviceTier: string | null;
  readonly operation: Operation;
  /** The host that answered: some regions cost more. */
  readonly host?: string;
  /** The provider's own figure. */
  readonly reportedCostUsd?: string | null | undefined;
}

/** Decimal texts with nine decimals, as the columns of the same names take them. */
export interface Price {
  readonly price_id: string;
  readonly cost_usd: string;
  readonly input_cost_usd: string | null;
  readonly output_cost_usd: string | null;
  readonly cache_read_cost_usd: string | null;
  readonly cache_write_cost_usd: string | null;
  readonly other_cost_usd: string;
  /** By the list, where `cost_usd` is the provider's own figure. */
  readonly list_cost_usd: string | null;
}

/** Nothing comes out of these but vectors, scores and verdicts: no output count is no unknown. */
const INPUT_ONLY: ReadonlySet<Operation> = new Set<Operation>(['embeddings', 'rerank', 'moderation']);
/** Operations whose one reply is billed by tokens: without usage it is worth an estimate. */
export const TOKEN_OPERATIONS = [
  'chat',
  'responses',
  'messages',
  'generate_content',
  'completion',
  'embeddings',
] as const satisfies readonly Operation[];
/** Billed by tokens: a reply of theirs without a count has no known cost, whatever else it counts. */
const BY_TOKENS: ReadonlySet<Operation> = new Set<Operation>([...TOKEN_OPERATIONS, 'realtime']);
/** Prices are 10⁻¹² USD for a million tokens: this many of them are 10⁻⁹ USD. */
const TOKENS_TO_NANO = 1_000_000_000n;
/** What the columns hold, `UInt32` and `Decimal(18, 9)`. What is more is a mistake, and no count. */
const MOST_TOKENS = 4_294_967_295;
const MOST_NANOS = 10n ** 18n - 1n;
const MOST_UNITS = 1e9;

/** Prices one answered call; `null` when model, price or usage is unknown. */
export function priceCall(call: PricedCall, book: PriceBook = builtInBook): Price | null {
  const list = byList(call, book);
  const reported = typeof call.reportedCostUsd === 'string' ? rounded(call.reportedCostUsd, 9) : null;
  if (reported !== null && reported <= MOST_NANOS) return byReport(reported, list);
  return list === null ? null : { ...written(list.id, list), list_cost_usd: null };
}

/** The counts as they can be: none that is negative, broken, or more than any call has. */
export function plausible(usage: Usage): Usage {
  return {
    input_tokens: plausibleCount(usage.input_tokens),
    output_tokens: plausibleCount(usage.output_tokens),
    cache_read_tokens: plausibleCount(usage.cache_read_tokens),
    cache_write_tokens: plausibleCount(usage.cache_write_tokens),
    cache_write_1h_tokens: plausibleCount(usage.cache_write_1h_tokens),
    reasoning_tokens: plausibleCount(usage.reasoning_tokens),
    input_audio_tokens: plausibleCount(usage.input_audio_tokens),
    output_audio_tokens: plausibleCount(usage.output_audio_tokens),
    input_image_tokens: plausibleCount(usage.input_image_tokens),
  };
}

function plausibleCount(count: number | null): number | null {
  return count !== null && count >= 0 && count <= MOST_TOKENS ? Math.trunc(count) : null;
}

/** The same for what is counted beside the tokens. */
export function plausibleUnits(units: Units): Units {
  const counted = Object.entries(units);
  const left = counted.filter(([, count]) => count >= 0 && count <= MOST_UNITS);
  return left.length === counted.length ? units : Object.fromEntries(left);
}

/** Nano-dollars. */
interface Parts {
  readonly input: bigint;
  readonly output: bigint;
  readonly read: bigint;
  readonly write: bigint;
  readonly other: bigint;
}

type Listed = Parts & { readonly id: string };

function byList(call: PricedCall, book: PriceBook): Listed | null {
  const provider = findSeller(call.provider);
  if (provider === null) return null;
  const units = plausibleUnits(call.units ?? {});
  const usage = call.usage === null ? null : billed(plausible(call.usage), units);
  if (usage === null && Object.keys(units).length === 0) return null;
  const tariff = findTariff(
    {
      provider,
      models: namesOf(call),
      host: call.host ?? '',
      at: call.at,
      serviceTier: call.serviceTier,
    },
    book,
  );
  if (tariff === null) return null;
  const tokens =
    usage === null
      ? withoutTokens(tariff, call.operation)
      : tokenCosts(tariff.rates, usage, units, INPUT_ONLY.has(call.operation));
  const other = chargeCosts(tariff, units, usage);
  if (tokens === null || other === null) return null;
  const { by, of } = tariff.factor;
  const unit = TOKENS_TO_NANO * of;
  const part = (amount: bigint): bigint => (amount === 0n ? 0n : divide(amount * by, unit));
  const parts = {
    id: tariff.id,
    input: part(tokens.input),
    output: part(tokens.output),
    read: part(tokens.read),
    write: part(tokens.write),
    other: other === 0n ? 0n : divide(other, CHARGE_UNIT),
  };
  return total(parts) > MOST_NANOS ? null : parts;
}

function namesOf({ model, asked }: PricedCall): string[] {
  const [answered, named] = [model ?? '', asked ?? ''];
  return answered === named ? [answered] : [answered, named];
}

/** Cohere reads more tokens than it bills, and tells both: the billed ones are priced, and nothing of them was cached. */
function billed(usage: Usage, units: Units): Usage {
  const input = units['billed_input_tokens'];
  const output = units['billed_output_tokens'];
  if (input === undefined && output === undefined) return usage;
  return {
    ...usage,
    input_tokens: input ?? usage.input_tokens,
    output_tokens: output ?? usage.output_tokens,
    cache_read_tokens: null,
    cache_write_tokens: null,
    cache_write_1h_tokens: null,
    reasoning_tokens: null,
  };
}

/** A reply that counts no tokens costs what its seconds or pages cost, unless tokens have a price there too. */
function withoutTokens({ rates }: Tariff, operation: Operation): TokenCosts | null {
  return BY_TOKENS.has(operation) || rates.has('input_mtok') || rates.has('output_mtok') ? null : NOTHING;
}

function total({ input, output, read, write, other }: Parts): bigint {
  return input + output + read + write + other;
}

function written(id: string, parts: Parts): Omit<Price, 'list_cost_usd'> {
  return {
    price_id: id,
    cost_usd: usdText(total(parts)),
    input_cost_usd: usdText(parts.input),
    output_cost_usd: usdText(parts.output),
    cache_read_cost_usd: usdText(parts.read),
    cache_write_cost_usd: usdText(parts.write),
    other_cost_usd: usdText(parts.other),
  };
}

/**
 * The provider's own figure. Tokens keep the list's cost and the rest (a fee for the request, searches) is `other`; where
 * the list says more than was charged, its parts are made smaller in proportion. Without a list only the whole is known.
 */
function byReport(reported: bigint, list: Listed | null): Price {
  if (list === null) {
    return {
      price_id: 'reported',
      cost_usd: usdText(reported),
      input_cost_usd: null,
      output_cost_usd: null,
      cache_read_cost_usd: null,
      cache_write_cost_usd: null,
      other_cost_usd: usdText(reported),
      list_cost_usd: null,
    };
  }
  const tokens = total(list) - list.other;
  const parts = tokens <= reported ? { ...list, other: reported - tokens } : shrunk(list, tokens, reported);
  return { ...written(`reported+${list.id}`, parts), list_cost_usd: usdText(total(list)) };
}

/** The tokens' parts in proportion, adding up to `sum`; what rounding leaves over goes to the largest. */
function shrunk(list: Listed, tokens: bigint, sum: bigint): Parts {
  const names = ['input', 'output', 'read', 'write'] as const;
  const parts = { input: 0n, output: 0n, read: 0n, write: 0n, other: 0n };
  let left = sum;
  let largest: (typeof names)[number] = 'input';
  for (const name of names) {
    parts[name] = (list[name] * sum) / tokens;
    left -= parts[name];
    if (list[name] > list[largest]) largest = name;
  }
  parts[largest] += left;
  return parts;
}
