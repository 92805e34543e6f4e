/** What a recorded call costs by the prices in force now. Pure. */
import type { Operation, Usage } from '../providers/provider.ts';
import type { PriceBook } from '../prices/book.ts';
import { nanosOf, usdText } from '../prices/decimal.ts';
import { priceCall, type Price } from '../prices/price.ts';
import type { RecordedCall } from './rows.ts';

/** The columns of a call that repricing writes. */
export interface Change extends Omit<Price, 'cost_usd'> {
  readonly request_id: string;
  readonly started_at: string;
  /** Everything, earlier attempts included. */
  readonly cost_usd: string;
  readonly retry_cost_usd: string;
  /** Of the attempt that answered. */
  readonly attempt_cost_usd: string;
  readonly last_attempt: number;
}

const AMOUNTS = [
  'cost_usd',
  'input_cost_usd',
  'output_cost_usd',
  'cache_read_cost_usd',
  'cache_write_cost_usd',
  'other_cost_usd',
  'list_cost_usd',
] as const;

/**
 * `null` when every amount stays what it is. A cost that is known stays too where no price is known any more: a list that
 * forgot a model does not make what it cost unknown.
 */
export function changeOf(call: RecordedCall, book: PriceBook): Change | null {
  const price = priceCall(asPriced(call), book);
  if (price === null) return null;
  const retry = nanosOf(call.retry_cost_usd ?? '0');
  const cost_usd = usdText(nanosOf(price.cost_usd) + retry);
  const now = { ...price, cost_usd };
  if (AMOUNTS.every((name) => same(call[name], now[name]))) return null;
  return {
    ...now,
    request_id: call.request_id,
    started_at: call.started_at,
    retry_cost_usd: usdText(retry),
    attempt_cost_usd: price.cost_usd,
    last_attempt: Math.max(0, call.attempts - 1),
  };
}

function asPriced(call: RecordedCall): Parameters<typeof priceCall>[0] {
  return {
    provider: call.provider,
    model: call.response_model || call.request_model,
    asked: call.request_model,
    usage: usageOf(call),
    units: call.units,
    at: new Date(`${call.started_at.slice(0, 23).replace(' ', 'T')}Z`),
    serviceTier: call.service_tier,
    operation: call.operation as Operation,
    host: call.host,
    reportedCostUsd: reported(call),
  };
}

/** The provider's own figure is the cost that was recorded; no list changes it. */
function reported({ price_id, cost_usd, retry_cost_usd }: RecordedCall): string | null {
  if (cost_usd === null || !/^reported(\+|$)/.test(price_id)) return null;
  return usdText(nanosOf(cost_usd) - nanosOf(retry_cost_usd ?? '0'));
}

function usageOf(call: RecordedCall): Usage | null {
  const usage: Usage = {
    input_tokens: call.input_tokens,
    output_tokens: call.output_tokens,
    cache_read_tokens: call.cache_read_tokens,
    cache_write_tokens: call.cache_write_tokens,
    cache_write_1h_tokens: call.cache_write_1h_tokens,
    reasoning_tokens: call.reasoning_tokens,
    input_audio_tokens: call.input_audio_tokens,
    output_audio_tokens: call.output_audio_tokens,
    input_image_tokens: call.input_image_tokens,
  };
  return Object.values(usage).some((count) => count !== null) ? usage : null;
}

function same(before: string | null, now: string | null): boolean {
  return before === null || now === null ? before === now : nanosOf(before) === nanosOf(now);
}
