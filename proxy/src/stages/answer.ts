/** An answer that is not passed on, or not yet: held, up to a limit, so that it can be read, and sent after all. */
import type { Reply, Sink } from './send.ts';

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
 * Takes an answer's body. `done` is called once, at its end or when it has been seen enough of; `abort` gives up what comes of it.
 */
export function hold(reply: Reply, abort: () => void, done: (answer: Answer) => void): Sink {
  const answer: Answer = { reply, chunks: [], trailers: [], whole: false };
  let length = 0;
  let over = false;
  const end = (): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    done(answer);
  };
  const giveUp = (): void => {
    if (over) return;
    abort();
    end();
  };
  const timer = setTimeout(giveUp, mostMs);
  return {
    data(chunk) {
      if (over) return true;
      answer.chunks.push(chunk);
      length += chunk.length;
      if (length > mostBytes) giveUp();
      return true;
    },
    end(trailers) {
      answer.trailers = trailers;
      answer.whole = !over;
      end();
    },
    error: end,
  };
}

/** Sends a held answer on. */
export function sendOn({ chunks, trailers, whole }: Answer, sink: Sink): void {
  for (const chunk of chunks) sink.data(chunk);
  if (whole) sink.end(trailers);
}
