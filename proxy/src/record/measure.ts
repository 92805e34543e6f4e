/** Usage and cost of a call that was read: the provider's own figures, or an estimate that says so. */
import type { EndNote } from '../capture/notes.ts';
import { estimateInput } from '../estimate/input.ts';
import { estimateTokens } from '../estimate/text.ts';
import type { Operation, Provider, Usage } from '../providers/provider.ts';
import type { CountedReplies } from './counted.ts';
import { priceCall } from './price.ts';
import type { ReadCall } from './reading.ts';
import type { Measured } from './rows.ts';

/** Operations that a provider bills by tokens, so that a reply without usage is worth an estimate. */
const countedOperations = new Set<string>([
  'chat',
  'responses',
  'messages',
  'generate_content',
  'completion',
  'embeddings',
] satisfies Operation[]);

export function measure(provider: Provider, read: ReadCall, end: EndNote, counted: CountedReplies): Measured {
  const { usage, source } = findUsage(read, end);
  const model = read.reply?.model ?? read.request.model ?? read.start.row.request_model;
  const asked = read.request.model ?? read.start.row.request_model;
  const price = (name: string): ReturnType<typeof priceCall> =>
    name === '' || usage === null
      ? null
      : priceCall({
          provider: provider.name,
          model: name,
          usage,
          at: new Date(read.start.row.started_at / 1000),
          serviceTier: read.reply?.serviceTier ?? read.request.serviceTier,
          operation: read.start.row.operation as Operation,
        });
  if (!isBilled(read, usage, counted)) return { usage, source, cost: null };
  return { usage, source, cost: price(model) ?? (asked === model ? null : price(asked)) };
}

/**
 * A stored reply that is fetched again tells its usage again; it was billed when it was made. Where the provider went on after
 * the call that asked for it, the first call that hears its usage counts it.
 */
function isBilled({ reply, start }: ReadCall, usage: Usage | null, counted: CountedReplies): boolean {
  const id = reply?.replyId ?? null;
  if (reply?.background === true && usage !== null && id !== null) return counted.first(id);
  return start.row.method === 'POST';
}

function findUsage(read: ReadCall, end: EndNote): { usage: Usage | null; source: Measured['source'] } {
  const { reply } = read;
  const reported = reply?.usage ?? null;
  // A stream that was left before its end has told its input, perhaps, but not what it went on to write.
  const unfinished = reply !== null && !reply.complete && end.row.outcome !== 'ok';
  if (reported !== null && !unfinished) return { usage: reported, source: 'provider' };
  const answered = reply !== null && end.row.status !== null && end.row.status < 400 && reply.error === null;
  const asked = read.start.row.method === 'POST' && !reply?.background;
  if (!answered || !asked || !countedOperations.has(read.start.row.operation)) {
    return { usage: reported, source: reported === null ? 'none' : 'provider' };
  }
  const model = reply.model ?? read.request.model ?? '';
  const output = read.start.row.operation === 'embeddings' ? null : estimateTokens(reply.text, model);
  return {
    usage: {
      input_tokens: reported?.input_tokens ?? estimateInput(read.requestBody?.bytes() ?? null, read.request.text, model),
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
