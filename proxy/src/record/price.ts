/**
 * What a call cost, in exact decimals. Invariants: each token is charged once, at the price of its own class; every
 * part is rounded once, to 10⁻⁹ USD; the parts add up to `cost_usd` exactly; what is not known is `null`, never 0.
 */
import type { Operation, Usage } from '../providers/provider.ts';
import { providers } from '../providers/registry.ts';
import type { Rates } from './price-list.ts';
import { findRates, rateFor } from './price-list.ts';

export interface PricedCall {
  /** Weir's name of the provider. */
  readonly provider: string;
  readonly model: string | null;
  readonly usage: Usage | null;
  readonly at: Date;
  readonly serviceTier: string | null;
  readonly operation: Operation;
}

/** Decimal texts with nine decimals, as the columns of the same names take them. */
export interface Price {
  readonly price_id: string;
  readonly cost_usd: string;
  readonly input_cost_usd: string;
  readonly output_cost_usd: string;
  readonly cache_read_cost_usd: string;
  readonly cache_write_cost_usd: string;
  readonly other_cost_usd: string;
}

/** Nothing comes out of these but vectors, scores and verdicts: no output count is no unknown. */
const INPUT_ONLY: ReadonlySet<Operation> = new Set<Operation>(['embeddings', 'rerank', 'moderation']);
/** The ordinary price, under the names that providers give it. */
const STANDARD: ReadonlySet<string> = new Set(['', 'default', 'standard', 'auto', 'on_demand', 'standard_only']);

/** Prices are 10⁻¹² USD for a million tokens, thousandths of a request … : this many of them are 10⁻⁹ USD. */
const TOKENS_TO_NANO = 1_000_000_000n;
const KILO_TO_NANO = 1_000_000n;

/** Prices one answered call; `null` when model, price or usage is unknown. */
export function priceCall(call: PricedCall): Price | null {
  const provider = providers.get(call.provider);
  const list = provider?.priceList ?? null;
  const { model, usage } = call;
  if (provider === undefined || list === null || model === null || usage === null) return null;
  const factor = tierFactor(call.serviceTier, provider.tierPercent ?? {});
  if (factor === null) return null;
  const rates = findRates(list, model.replace(/^models\//, ''), call.at);
  if (rates === null) return null;
  const parts = partsOf(rates, usage, INPUT_ONLY.has(call.operation));
  if (parts === null) return null;
  return written(rates.id, call.serviceTier, parts, factor);
}

/** Percent of the ordinary price; `null` when the tier's price is not known. */
function tierFactor(tier: string | null, percent: Readonly<Record<string, number>>): bigint | null {
  const name = (tier ?? '').toLowerCase();
  if (STANDARD.has(name)) return 100n;
  return Object.hasOwn(percent, name) ? BigInt(percent[name] ?? 100) : null;
}

/** Costs in 10⁻¹⁸ USD. */
interface Parts {
  readonly input: bigint;
  readonly output: bigint;
  readonly read: bigint;
  readonly write: bigint;
  /** Per-call charges, not scaled by tier. */
  readonly other: bigint;
}

function partsOf(rates: Rates, usage: Usage, inputOnly: boolean): Parts | null {
  const total = usage.input_tokens;
  if (total === null || total < 0) return null;
  const price = (...names: readonly string[]): bigint | null => {
    for (const name of names) {
      const rate = rates.of.get(name);
      if (rate !== undefined) return rateFor(rate, total);
    }
    return null;
  };
  const output = outputCost(usage, price, inputOnly);
  const text = price('input_mtok');
  // Pictures among the output have a price of their own and no count of their own: the sum cannot be known.
  if (text === null || output === null || price('output_image_mtok') !== null) return null;

  const read = Math.min(usage.cache_read_tokens ?? 0, total);
  const write = Math.min(usage.cache_write_tokens ?? 0, total - read);
  const hour = Math.min(usage.cache_write_1h_tokens ?? 0, write);
  let rest = total - read - write;
  const audio = Math.min(usage.input_audio_tokens ?? 0, rest);
  rest -= audio;
  const image = Math.min(usage.input_image_tokens ?? 0, rest);
  rest -= image;

  const writePrice = price('cache_write_mtok') ?? text;
  return {
    input:
      cost(rest, text) +
      cost(audio, price('input_audio_mtok') ?? text) +
      cost(image, price('input_image_mtok') ?? text),
    output,
    read: cost(read, price('cache_read_mtok') ?? text),
    write: cost(write - hour, writePrice) + cost(hour, price('cache_write_1h_mtok') ?? writePrice),
    other: rates.of.get('requests_kcount')?.base ?? 0n,
  };
}

function outputCost(usage: Usage, price: (...names: string[]) => bigint | null, inputOnly: boolean): bigint | null {
  const total = usage.output_tokens;
  const text = price('output_mtok');
  if (total === null) return inputOnly ? 0n : null;
  if (total === 0) return 0n;
  if (text === null) return null;
  const audio = Math.min(usage.output_audio_tokens ?? 0, total);
  const reasoning = Math.min(usage.reasoning_tokens ?? 0, total - audio);
  return (
    cost(total - audio - reasoning, text) +
    cost(audio, price('output_audio_mtok') ?? text) +
    cost(reasoning, price('output_reasoning_mtok') ?? text)
  );
}

function cost(tokens: number, price: bigint): bigint {
  return tokens === 0 ? 0n : BigInt(Math.trunc(tokens)) * price;
}

/** Half a nano-dollar and more is rounded up. */
function nano(amount: bigint, unit: bigint): bigint {
  return (amount + unit / 2n) / unit;
}

function written(id: string, tier: string | null, parts: Parts, percent: bigint): Price {
  const scaled = (part: bigint): bigint => nano(part * percent, TOKENS_TO_NANO * 100n);
  const input = scaled(parts.input);
  const output = scaled(parts.output);
  const read = scaled(parts.read);
  const write = scaled(parts.write);
  const other = nano(parts.other, KILO_TO_NANO);
  return {
    price_id: percent === 100n ? id : `${id}+${(tier ?? '').toLowerCase()}`,
    cost_usd: decimal(input + output + read + write + other),
    input_cost_usd: decimal(input),
    output_cost_usd: decimal(output),
    cache_read_cost_usd: decimal(read),
    cache_write_cost_usd: decimal(write),
    other_cost_usd: decimal(other),
  };
}

function decimal(nanos: bigint): string {
  const digits = nanos.toString().padStart(10, '0');
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`;
}
