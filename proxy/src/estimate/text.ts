/**
 * Counts tokens where a provider reported none. The tokenisers load on first use (half a second, 90 MB), so a program
 * whose providers all report usage never pays for them.
 */
import { createRequire } from 'node:module';
import type { Tiktoken } from 'tiktoken';
import type { TextSample } from '../providers/provider.ts';

export type Encoding = 'o200k_base' | 'cl100k_base';

/**
 * Encoders take time that is quadratic in the bytes of a run of letters, of white space or of signs. Runs of more than
 * about 256 bytes are cut: 256 characters, or 64 of those that take several bytes each.
 */
const LONG_RUN = new RegExp(
  [
    '(?:(?![\\x00-\\x7f])[\\p{L}\\p{M}]){65,}',
    '(?:(?![\\x00-\\x7f])[^\\s\\p{L}\\p{M}\\p{N}]){65,}',
    '[\\p{L}\\p{M}]{257,}',
    '\\s{257,}',
    '[^\\s\\p{L}\\p{M}\\p{N}]{257,}',
  ].join('|'),
  'gu',
);
const WIDE = /[^\x00-\x7f]/;
const SLICE = /[\s\S]{1,256}/gu;
const WIDE_SLICE = /[\s\S]{1,64}/gu;

/** Models before GPT-4o: github.com/openai/tiktoken, `model.py`. Every other vendor's models are counted with the newer one. */
const OLDER = /(?:^|\/)(?:gpt-4(?!o|\.)|gpt-3\.5|gpt-35|text-embedding-|davinci-002|babbage-002)/;

const loaded = new Map<Encoding, Tiktoken>();

/** The encoding by which a model is counted. */
export function encodingOf(model: string | null): Encoding {
  return model !== null && OLDER.test(model) ? 'cl100k_base' : 'o200k_base';
}

/** An estimate of the text's tokens. Of a text longer than the sample keeps, the rest is taken to be like it. */
export function estimateTokens(text: TextSample, model: string | null): number {
  if (text.characters === 0 || text.kept === '') return 0;
  const counted = countTokens(text.kept, encodingOf(model));
  if (text.characters <= text.kept.length) return counted;
  return Math.round((counted * text.characters) / text.kept.length);
}

/** Counts a text; special tokens are plain text, and no text takes more than linear time. */
export function countTokens(text: string, encoding: Encoding): number {
  const encoder = load(encoding);
  let count = 0;
  let from = 0;
  for (const run of text.matchAll(LONG_RUN)) {
    if (run.index > from) count += encoder.encode(text.slice(from, run.index), [], []).length;
    for (const slice of run[0].match(WIDE.test(run[0]) ? WIDE_SLICE : SLICE) ?? [])
      count += encoder.encode(slice, [], []).length;
    from = run.index + run[0].length;
  }
  if (from < text.length) count += encoder.encode(from === 0 ? text : text.slice(from), [], []).length;
  return count;
}

function load(encoding: Encoding): Tiktoken {
  const known = loaded.get(encoding);
  if (known !== undefined) return known;
  const { get_encoding: getEncoding } = createRequire(import.meta.url)('tiktoken') as typeof import('tiktoken');
  const encoder = getEncoding(encoding);
  loaded.set(encoding, encoder);
  return encoder;
}
