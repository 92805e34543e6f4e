/**
 * What has a price: names and units of github.com/pydantic/genai-prices, the list that is built in, so that an entry of
 * one's own reads like an entry of the list; and two that it has no name for.
 */

/** Classes of tokens, in USD for a million. */
export const tokenClasses = [
  'input_mtok',
  'input_audio_mtok',
  'input_image_mtok',
  'input_video_mtok',
  'cache_read_mtok',
  'cache_audio_read_mtok',
  'cache_image_read_mtok',
  'cache_write_mtok',
  'cache_write_1h_mtok',
  'output_mtok',
  'output_reasoning_mtok',
  'output_audio_mtok',
  'output_image_mtok',
] as const;
export type TokenClass = (typeof tokenClasses)[number];

/** What is charged beside the tokens: the name of its count in `units`, its price's class, and how many the price is for. */
interface Charge {
  readonly class: string;
  readonly also?: string;
  readonly per: bigint;
  /** Counted by a provider also where it charges nothing for it: without a price it costs nothing. */
  readonly incidental?: true;
  /** Counted also where the call's tokens are what is charged. */
  readonly orTokens?: true;
}

export const charges: Readonly<Record<string, Charge>> = {
  web_searches: { class: 'web_searches_kcount', per: 1000n },
  /** By an earlier tool of OpenAI's, which costs more with some models. */
  preview_web_searches: { class: 'preview_web_searches_kcount', also: 'web_searches_kcount', per: 1000n },
  /** One prompt that was answered with results of a search, however many searches that took (Gemini 2). */
  grounded_prompts: { class: 'grounded_prompts_kcount', per: 1000n },
  storage_searches: { class: 'storage_searches_kcount', per: 1000n },
  social_searches: { class: 'social_searches_kcount', per: 1000n },
  rerank_searches: { class: 'rerank_searches_kcount', per: 1000n },
  images: { class: 'images_kcount', per: 1000n, orTokens: true },
  audio_seconds: { class: 'audio_hours', also: 'input_audio_hours', per: 3600n },
  output_audio_seconds: { class: 'output_audio_hours', per: 3600n },
  input_characters: { class: 'input_mchars', per: 1_000_000n },
  input_document_pages: { class: 'input_document_kpages', per: 1000n },
  input_annotated_document_pages: { class: 'input_annotated_document_kpages', per: 1000n },
  output_citation_tokens: { class: 'output_citation_mtok', per: 1_000_000n, incidental: true },
};

/** The price of a request as such, in USD for a thousand. */
export const perRequest = 'requests_kcount';

/** Every class that an entry may name. */
export const priceClasses: ReadonlySet<string> = new Set<string>([
  ...tokenClasses,
  perRequest,
  ...Object.values(charges).flatMap((charge) => [charge.class, ...(charge.also === undefined ? [] : [charge.also])]),
]);
