/** An answer that is not passed on, or not yet: held, up to a limit, so that it can be read, and sent after all. */
import type { Reply, Sink } from '../upstream/exchange.ts';

/** Errors are short. Of one that is not, enough has been seen. */
const mostBytes = 262_144;
/** Nobody waits longer for the rest of an error before the next attempt. */
const mostMs = 2_000;

export interface Answer {
  reply: Reply;
  chunks: Buffer[];
  trailers: string[];
  /** It ended as it should, within the limit. */
  whole: boolean;
}

/**
 * Takes an answer's body. `done` is called once, at its end or when enough of it has been seen; @returns what takes the rest of
 * an answer that is not whole; null: nobody does, and `abort` gives it up.
 */
export function hold(reply: Reply, abort: () => void, done: (answer: Answer) => Sink | null): Sink {
  const answer: Answer = { reply, chunks: [], trailers: [], whole: false };
  let length = 0;
  let over = false;
  let rest: Sink | null = null;
  const tell = (): void => {
    over = true;
    clearTimeout(timer);
    rest = done(answer);
  };
  const enough = (): void => {
    tell();
    if (rest === null) abort();
  };
  const timer = setTimeout(enough, mostMs);
  return {
    data(chunk) {
      if (over) return rest?.data(chunk) ?? true;
      answer.chunks.push(chunk);
      length += chunk.length;
      if (length > mostBytes) enough();
      return true;
    },
    end(trailers) {
      if (over) return rest?.end(trailers);
      answer.trailers = trailers;
      answer.whole = true;
      tell();
    },
    error(error) {
      if (!over) tell();
      rest?.error(error);
    },
  };
}

/** Sends a held answer on. @returns what takes the rest of one that is not whole; else null. */
export function sendOn({ chunks, trailers, whole }: Answer, sink: Sink): Sink | null {
  for (const chunk of chunks) sink.data(chunk);
  if (!whole) return sink;
  sink.end(trailers);
  return null;
}
