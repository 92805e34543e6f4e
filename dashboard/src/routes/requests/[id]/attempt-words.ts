/** Attempts in words: who answered, and why there was another. */
import type { AttemptRow, RequestRow } from '@weir/schema/records';
import { duration, plain } from '$lib/format.ts';

/**
 * The attempt whose answer the client got. Not always the last: where that got none, an earlier answer was sent after all.
 * Undefined for a call without attempts.
 */
export function answering(
  row: Pick<RequestRow, 'provider' | 'host' | 'status'>,
  attempts: readonly AttemptRow[],
): AttemptRow | undefined {
  const fits = (one: AttemptRow): boolean =>
    one.provider === row.provider && one.host === row.host && one.status === row.status;
  return attempts.findLast(fits) ?? attempts.at(-1);
}

const clocks: Record<string, string> = {
  headers: 'no answer began in time',
  idle: 'the answer fell silent',
  total: 'the time for the whole call was over',
  connect: 'no connection in time',
};
const connections: Record<string, string> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was lost',
  UND_ERR_SOCKET: 'the connection was lost',
  EPIPE: 'the connection was lost',
  ENOTFOUND: 'the host’s name was not found',
  EAI_AGAIN: 'the host’s name was not found',
};
const statuses: Record<string, string> = {
  401: 'the key was refused',
  403: 'the key was refused',
  408: 'timeout',
  429: 'too many requests',
  500: 'server error',
  502: 'bad gateway',
  503: 'unavailable',
  504: 'gateway timeout',
  529: 'overloaded',
};

/** What made Weir ask again: `429, too many requests`, `the connection was lost`. */
export function triggerWords(trigger: string): string {
  const [kind = '', what = ''] = trigger.split(/:(.*)/s);
  if (kind === 'timeout') return clocks[what] ?? `timeout (${what})`;
  if (kind === 'network') return connections[what] ?? `no connection (${what})`;
  if (kind === 'stream') return `an error inside the answer (${what.replaceAll('_', ' ')})`;
  const said = statuses[trigger] ?? (/^5\d\d$/.test(trigger) ? 'server error' : '');
  return said === '' ? trigger : `${trigger}, ${said}`;
}

/** Why an attempt was made. */
export function reasonWords({ reason, trigger, wait_ms }: Pick<AttemptRow, 'reason' | 'trigger' | 'wait_ms'>): string {
  if (reason === 'first') return '';
  const after = wait_ms > 0 ? ` after ${plain(duration(wait_ms))}` : '';
  const deed = `${reason === 'retry' ? 'tried again' : 'asked instead'}${after}`;
  return trigger === '' ? deed : `${deed}: ${triggerWords(trigger)}`;
}

/** Whether nobody can say what an attempt cost. */
export const isOfUnknownCost = ({ warnings }: Pick<AttemptRow, 'warnings'>): boolean =>
  warnings.includes('unknown_attempt_cost');
