/**
 * A provider's answer on its way to a client that speaks another dialect: the unified API is the one place where bytes are not
 * passed on as they came. The recorder gets those of the provider.
 */
import { now, type Attempt, type Call } from './call.ts';
import type { Capture } from './capture/capture.ts';
import { corsHeaders } from './origin.ts';
import { outcomeOf } from './outcome.ts';
import { unreachable } from './refusal.ts';
import { cutShort, decide, keptHeaders, ownHeaders, pace, passedHeaders, readsOn } from './relay.ts';
import type { Reply, Sink } from './upstream/exchange.ts';
import { triggerOf } from './upstream/trigger.ts';
import { UsageChunkFilter } from './stages/stream-usage.ts';
import type { ReplyTranslator } from './translate/translate.ts';

const noError = { type: '', message: '' };
/** Headers that say how the provider's own bytes are to be read. */
const ofTheBytes: ReadonlySet<string> = new Set([
  'content-length',
  'content-type',
  'content-encoding',
  'etag',
  'digest',
]);

/** As `relay`, through a translator. An answer that is no stream is sent when it is whole: it may still become an error. */
export function relayTranslated(
  call: Call,
  attempt: Attempt,
  { reply, translator, capture }: { reply: Reply; translator: ReplyTranslator; capture: Capture },
): Sink {
  const { outgoing } = call;
  const streams = translator.contentType.startsWith('text/event-stream');
  outgoing.sendDate = false;
  if (attempt !== call.attempts.at(-1)) call.answeredBy = attempt.index;
  capture.head(call, attempt, reply.status, keptHeaders([...passedHeaders(reply.headers)].flat()));
  attempt.outcome = outcomeOf(reply.status);
  const filter = call.usageAsked && streams ? new UsageChunkFilter() : null;
  const stalled = pace(call, reply);

  const head = (length: number | null): void => {
    const passed = [...passedHeaders(reply.headers)].filter(([name]) => !ofTheBytes.has(name.toLowerCase())).flat();
    const own = [...ownHeaders(call), ...corsHeaders(call.incoming)];
    const sized = length === null ? [] : ['content-length', String(length)];
    call.status = translator.status;
    outgoing.writeHead(translator.status, [...passed, 'content-type', translator.contentType, ...sized, ...own]);
  };
  const take = (bytes: Buffer): Buffer => {
    const passed = filter === null ? bytes : filter.feed(bytes);
    call.responseBytes += passed.length;
    return passed;
  };
  if (streams && !outgoing.destroyed) {
    head(null);
    outgoing.flushHeaders();
  }
  return {
    data(chunk) {
      if (outgoing.destroyed) {
        if (readsOn(call)) capture.responseBytes(call, chunk);
        return true;
      }
      const bytes = take(translator.feed(chunk));
      const ready = bytes.length === 0 || outgoing.write(bytes);
      capture.responseBytes(call, chunk);
      if (!ready) stalled();
      return ready;
    },
    end() {
      if (call.verdict !== null) return;
      const bytes = take(translator.end());
      const rest = filter?.end();
      call.warnings.push(...translator.warnings);
      attempt.endedAt ??= now();
      if (streams && !translator.whole) {
        if (bytes.length > 0) outgoing.write(bytes);
        return cutShort(call, attempt, new Error('the reply was not whole'), { inBand: 'sse', capture });
      }
      if (!streams && !outgoing.destroyed) head(bytes.length);
      decide(call, { outcome: outcomeOf(translator.status), error: noError }, capture);
      if (rest !== undefined) outgoing.write(rest);
      outgoing.end(bytes);
    },
    error(error) {
      if (call.verdict !== null) return;
      // Of an answer that is no stream nothing has gone out: the client hears what happened.
      if (!streams) {
        const { outcome, trigger, message } = triggerOf(error);
        Object.assign(attempt, { outcome, errorType: trigger, errorMessage: message });
        return unreachable(call, error, capture);
      }
      cutShort(call, attempt, error, { inBand: 'sse', capture });
    },
  };
}
