/** The cost of a request, class by class of token. The classes are disjoint; their costs add up to the whole exactly. */
import type { RequestRow } from '@weir/schema/records';
import { isZero } from '$lib/money.ts';

export interface Line {
  name: string;
  color: string;
  tokens: number | null;
  cost: string | null;
  estimated: boolean;
}

type Row = Pick<
  RequestRow,
  | 'input_tokens'
  | 'output_tokens'
  | 'cache_read_tokens'
  | 'cache_write_tokens'
  | 'reasoning_tokens'
  | 'usage_source'
  | 'input_cost_usd'
  | 'output_cost_usd'
  | 'cache_read_cost_usd'
  | 'cache_write_cost_usd'
  | 'other_cost_usd'
  | 'retry_cost_usd'
>;

const known = (cost: string | null, tokens: number | null): boolean =>
  (tokens ?? 0) > 0 || (cost !== null && !isZero(cost));

export function costLines(row: Row): Line[] {
  const estimated = row.usage_source === 'estimated';
  const read = row.cache_read_tokens ?? 0;
  const write = row.cache_write_tokens ?? 0;
  const reasoning = row.reasoning_tokens ?? 0;
  const input = row.input_tokens === null ? null : Math.max(0, row.input_tokens - read - write);
  const lines: Line[] = [
    {
      name: read + write > 0 ? 'Input, new' : 'Input',
      color: 'var(--seq-6)',
      tokens: input,
      cost: row.input_cost_usd,
      estimated,
    },
  ];
  if (known(row.cache_read_cost_usd, row.cache_read_tokens))
    lines.push({
      name: 'Input, from cache',
      color: 'var(--seq-4)',
      tokens: read,
      cost: row.cache_read_cost_usd,
      estimated,
    });
  if (known(row.cache_write_cost_usd, row.cache_write_tokens))
    lines.push({
      name: 'Input, to cache',
      color: 'var(--seq-5)',
      tokens: write,
      cost: row.cache_write_cost_usd,
      estimated,
    });
  lines.push({ name: 'Output', color: 'var(--c)', tokens: row.output_tokens, cost: row.output_cost_usd, estimated });
  if (reasoning > 0) lines.push({ name: 'of it reasoning', color: '', tokens: reasoning, cost: null, estimated });
  if (row.other_cost_usd !== null && !isZero(row.other_cost_usd))
    lines.push({ name: 'Audio, images, tools', color: 'var(--c8)', tokens: null, cost: row.other_cost_usd, estimated });
  if (row.retry_cost_usd !== null && !isZero(row.retry_cost_usd))
    lines.push({
      name: 'Earlier attempts',
      color: 'var(--c8)',
      tokens: null,
      cost: row.retry_cost_usd,
      estimated: false,
    });
  return lines;
}

/** Dollars for a million tokens, as these were charged. */
export function perMillion(line: Line): string | null {
  if (line.cost === null || !line.tokens) return null;
  return ((Number(line.cost) * 1e6) / line.tokens).toFixed(2);
}
