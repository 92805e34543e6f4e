/** What went wrong between Weir and a provider, by code. */
import { errors } from 'undici';

/** A clock of `Weir-Timeout` has run out. */
export class ClockError extends Error {
  constructor(
    readonly clock: 'headers' | 'idle' | 'total',
    limitMs: number,
  ) {
    super(`the ${clock} clock of Weir-Timeout ran out after ${limitMs} ms`);
  }
}

/** In rows' words: `network:ECONNRESET`, `timeout:headers`. */
export function triggerOf(error: unknown): { outcome: 'timeout' | 'network_error'; trigger: string; message: string } {
  const code = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.name) : 'unknown';
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ClockError) return { outcome: 'timeout', trigger: `timeout:${error.clock}`, message };
  if (error instanceof errors.ConnectTimeoutError) return { outcome: 'timeout', trigger: 'timeout:connect', message };
  if (error instanceof errors.HeadersTimeoutError) return { outcome: 'timeout', trigger: 'timeout:headers', message };
  if (error instanceof errors.BodyTimeoutError) return { outcome: 'timeout', trigger: 'timeout:idle', message };
  return { outcome: 'network_error', trigger: `network:${code}`, message };
}
