/** Usage and cost of a call that was read: the provider's own figures, or an estimate that says so. */
import type { EndNote } from '../capture/notes.ts';
import { estimateInput } from '../estimate/input.ts';
import { estimateTokens } from '../estimate/text.ts';
import type { Operation, Provider, Usage } from '../providers/provider.ts';
import type { PriceBook } from '../prices/book.ts';
import { plausible, plausibleUnits, priceCall, TOKEN_OPERATIONS } from '../prices/price.ts';
import { knownUsage } from '../providers/facts.ts';
import type { CountedReplies } from './counted.ts';
import type { ReadCall } from './reading.ts';
import type { Measured } from './rows.ts';

const countedOperations: ReadonlySet<string> = new Set(TOKEN_OPERATIONS);

/** What a call is measured by: both change as the recorder runs. */
export interface Measures {
  /** The prices in force. */
  readonly book: PriceBook;
  readonly counted: CountedReplies;
}

export function measure(provider: Provider, read: ReadCall, end: EndNote, { book, counted }: Measures): Measured {
  const found = findUsage(read, end);
  const usage = found.usage === null ? null : knownUsage(plausible(found.usage));
  const source = usage === null ? 'none' : found.source;
  const { row } = read.start;
  const units = plausibleUnits(read.reply?.units ?? {});
  if (!isBilled(read, usage, counted)) return { usage, units, source, cost: null };
  const last = end.attempts[end.answered ?? end.attempts.length - 1];
  // Where the caller says another model than its body, that is no way to a lower price of one that answered.
  const asked = read.start.model ?? last?.model ?? read.request.model ?? row.request_model;
  const call = {
    provider: provider.name,
    model: read.reply?.model ?? asked,
    asked,
    usage,
    units,
    at: new Date(row.started_at / 1000),
    serviceTier: read.reply?.serviceTier ?? read.request.serviceTier,
    operation: row.operation as Operation,
    host: last?.host ?? row.host,
    // What was told before the end is not the whole.
    reportedCostUsd: source === 'estimated' ? null : read.reply?.reportedCostUsd,
  };
  return { usage, units, source, cost: priceCall(call, book) };
}

/**
 * A stored reply that is fetched again tells its usage again; it was billed when it was made. Where the provider went on after
 * the call that asked for it, the first call that hears its usage counts it.
 */
function isBilled({ reply, made }: ReadCall, usage: Usage | null, counted: CountedReplies): boolean {
  const id = reply?.replyId ?? null;
  if (reply?.background === true && usage !== null && id !== null) return counted.first(id);
  return made;
}

function findUsage(read: ReadCall, end: EndNote): { usage: Usage | null; source: Measured['source'] } {
  const { reply } = read;
  const reported = reply?.usage ?? null;
  // A stream that was left before its end has told its input, perhaps, but not what it went on to write.
  const unfinished = reply !== null && !reply.complete && end.row.outcome !== 'ok';
  if (reported !== null && !unfinished) return { usage: reported, source: 'provider' };
  const status = end.row.status ?? 0;
  const answered = reply !== null && status >= 200 && status < 400 && reply.error === null;
  // Of a line of a batch only the answer was seen.
  const asked = read.made && end.attempts.length > 0 && !reply?.background;
  if (!answered || !asked || !countedOperations.has(read.start.row.operation)) {
    return { usage: reported, source: reported === null ? 'none' : 'provider' };
  }
  const model = reply.model ?? read.request.model ?? '';
  const output = read.start.row.operation === 'embeddings' ? null : estimateTokens(reply.text, model);
  return {
    usage: {
      input_tokens:
        reported?.input_tokens ?? estimateInput(read.requestBody?.bytes() ?? null, read.requestText(), model),
      output_tokens: output === null ? null : Math.max(output, reported?.output_tokens ?? 0),
      cache_read_tokens: reported?.cache_read_tokens ?? null,
      cache_write_tokens: reported?.cache_write_tokens ?? null,
      cache_write_1h_tokens: reported?.cache_write_1h_tokens ?? null,
      reasoning_tokens: reported?.reasoning_tokens ?? null,
      input_audio_tokens: reported?.input_audio_tokens ?? null,
      output_audio_tokens: reported?.output_audio_tokens ?? null,
      input_image_tokens: reported?.input_image_tokens ?? null,
    },
    source: 'estimated',
  };
}
