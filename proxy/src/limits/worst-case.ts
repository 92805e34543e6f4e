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
const elsewhereNames =
  'file_id|file_ids|file_uri|fileUri|file_url|previous_response_id|conversation|prompt|container|mcp_servers|vector_store_ids|cached_content|cachedContent';
const toolNames =
  'web_search|web_search_preview|web_search_options|file_search|code_interpreter|computer_use_preview|image_generation|google_search|googleSearch|google_search_retrieval|googleSearchRetrieval|url_context|urlContext|code_execution|codeExecution|search_parameters|search_context_size|context_management|mcp';
/** Answers that are no text are billed otherwise. */
const answerNames = 'modalities|responseModalities|response_modalities|audio';
const pictureNames = 'image_url|url';
const elsewhere = new RegExp(`"(?:${elsewhereNames})"\\s*:`);
const ownTools = new RegExp(`"(?:${toolNames}|[a-z_]+_20\\d{6})"`);
const otherAnswers = new RegExp(`"(?:${answerNames})"\\s*:`);
const picture = new RegExp(`"(?:${pictureNames})"\\s*:\\s*(?:\\{[^}]{0,200})?"https?:`, 'g');
/** Whatever any of these finds has one of their names in it: most bodies have none, and are looked through once. */
const remarkable = new RegExp(`"(?:${elsewhereNames}|${toolNames}|${answerNames}|${pictureNames})"|_20\\d{6}"`);

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
  const input = held === null || !bounded.has(operation) ? null : mostInput(held, operation);
  const root = held?.root ?? null;
  if (input === null || root === null)
    return { tokens: null, nanos: null, unpriced: dearestFor(question, null, book) === null };
  const output = operation === 'embeddings' ? 0 : longestOutput(root);
  const tier = asText(root['service_tier']) ?? asText(root['serviceTier']);
  const price = dearestFor(question, tier, book);
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

/** Tokens that go in at most; null where the body does not say it. */
function mostInput({ root, bytes, text: written }: Held, operation: Operation): number | null {
  if (root === null) return null;
  // A name may be written with escapes.
  const text = written.includes('\\u') ? jsonText(root) : written;
  if (text === null) return null;
  const most = bytes.length + around;
  if (!remarkable.test(text)) return most;
  // In a completion `prompt` is the text itself.
  const more = elsewhere.test(operation === 'completion' ? text.replaceAll('"prompt"', '""') : text);
  if (more || ownTools.test(text) || otherAnswers.test(text)) return null;
  return most + perPicture * (text.match(picture)?.length ?? 0);
}

/** As much as the caller allows, for each of the answers that are wanted. */
function longestOutput(root: JsonObject): number {
  const config = asObject(root['generationConfig']) ?? asObject(root['inferenceConfig']) ?? asObject(root['options']);
  // Which of them counts, each provider says for itself.
  const allowed = mostOf(
    root['max_completion_tokens'],
    root['max_output_tokens'],
    root['max_tokens'],
    config?.['maxOutputTokens'],
    config?.['maxTokens'],
    config?.['num_predict'],
  );
  const choices = mostOf(root['n'], root['best_of'], config?.['candidateCount']) ?? 1;
  return (allowed ?? longestAnswer) * Math.min(mostChoices, Math.max(1, choices));
}

/** The largest count among some values; null where none is one. */
function mostOf(...values: readonly unknown[]): number | null {
  let most: number | null = null;
  for (const value of values) if (isCount(value)) most = Math.max(most ?? 0, value);
  return most;
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

/** What was found of a model. */
interface Found {
  provider: string;
  host: string;
  tier: string | null;
  dearest: Dearest | null;
}

/** Names come from callers, so what is remembered of one second has to be bounded. */
const mostRemembered = 4096;
/** By model. Prices begin and end on whole seconds: what was found holds for the rest of its second. */
let remembered = { second: 0, book: null as PriceBook | null, size: 0, byModel: new Map<string, Found[]>() };

/** Null where no price of the model is known. */
function dearestFor({ provider, model, host }: Question, tier: string | null, book: PriceBook): Dearest | null {
  const now = Date.now();
  const second = Math.floor(now / 1000);
  if (remembered.second !== second || remembered.book !== book || remembered.size >= mostRemembered)
    remembered = { second, book, size: 0, byModel: new Map() };
  let ofModel = remembered.byModel.get(model);
  if (ofModel === undefined) remembered.byModel.set(model, (ofModel = []));
  for (const found of ofModel)
    if (found.provider === provider && found.host === host && found.tier === tier) return found.dearest;
  const seller = findSeller(provider);
  const query = { models: [model], host, at: new Date(now), serviceTier: tier };
  const tariff = seller === null ? null : findTariff({ provider: seller, ...query }, book);
  const dearest = tariff === null ? null : readDearest(tariff);
  ofModel.push({ provider, host, tier, dearest });
  remembered.size++;
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
