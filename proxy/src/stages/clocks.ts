/** The clocks of an attempt (`Weir-Timeout`), put between what a provider sends and who takes it. */
import { now, type Call } from '../call.ts';
import type { Timeouts } from '../timeouts.ts';
import type { Receiver, Sending, Sink } from '../upstream/exchange.ts';
import { ClockError } from '../upstream/trigger.ts';

/**
 * Passes everything on to `receiver`, and gives the attempt up when one of its clocks runs out; `ended` is called once, when
 * nothing more comes of the attempt. `start` takes the attempt when it has been sent.
 */
export function withClocks(
  call: Call,
  timeouts: Timeouts,
  receiver: Receiver,
  ended: () => void,
): { receiver: Receiver; start: (sending: Sending) => void } {
  let sending: Sending | null = null;
  let over = false;
  const give = (clock: 'headers' | 'idle' | 'total', ms: number): NodeJS.Timeout | undefined => {
    const limit = timeouts[clock];
    if (limit === 0) return undefined;
    return setTimeout(() => sending?.abort(new ClockError(clock, limit)), Math.max(1, ms));
  };
  let idle: NodeJS.Timeout | undefined;
  const headers = give('headers', timeouts.headers);
  const total = give('total', timeouts.total - (now() - call.started));
  const end = (): void => {
    if (over) return;
    over = true;
    for (const timer of [headers, idle, total]) clearTimeout(timer);
    ended();
  };
  const timed: Receiver = {
    reply(reply) {
      clearTimeout(headers);
      idle = give('idle', timeouts.idle);
      const sink = receiver.reply({
        status: reply.status,
        statusText: reply.statusText,
        headers: reply.headers,
        resume: () => {
          clearTimeout(idle);
          idle = over ? undefined : give('idle', timeouts.idle);
          reply.resume();
        },
      });
      return {
        data(chunk) {
          const ready = sink.data(chunk);
          // The client is slow now, and not the provider.
          if (ready) idle?.refresh();
          else clearTimeout(idle);
          return ready;
        },
        end(trailers) {
          sink.end(trailers);
          end();
        },
        error(error) {
          sink.error(error);
          end();
        },
      } satisfies Sink;
    },
    failed(error) {
      receiver.failed(error);
      end();
    },
  };
  return { receiver: timed, start: (sent) => (sending = sent) };
}
