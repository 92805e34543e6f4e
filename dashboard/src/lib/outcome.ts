/** Outcomes in words, the same on every page. */
const words: Record<string, string> = {
  ok: 'ok',
  client_error: 'refused',
  provider_error: 'provider error',
  rate_limited: 'rate limited',
  timeout: 'timeout',
  network_error: 'network error',
  truncated: 'cut short',
  cancelled: 'cancelled',
  blocked: 'blocked',
  interrupted: 'interrupted',
};

export function outcomeWords(row: { outcome: string; status: number | null }): string {
  const said = words[row.outcome] ?? row.outcome;
  return row.status === null || row.outcome === 'cancelled' || row.outcome === 'truncated'
    ? said
    : `${row.status} ${said}`;
}

export const outcomeWord = (outcome: string): string => words[outcome] ?? outcome;
export const isError = (outcome: string): boolean => outcome !== 'ok' && outcome !== 'cancelled';
