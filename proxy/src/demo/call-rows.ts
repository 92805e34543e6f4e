/** One call of the demo's history as the rows that the recorder would have written. */
import { timeText, type AttemptRow, type RequestRow } from '@weir/schema/records';
import type { Usage } from '../providers/provider.ts';
import { priceCall } from '../prices/price.ts';
import type { Random } from './random.ts';
import type { Failure, Plan } from './trouble.ts';
import { inForce, split } from './routes.ts';
import { runawayUser, type DemoModel, type DemoTeam } from './world.ts';

export interface DemoCall {
  request: RequestRow;
  attempts: AttemptRow[];
}

export interface SessionPlace {
  id: string;
  name: string;
  path: string;
}

/** What is known of a call before it is drawn in detail. Times in ms; `slow` stretches the provider's. */
export interface CallPlan {
  at: number;
  team: DemoTeam;
  user: string;
  place: SessionPlace | null;
  model: DemoModel;
  plan: Plan;
  slow: number;
  splitted: boolean;
}

export function callRows(random: Random, call: CallPlan): DemoCall {
  const { at, team, user, place, model, plan, slow } = call;
  const id = uuidAt(random, at);
  const startedAt = timeText(Math.round(at * 1000));
  const attempts: AttemptRow[] = [];
  const overhead = random.logNormal(0.55, 0.35);
  let clock = overhead;
  let waited = 0;
  for (const [index, failure] of plan.failures.entries()) {
    const wait = index === 0 ? 0 : random.logNormal(700, 0.4);
    waited += wait;
    clock += wait;
    attempts.push(
      attemptRow(
        id,
        at + clock,
        attempts.length,
        failure.model,
        wait,
        failure.ms,
        plan.failures[index - 1]?.trigger ?? '',
        failure,
      ),
    );
    clock += failure.ms;
  }
  const answer = plan.answer;
  const usage = answer === null ? null : usageOf(random, team, answer, user === runawayUser);
  const streamed = random.chance(team.streamed);
  const firstToken = answer === null ? 0 : random.logNormal(answer.firstTokenMs, 0.42) * slow;
  const writing =
    answer === null ? 0 : ((usage?.output_tokens ?? 0) / random.logNormal(answer.tokensPerSecond, 0.2)) * 1000 * slow;
  let ttft: number | null = null;
  const price = answer === null ? null : priceOf(answer, usage, at);
  if (answer !== null) {
    const wait = attempts.length === 0 ? 0 : random.logNormal(700, 0.4);
    waited += wait;
    clock += wait;
    const row = attemptRow(
      id,
      at + clock,
      attempts.length,
      answer,
      wait,
      firstToken + writing,
      plan.failures.at(-1)?.trigger ?? '',
      null,
    );
    attempts.push({ ...row, ...usage, price_id: price?.price_id ?? '', cost_usd: price?.cost_usd ?? null });
    if (streamed) ttft = clock + firstToken;
    clock += firstToken + writing;
  }
  const last = plan.failures.at(-1);
  const failed = answer === null;
  const request: RequestRow = {
    ...blank,
    request_id: id,
    started_at: startedAt,
    provider: (answer ?? model).provider,
    operation: model.operation,
    path: model.path,
    host: `api.${(answer ?? model).provider}.example`,
    request_model: model.model,
    response_model: answer?.answers ?? '',
    streamed,
    status: failed ? (last?.status ?? (plan.outcome === 'timeout' ? 504 : 502)) : 200,
    outcome: plan.outcome,
    error_type: failed ? (last?.type ?? '') : '',
    error_message: failed ? (last?.message ?? '') : '',
    duration_ms: round(clock),
    ttft_ms: ttft === null ? null : round(ttft),
    overhead_ms: round(overhead),
    wait_ms: round(waited),
    upstream_ms: round(clock) - round(overhead) - round(waited),
    ...usage,
    usage_source: usage === null ? 'none' : 'provider',
    ...(price === null ? {} : { ...price, retry_cost_usd: '0' }),
    finish_reasons: failed ? [] : [model.provider === 'anthropic' ? 'end_turn' : 'stop'],
    tool_calls: random.chance(0.15) ? 1 : 0,
    user_id: user,
    session_id: place?.id ?? '',
    session_name: place?.name ?? '',
    session_path: place?.path ?? '',
    properties: {
      team: team.name,
      feature: random.pick(team.features),
      environment: random.chance(0.93) ? 'production' : 'staging',
    },
    attempts: attempts.length,
    request_hash: String(random.int(1, 2 ** 31)),
    request_bytes: (usage?.input_tokens ?? 1200) * 4,
    response_bytes: (usage?.output_tokens ?? 60) * 5,
    ...(call.splitted
      ? {
          ...inForce,
          ...{ split: split.name, split_version: split.version, variant: model.model, split_unit: `user:${user}` },
        }
      : {}),
  };
  return { request, attempts };
}

function usageOf(random: Random, team: DemoTeam, model: DemoModel, heavy: boolean): Usage {
  const input = Math.round(random.logNormal(team.inputTokens * (heavy ? 6 : 1), 0.5));
  const cached = random.chance(team.cached) ? Math.floor((input * 0.7) / 128) * 128 : 0;
  const reasoning = model.reasons ? Math.round(random.logNormal(90, 0.7)) : null;
  return {
    input_tokens: input,
    output_tokens: Math.max(1, Math.round(random.logNormal(model.outputTokens, 0.55))) + (reasoning ?? 0),
    cache_read_tokens: cached,
    cache_write_tokens: model.provider === 'anthropic' ? 0 : null,
    cache_write_1h_tokens: null,
    reasoning_tokens: reasoning,
    input_audio_tokens: null,
    output_audio_tokens: null,
    input_image_tokens: null,
  };
}

function priceOf(model: DemoModel, usage: Usage | null, at: number): ReturnType<typeof priceCall> {
  const { provider, operation, answers } = model;
  return priceCall({ provider, model: answers, usage, at: new Date(at), serviceTier: null, operation });
}

function attemptRow(
  id: string,
  at: number,
  index: number,
  model: DemoModel,
  wait: number,
  ms: number,
  trigger: string,
  failure: Failure | null,
): AttemptRow {
  const previousTrigger = index === 0 ? '' : trigger;
  return {
    request_id: id,
    attempt_index: index,
    started_at: timeText(Math.round(at * 1000)),
    project: 'default',
    provider: model.provider,
    model: model.model,
    host: `api.${model.provider}.example`,
    status: failure === null ? 200 : failure.status,
    outcome: failure?.outcome ?? 'ok',
    error_type: failure?.type ?? '',
    error_message: failure?.message ?? '',
    reason: index === 0 ? 'first' : failure === null && index === 2 ? 'fallback' : 'retry',
    trigger: previousTrigger,
    variant: '',
    wait_ms: round(wait),
    connect_ms: round(Math.min(ms, 0.4 + (ms % 7))),
    headers_ms: failure?.status === null ? null : round(ms * 0.3),
    duration_ms: round(ms),
    response_bytes: null,
    ...emptyUsage,
    price_id: '',
    cost_usd: null,
    warnings: [],
  };
}

/** A UUIDv7 of a moment in the past (RFC 9562 §5.7). */
function uuidAt(random: Random, at: number): string {
  const time = Math.floor(at).toString(16).padStart(12, '0');
  const digits = (count: number): string =>
    Array.from({ length: count }, () => random.int(0, 15).toString(16)).join('');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${digits(3)}-${random.pick(['8', '9', 'a', 'b'])}${digits(3)}-${digits(12)}`;
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

const emptyUsage: Usage = {
  input_tokens: null,
  output_tokens: null,
  cache_read_tokens: null,
  cache_write_tokens: null,
  cache_write_1h_tokens: null,
  reasoning_tokens: null,
  input_audio_tokens: null,
  output_audio_tokens: null,
  input_image_tokens: null,
};

const blank = {
  client_request_id: '',
  project: 'default',
  key_id: '',
  method: 'POST',
  query: '',
  client_stall_ms: 0,
  ...emptyUsage,
  units: {},
  cost_usd: null,
  input_cost_usd: null,
  output_cost_usd: null,
  cache_read_cost_usd: null,
  cache_write_cost_usd: null,
  other_cost_usd: null,
  retry_cost_usd: null,
  list_cost_usd: null,
  limit_tokens: null,
  limit_usd: null,
  limit_provider: '',
  limit_model: '',
  saved_usd: null,
  price_id: '',
  service_tier: '',
  prompt: '',
  prompt_version: '',
  route: '',
  route_version: '',
  split: '',
  split_version: '',
  variant: '',
  split_unit: '',
  experiment_id: '',
  run_id: '',
  cache: '' as const,
  client_retry: 0,
  trace_id: '',
  span_id: '',
  parent_span_id: '',
  config_hash: '0',
  warnings: [],
};
