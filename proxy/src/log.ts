/** Weir's own log: JSON lines on stderr. WARN: something was recovered. ERROR: data was lost, or a person is needed. */
import { pino } from 'pino';

export const log = pino({ name: 'weir-proxy', base: null }, pino.destination({ fd: 2, sync: true }));

/** What may be said of an unexpected error: its kind and place, never the request's content. */
export function describeFault(error: unknown): { error: string; stack: string } {
  return error instanceof Error
    ? { error: error.message, stack: error.stack ?? '' }
    : { error: String(error), stack: '' };
}
