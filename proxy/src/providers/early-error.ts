/** An error that a provider tells inside a reply of status 200, before anything of the answer itself. */
import { asObject, asText, parseJson } from '../json/value.ts';
import { SseReader } from '../sse.ts';
import type { Reader, ReplyFacts } from './provider.ts';

export interface InsideError {
  /** As the provider names it: `overloaded_error`, `429`; '' where it does not. */
  type: string;
  message: string;
}

/** What is kept of a word or a sentence, characters. */
const longest = 1_024;

/** Reads the beginning of a stream of events: until its first content, or an error. */
export class EarlyEvents {
  error: InsideError | null = null;
  readonly #events = new SseReader({
    event: (name, data) => {
      this.error ??= insideError(data, name === 'error');
    },
    longEvent: () => ({ feed: () => undefined, end: () => undefined }),
  });

  /** @param reader of the dialect that the stream is in. */
  constructor(private readonly reader: Reader<ReplyFacts>) {}

  /** @returns whether it is known how the reply begins. */
  feed(chunk: Buffer): boolean {
    this.#events.feed(chunk);
    this.reader.feed(chunk);
    return this.error !== null || this.reader.sawContent;
  }
}

/** The error in a JSON text: a whole reply, or the data of one event. @param named the event itself says that it is one. */
export function insideError(text: string, named = false): InsideError | null {
  const root = asObject(parseJson(text)?.value);
  if (root === null) return named ? { type: '', message: '' } : null;
  const failed = asObject(root['response'])?.['error'] ?? root['error'];
  const error = asObject(failed);
  // Of a job that has not failed some have an error whose members are all null.
  if (error !== null && Object.values(error).some((value) => value !== null)) {
    return {
      type: wordOf(error['type']) ?? wordOf(error['code']) ?? wordOf(error['status']) ?? '',
      message: wordOf(error['message']) ?? '',
    };
  }
  if (typeof failed === 'string' && failed !== '')
    return { type: wordOf(root['code']) ?? '', message: failed.slice(0, longest) };
  if (!named && root['type'] !== 'error') return null;
  return { type: wordOf(root['code']) ?? '', message: wordOf(root['message']) ?? '' };
}

function wordOf(value: unknown): string | null {
  return typeof value === 'number' ? String(value) : (asText(value)?.slice(0, longest) ?? null);
}
