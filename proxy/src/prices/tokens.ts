/** Tokens × prices. Each token is charged once, at the price of its own class. */
import type { Units, Usage } from '../providers/provider.ts';
import { charges, perRequest } from './classes.ts';
import { rateFor } from './list.ts';
import type { Rate } from './rule.ts';
import type { Tariff } from './tariff.ts';

/** Costs of the token classes in 10⁻¹⁸ USD, before tier and discount. */
export interface TokenCosts {
  readonly input: bigint;
  readonly output: bigint;
  readonly read: bigint;
  readonly write: bigint;
}

type Find = (name: string) => bigint | null;

export const NOTHING: TokenCosts = { input: 0n, output: 0n, read: 0n, write: 0n };

/** Price of a class for a request of so many input tokens. */
function finder(rates: ReadonlyMap<string, Rate>, inputTokens: number): Find {
  return (name) => {
    const rate = rates.get(name);
    return rate === undefined ? null : rateFor(rate, inputTokens);
  };
}

/** `null` when a count or a price is unknown. @param inputOnly nothing comes out but vectors, scores, verdicts. */
export function tokenCosts(rates: Tariff['rates'], usage: Usage, units: Units, inputOnly: boolean): TokenCosts | null {
  const total = usage.input_tokens;
  if (total === null) return null;
  const price = finder(rates, total);
  const input = inputCosts(usage, total, units, price);
  const output = outputCost(usage, units, price, inputOnly);
  return input === null || output === null ? null : { ...input, output };
}

function inputCosts(usage: Usage, total: number, units: Units, price: Find): Omit<TokenCosts, 'output'> | null {
  if (total === 0) return { input: 0n, read: 0n, write: 0n };
  const text = price('input_mtok');
  if (text === null) return null;
  const read = Math.min(usage.cache_read_tokens ?? 0, total);
  const write = Math.min(usage.cache_write_tokens ?? 0, total - read);
  const hour = Math.min(usage.cache_write_1h_tokens ?? 0, write);
  let rest = total - read - write;
  /** What of a kind was not read from the cache, as far as there is room for it. */
  const take = (all: number | null | undefined, cached: number): number => {
    const fresh = Math.min(Math.max(0, (all ?? 0) - cached), rest);
    rest -= fresh;
    return fresh;
  };
  const cached = cachedKinds(usage, units, read, price);
  if (cached === null) return null;
  const audio = take(usage.input_audio_tokens, cached.audio);
  const image = take(usage.input_image_tokens, cached.image);
  const video = take(units['input_video_tokens'], 0);
  const audioPrice = price('input_audio_mtok') ?? (price('output_audio_mtok') === null ? text : null);
  const readPrice = price('cache_read_mtok') ?? text;
  const writePrice = price('cache_write_mtok') ?? text;
  // Kept for an hour costs more than for five minutes: where only the shorter one has a price, this one is unknown.
  const hourPrice = price('cache_write_1h_mtok') ?? (price('cache_write_mtok') === null ? text : null);
  return sums({
    input: [
      [rest, text],
      [audio, audioPrice],
      [image, price('input_image_mtok') ?? text],
      [video, price('input_video_mtok') ?? text],
    ],
    read: [
      [read - cached.audio - cached.image, readPrice],
      [cached.audio, price('cache_audio_read_mtok') ?? readPrice],
      [cached.image, price('cache_image_read_mtok') ?? readPrice],
    ],
    write: [
      [write - hour, writePrice],
      [hour, hourPrice],
    ],
  });
}

/** Of the cached tokens those of sound and pictures; `null` when it matters and is not known. */
function cachedKinds(usage: Usage, units: Units, read: number, price: Find): { audio: number; image: number } | null {
  if (read === 0) return { audio: 0, image: 0 };
  const readPrice = price('cache_read_mtok');
  const kind = (cached: number | undefined, all: number | null, name: string, room: number): number | null => {
    if (cached !== undefined) return Math.min(cached, room);
    const own = price(name);
    return own === null || own === readPrice || (all ?? 0) === 0 ? 0 : null;
  };
  const audio = kind(units['cache_read_audio_tokens'], usage.input_audio_tokens, 'cache_audio_read_mtok', read);
  if (audio === null) return null;
  const image = kind(units['cache_read_image_tokens'], usage.input_image_tokens, 'cache_image_read_mtok', read - audio);
  return image === null ? null : { audio, image };
}

function outputCost(usage: Usage, units: Units, price: Find, inputOnly: boolean): bigint | null {
  const total = usage.output_tokens;
  if (total === null) return inputOnly ? 0n : null;
  if (total === 0) return 0n;
  const text = price('output_mtok');
  const imagePrice = price('output_image_mtok');
  const pictures = units['output_image_tokens'];
  // Pictures have a price of their own here, and nobody said how many of the tokens they are.
  if (text === null || (imagePrice !== null && pictures === undefined)) return null;
  const audio = Math.min(usage.output_audio_tokens ?? 0, total);
  const image = Math.min(pictures ?? 0, total - audio);
  const reasoning = Math.min(usage.reasoning_tokens ?? 0, total - audio - image);
  const audioPrice = price('output_audio_mtok') ?? (price('input_audio_mtok') === null ? text : null);
  return sum([
    [total - audio - image - reasoning, text],
    [audio, audioPrice],
    [image, imagePrice ?? text],
    [reasoning, price('output_reasoning_mtok') ?? text],
  ]);
}

type Counted = readonly (readonly [tokens: number, price: bigint | null])[];

/** `null` when there are tokens whose price is unknown. */
function sum(parts: Counted): bigint | null {
  let total = 0n;
  for (const [tokens, price] of parts) {
    if (tokens === 0) continue;
    if (price === null) return null;
    total += BigInt(tokens) * price;
  }
  return total;
}

function sums<Name extends string>(parts: Record<Name, Counted>): Record<Name, bigint> | null {
  const found = {} as Record<Name, bigint>;
  for (const name of Object.keys(parts) as Name[]) {
    const cost = sum(parts[name]);
    if (cost === null) return null;
    found[name] = cost;
  }
  return found;
}

/** Units are counted in millionths; every `per` divides this. */
const MILLION = 1_000_000n;
const COMMON = 9_000_000n;
/** What {@link chargeCosts} has to be divided by to be nano-dollars. */
export const CHARGE_UNIT = 1000n * MILLION * COMMON;

/** What the call was charged for beside its tokens; `null` when something was used whose price is unknown. */
export function chargeCosts({ rates, least }: Tariff, units: Units, usage: Usage | null): bigint | null {
  const price = finder(rates, usage?.input_tokens ?? 0);
  let total = (price(perRequest) ?? 0n) * MILLION * (COMMON / 1000n);
  for (const [name, count] of Object.entries(units)) {
    const charge = Object.hasOwn(charges, name) ? charges[name] : undefined;
    if (charge === undefined || count <= 0) continue;
    const each = price(charge.class) ?? (charge.also === undefined ? null : price(charge.also));
    if (each === null) {
      if (charge.incidental === true || (charge.orTokens === true && usage !== null)) continue;
      return null;
    }
    const charged = Math.max(count, least.get(name) ?? 0);
    total += BigInt(Math.round(charged * 1e6)) * each * (COMMON / charge.per);
  }
  return total;
}
