/** What happened, in one sentence: only what the row and its attempts say. */
import type { AttemptRow, RequestRow } from '@weir/schema/records';
import { duration, plain, plural } from '$lib/format.ts';
import { isError } from '$lib/outcome.ts';
import { answering } from './attempt-words.ts';

type Row = Omit<RequestRow, 'project'>;
const ms = (value: number): string => plain(duration(value));
const name = (attempt: Pick<AttemptRow, 'provider' | 'model'>): string => attempt.model || attempt.provider;
const full = ({ provider, model }: AttemptRow): string => (model === '' ? provider : `${provider}/${model}`);

function why(attempt: AttemptRow): string {
  if (attempt.outcome === 'timeout') return 'did not answer in time';
  if (attempt.outcome === 'network_error')
    return attempt.connect_ms === null ? 'could not be reached' : 'lost the connection';
  if (attempt.status !== null && attempt.status < 400) return 'told an error inside its answer';
  return `${attempt.outcome === 'rate_limited' || attempt.outcome === 'client_error' ? 'refused' : 'failed'}${attempt.status === null ? '' : ` with ${attempt.status}`}`;
}

/** Targets that were not asked, because their circuit was open. */
function avoided({ warnings }: Row): string {
  const open = warnings
    .filter((one) => one.startsWith('circuit_open:'))
    .map((one) => one.slice('circuit_open:'.length));
  return open.length === 0 ? '' : ` in place of ${open.join(' and ')}, left alone after failures`;
}

const endings: Partial<Record<RequestRow['outcome'], (row: Row) => [string, string]>> = {
  blocked: (row) => [
    'Weir refused this call',
    `: ${row.error_message || row.error_type || 'a policy did not allow it'}. No provider was asked.`,
  ],
  cancelled: (row) => [
    'The client left',
    ` after ${ms(row.duration_ms)}${row.ttft_ms === null ? ', before the first token' : `, ${ms(Math.max(0, row.duration_ms - row.ttft_ms))} after the first token`}.`,
  ],
  truncated: (row) => [
    `${row.response_model || row.provider} broke off`,
    ` in mid-stream after ${ms(row.duration_ms)}; what had come was passed on.`,
  ],
  interrupted: () => [
    'Weir itself stopped during this call',
    '; the row was recovered at the next start, what it does not know is unknown.',
  ],
};

export function sentence(row: Row, attempts: readonly AttemptRow[]): { bold: string; rest: string } {
  const ending = endings[row.outcome]?.(row);
  if (ending) return { bold: ending[0], rest: ending[1] };
  if (row.cache === 'hit' || row.cache === 'semantic_hit')
    return {
      bold: `Weir’s cache answered${row.cache === 'semantic_hit' ? ' by meaning' : ''}`,
      rest: ` in ${ms(row.duration_ms)}; no provider was called.`,
    };
  const failed = attempts.filter((attempt) => isError(attempt.outcome));
  const last = attempts.at(-1);
  if (isError(row.outcome)) {
    const cause = row.error_message || row.error_type.replaceAll('_', ' ');
    const kept = answering(row, attempts);
    if (kept && last && kept !== last)
      return {
        bold: `${name(kept)} ${why(kept)}`,
        rest: `${cause ? `: ${cause.replace(/\.$/, '')}` : ''}. That answer was passed on, because ${name(last)} ${why(last)} after it.`,
      };
    const tried = attempts.length > 1 ? ` after ${plural(attempts.length, 'attempt')}` : '';
    return {
      bold: `${last ? name(last) : row.provider} ${last ? why(last) : 'gave no answer'}${tried}`,
      rest: `${cause ? `: ${cause.replace(/\.$/, '')}` : ''}.`,
    };
  }
  const first = failed[0];
  if (first && last) {
    const lost = Math.max(0, row.duration_ms - last.duration_ms);
    const times = failed.length === 1 ? 'once' : failed.length === 2 ? 'twice' : `${failed.length} times`;
    const cost = `That took ${ms(lost)} of the ${row.ttft_ms === null ? `${ms(row.duration_ms)} in all` : `${ms(row.ttft_ms)} before the first token`}.`;
    if (name(first) === name(last) && first.provider === last.provider)
      return {
        bold: `${name(last)} answered at attempt ${attempts.length}`,
        rest: `; before, it ${why(first)}${failed.length > 1 ? ` (${times})` : ''}. ${cost}`,
      };
    // The same model at another provider.
    const called = name(first) === name(last) ? full : name;
    return {
      bold: `${called(last)} answered in place of ${called(first)}`,
      rest: `, which ${why(first)}${failed.length > 1 ? ` (${times} in all)` : ''}. ${cost}`,
    };
  }
  const who = row.response_model || row.request_model || row.provider;
  const asked =
    row.request_model && row.response_model && !row.response_model.startsWith(row.request_model)
      ? ` (asked for as ${row.request_model})`
      : '';
  return {
    bold: `${who} answered in ${ms(row.duration_ms)}`,
    rest: `${asked}${avoided(row)}${row.ttft_ms === null ? '' : `; the first token came after ${ms(row.ttft_ms)}`}${row.upstream_ms > 0 ? `. Weir added ${ms(row.overhead_ms)}` : ''}.`,
  };
}
