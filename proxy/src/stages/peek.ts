/**
 * Looks at the beginning of a reply of status 200 before it is passed on: an error that comes before any content may still be
 * answered with another attempt. Until then nothing has gone to the client.
 */
import { EarlyEvents, insideError, type InsideError } from '../providers/early-error.ts';
import type { Provider, ReplyContext } from '../providers/provider.ts';
import { rawHeader } from '../relay.ts';
import type { Reply, Sink } from './send.ts';

/** A beginning that is longer is no error. */
const mostBytes = 65_536;

export interface Peeked {
  /** It begins with an error. @returns whether another attempt is made: then nothing more is asked of it. */
  failed: (error: InsideError) => boolean;
  /** It ended before it was known how it begins. @returns as `failed`. */
  broke: (error: Error) => boolean;
  /** It is passed on. */
  commit: () => Sink;
}

/** Whether anything can be seen in it: events or JSON, uncompressed, and not too long. */
export function canPeek({ status, headers }: Reply): boolean {
  if (status !== 200) return false;
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
  const passOn = (): Sink => {
    inner = commit();
    for (const chunk of held.splice(0)) inner.data(chunk);
    return inner;
  };
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
      }
      if (!dropped && (known || length > mostBytes)) passOn();
      return true;
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
      if (inner === null && broke(error)) return;
      (inner ?? passOn()).error(error);
    },
  };
}
