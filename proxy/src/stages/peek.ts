/**
 * Looks at the beginning of a reply of status 200 before it is passed on: an error that comes before any content may still be
 * answered with another attempt. Until then nothing has gone to the client.
 */
import { EarlyEvents, insideError, type InsideError } from '../providers/early-error.ts';
import type { Operation, Provider, ReplyContext } from '../providers/provider.ts';
import { rawHeader } from '../relay.ts';
import type { Reply, Sink } from '../upstream/exchange.ts';

/** A beginning that is longer is no error. */
const mostBytes = 65_536;
/** Nor is one that goes on for so long: a client may wait for a sign of life. Of a document only its end says anything. */
const mostMs = 10_000;

export interface Peeked {
  /** It begins with an error. @returns whether another attempt is made: then nothing more is asked of it. */
  failed: (error: InsideError) => boolean;
  /** It ended before it was known how it begins. @returns as `failed`. */
  broke: (error: Error) => boolean;
  /** It is passed on. */
  commit: () => Sink;
}

/** Operations whose events a reader knows: of others nobody can say where an answer begins. */
const read: ReadonlySet<Operation> = new Set<Operation>([
  'chat',
  'responses',
  'messages',
  'generate_content',
  'completion',
]);

/** Whether anything can be seen in it: events or JSON, uncompressed, and not too long. What is only fetched tells of the past. */
export function canPeek(
  { status, headers }: Reply,
  { method, operation }: { method: string; operation: Operation },
): boolean {
  if (status !== 200 || method !== 'POST') return false;
  if (kindOf(headers) === 'events' && !read.has(operation)) return false;
  const encoding = rawHeader(headers, 'content-encoding') ?? 'identity';
  const length = Number(rawHeader(headers, 'content-length') ?? 0);
  return encoding.toLowerCase() === 'identity' && length <= mostBytes && kindOf(headers) !== null;
}

function kindOf(headers: readonly string[]): 'events' | 'json' | null {
  const type = rawHeader(headers, 'content-type') ?? '';
  if (/^text\/event-stream\b/i.test(type)) return 'events';
  return /^application\/json\b/i.test(type) ? 'json' : null;
}

/** @param context how the reply is read. */
export function peek(reply: Reply, provider: Provider, context: ReplyContext, { failed, broke, commit }: Peeked): Sink {
  const events = kindOf(reply.headers) === 'events' ? new EarlyEvents(provider.dialect.replyReader(context)) : null;
  const held: Buffer[] = [];
  let length = 0;
  /** What takes the reply once it is passed on. */
  let inner: Sink | null = null;
  let dropped = false;
  let ready = true;
  const passOn = (): Sink => {
    clearTimeout(timer);
    inner = commit();
    for (const chunk of held.splice(0)) ready = inner.data(chunk);
    return inner;
  };
  const timer = events === null ? undefined : setTimeout(passOn, mostMs);
  return {
    data(chunk) {
      if (dropped) return true;
      if (inner !== null) return inner.data(chunk);
      held.push(chunk);
      length += chunk.length;
      const known = events?.feed(chunk) ?? false;
      if (known && events?.error != null) {
        // Giving it up ends it: that is heard before this returns.
        dropped = true;
        dropped = failed(events.error);
        if (dropped) clearTimeout(timer);
      }
      if (!dropped && (known || length > mostBytes)) passOn();
      return ready;
    },
    end(trailers) {
      if (dropped) return;
      if (inner === null && events === null) {
        const error = insideError(Buffer.concat(held).toString());
        dropped = error !== null;
        if (error !== null && failed(error)) return;
        dropped = false;
      }
      (inner ?? passOn()).end(trailers);
    },
    error(error) {
      if (dropped) return;
      clearTimeout(timer);
      if (inner === null && broke(error)) return;
      (inner ?? passOn()).error(error);
    },
  };
}
