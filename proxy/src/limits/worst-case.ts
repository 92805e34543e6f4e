/**
 * The most that a call may come to, before it is sent: what is reserved of tokens and dollars until its usage is known. A token
 * is at least one byte of the body, so that the body's length bounds its tokens without counting them; the answer is bounded by
 * what the caller allows it. Where neither holds (files by reference, tools that the provider runs, pictures and speech that
 * come out), nothing is known, and the call takes whatever is left.
 */
import type { Call } from '../call.ts';
import type { Held } from './caller.ts';
import type { Operation } from '../providers/provider.ts';
import type { PriceBook } from '../prices/book.ts';
import { perRequest, tokenClasses } from '../prices/classes.ts';
import { PRICE_PLACES } from '../prices/decimal.ts';
import type { Rate } from '../prices/rule.ts';
import { findSeller } from '../prices/seller.ts';
import { findTariff, type Tariff } from '../prices/tariff.ts';
import { asObject, asText, jsonText, type JsonObject } from '../json/value.ts';

export interface WorstCase {
  /** Null: not bounded. */
  tokens: number | null;
  /** Billionths of a dollar. Null: not bounded. */
  nanos: number | null;
  /** The model has no known price: no sum can be held to. */
  unpriced: boolean;
}

/** What is not billed, or was before. */
const nothing: WorstCase = { tokens: 0, nanos: 0, unpriced: false };

/** Operations that answer with text, or with vectors, and are billed by tokens. */
const bounded: ReadonlySet<Operation> = new Set<Operation>([
  'chat',
  'responses',
  'messages',
  'generate_content',
  'completion',
  'embeddings',
]);
/** They only read or keep, whatever their method; what a finished batch cost comes with its lines. */
const free: ReadonlySet<Operation> = new Set<Operation>(['model_list', 'token_count', 'file', 'moderation', 'batch']);

/** What providers put around a conversation: roles, the declaration that there are tools. */
const around = 1_024;
/** OpenAI's costliest picture, of gpt-4o-mini in high detail (platform.openai.com/docs/guides/images-vision). */
const perPicture = 40_000;
/** What a model writes when nobody says how much: the longest answer that any of them gives. */
const longestAnswer = 128_000;
const mostChoices = 128;

/** Members by which a body says that more goes in than its bytes: files, earlier turns, tools of the provider's own. */
const elsewhere =
  /"(?:file_id|file_ids|file_uri|fileUri|file_url|previous_response_id|conversation|prompt|container|mcp_servers|vector_store_ids|cached_content|cachedContent)"\s*:/;
const ownTools =
  /"(?:web_search|web_search_preview|web_search_options|file_search|code_interpreter|computer_use_preview|image_generation|google_search|googleSearch|google_search_retrieval|googleSearchRetrieval|url_context|urlContext|code_execution|codeExecution|search_parameters|search_context_size|context_management|mcp|[a-z_]+_20\d{6})"/;
/** Answers that are no text are billed otherwise. */
const otherAnswers = /"(?:modalities|responseModalities|response_modalities|audio)"\s*:/;
const picture = /"(?:image_url|url)"\s*:\s*(?:\{[^}]{0,200})?"https?:/g;

export interface Question {
  call: Call;
  /** The body, whole; null where it was not held. */
  held: Held | null;
  provider: string;
  model: string;
  host: string;
}

/** @param book the prices in force. */
export function worstCase(question: Question, book: PriceBook): WorstCase {
  const { call, held } = question;
  const { operation, method } = call;
  if (free.has(operation) || method === 'GET' || method === 'HEAD' || method === 'DELETE' || method === 'OPTIONS') {
    return nothing;
  }
  const ordinary = dearestFor(question, null, book);
  const unbounded: WorstCase = { tokens: null, nanos: null, unpriced: ordinary === null };
  if (!bounded.has(operation) || held === null || held.root === null) return unbounded;
  const { root, bytes, text: written } = held;
  // A name may be written with escapes.
  const text = written.includes('\\u') ? jsonText(root) : written;
  if (text === null) return unbounded;
  // In a completion `prompt` is the text itself.
  const more = elsewhere.exec(operation === 'completion' ? text.replaceAll('"prompt"', '""') : text);
  if (more !== null || ownTools.test(text) || otherAnswers.test(text)) return unbounded;
  const input = bytes.length + around + perPicture * (text.match(picture)?.length ?? 0);
  const output = operation === 'embeddings' ? 0 : longestOutput(root);
  const tier = asText(root['service_tier']) ?? asText(root['serviceTier']);
  const price = tier === null ? ordinary : dearestFor(question, tier, book);
  if (price === null) return { tokens: input + output, nanos: null, unpriced: true };
  // Each token at the dearest price of its side: which of them are cached, said or thought is known afterwards.
  const nanos = Math.ceil((input * price.input + output * price.output + price.fee) / perNano);
  return { tokens: input + output, nanos, unpriced: false };
}

/** The most of two: where nobody can bound one of them, nobody can bound both. */
export function dearer(one: WorstCase, other: WorstCase): WorstCase {
  const most = (a: number | null, b: number | null): number | null =>
    a === null || b === null ? null : Math.max(a, b);
  return {
    tokens: most(one.tokens, other.tokens),
    nanos: most(one.nanos, other.nanos),
    unpriced: one.unpriced || other.unpriced,
  };
}

/** So many attempts that may all be billed. */
export function times({ tokens, nanos, unpriced }: WorstCase, shares: number): WorstCase {
  return { tokens: tokens && tokens * shares, nanos: nanos && nanos * shares, unpriced };
}

/** As much as the caller allows, for each of the answers that are wanted. */
function longestOutput(root: JsonObject): number {
  const config = asObject(root['generationConfig']) ?? asObject(root['inferenceConfig']) ?? asObject(root['options']);
  // Which of them counts, each provider says for itself.
  const allowed = [
    root['max_completion_tokens'],
    root['max_output_tokens'],
    root['max_tokens'],
    config?.['maxOutputTokens'],
    config?.['maxTokens'],
    config?.['num_predict'],
  ].filter(isCount);
  const choices = [root['n'], root['best_of'], config?.['candidateCount']].filter(isCount);
  return (allowed.length === 0 ? longestAnswer : Math.max(...allowed)) * Math.min(mostChoices, Math.max(1, ...choices));
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value <= 1e9;
}

/** The dearest that a tariff has, in dollars × 10⁻¹²: for a token of each side, and for the request as such. */
interface Dearest {
  input: number;
  output: number;
  fee: number;
}

/** Tariffs are the same object for a second: nothing of them is added up for each call. */
const dearestOf = new WeakMap<Tariff, Dearest | null>();

/** Null where no price of the model is known. */
function dearestFor(
  { provider: name, model, host }: Question,
  serviceTier: string | null,
  book: PriceBook,
): Dearest | null {
  const provider = findSeller(name);
  if (provider === null) return null;
  const tariff = findTariff({ provider, models: [model], host, at: new Date(), serviceTier }, book);
  if (tariff === null) return null;
  let dearest = dearestOf.get(tariff);
  if (dearest === undefined) {
    dearest = readDearest(tariff);
    dearestOf.set(tariff, dearest);
  }
  return dearest;
}

/** What a tool costs is known of models that nobody has a price of. */
const toolPrice = /^(?:(?:preview_)?web_searches|storage_searches|social_searches|grounded_prompts)_kcount$/;

function readDearest({ rates, factor }: Tariff): Dearest | null {
  if ([...rates.keys()].every((name) => toolPrice.test(name))) return null;
  const times = Number(factor.by) / Number(factor.of);
  const most = (side: 'input' | 'output'): number =>
    Math.max(
      0,
      ...tokenClasses
        .filter((name) => name.startsWith('output') === (side === 'output') && !/audio|image|video/.test(name))
        .map((name) => highest(rates.get(name))),
    );
  return {
    input: (most('input') * times) / 1e6,
    output: (most('output') * times) / 1e6,
    fee: highest(rates.get(perRequest)) / 1e3,
  };
}

function highest(rate: Rate | undefined): number {
  if (rate === undefined) return 0;
  return Number(
    [rate.base, ...rate.tiers.map(({ price }) => price)].reduce((one, other) => (one > other ? one : other)),
  );
}

/** Prices are 10⁻¹² USD. */
const perNano = 10 ** (PRICE_PLACES - 9);
