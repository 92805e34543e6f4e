/** A fortnight of believable traffic, as rows: daily rhythm, an outage, a runaway user, an A/B split, sessions, errors. */
import { createHash } from 'node:crypto';
import { timeText, type AttemptRow, type Outcome, type RequestRow } from '@weir/schema/records';
import type { Usage } from '../providers/provider.ts';
import { priceCall } from '../record/price.ts';
import type { Random } from './random.ts';
import { runawayUser, sessionSteps, sonnet, split, teams, users, type DemoModel, type DemoTeam } from './world.ts';

export const historyDays = 14;
const slotMs = 5 * 60_000;
const hourMs = 3_600_000;

/** What went wrong in the fortnight, relative to its end. */
export interface Incidents {
  /** openai refuses with 429, and is slow, for an hour of yesterday's working day. */
  outage: { from: number; to: number };
  runaway: { from: number; to: number };
}

export function incidentsBefore(end: number): Incidents {
  const yesterday = Math.floor(end / (24 * hourMs)) * 24 * hourMs - 24 * hourMs;
  return {
    outage: { from: yesterday + 10.4 * hourMs, to: yesterday + 11.4 * hourMs },
    runaway: { from: yesterday - 2 * 24 * hourMs + 1.5 * hourMs, to: yesterday - 2 * 24 * hourMs + 4 * hourMs },
  };
}

export interface DemoCall {
  request: RequestRow;
  attempts: AttemptRow[];
}

/** Rows of one slot of five minutes. */
export function* slotCalls(random: Random, slot: number, incidents: Incidents, perHour: number): Generator<DemoCall> {
  const count = random.poisson((perHour / 12) * rhythm(slot));
  for (let index = 0; index < count; index++) {
    const at = slot + random.next() * slotMs;
    const team = random.weighted(teams);
    if (random.chance(0.12)) yield* session(random, at, team, incidents);
    else yield makeCall(random, at, team, chooseUser(random), incidents, null);
  }
  const { from, to } = incidents.runaway;
  for (let index = 0; slot >= from && slot < to && index < perHour / 24; index++) {
    const team = teams[0] as DemoTeam;
    yield makeCall(random, slot + random.next() * slotMs, team, runawayUser, incidents, null);
  }
}

export function* slots(end: number): Generator<number> {
  const first = Math.ceil((end - historyDays * 24 * hourMs) / slotMs) * slotMs;
  for (let slot = first; slot < end; slot += slotMs) yield slot;
}

/** Share of the mean rate at a time: working hours, less at night and on weekends. */
function rhythm(at: number): number {
  const date = new Date(at);
  const hour = date.getUTCHours() + date.getUTCMinutes() / 60;
  const day = 0.25 + 1.5 * Math.exp(-((hour - 14) ** 2) / 26);
  const weekend = date.getUTCDay() === 0 || date.getUTCDay() === 6;
  return day * (weekend ? 0.45 : 1.15);
}

function chooseUser(random: Random): string {
  // Squared: a few users make most of the calls. One in twenty-five requests names nobody.
  return random.chance(0.04) ? '' : (users[Math.floor(random.next() ** 2 * users.length)] as string);
}

function* session(random: Random, start: number, team: DemoTeam, incidents: Incidents): Generator<DemoCall> {
  const id = `s-${random.int(0x1000, 0xfffff).toString(16)}`;
  const user = chooseUser(random);
  let at = start;
  for (const step of sessionSteps.slice(0, random.int(2, sessionSteps.length))) {
    const call = makeCall(random, at, team, user, incidents, {
      id,
      name: 'Find an answer',
      path: `/${team.name}/${step}`,
    });
    yield call;
    at += call.request.duration_ms + random.logNormal(900, 0.8);
  }
}

interface SessionPlace {
  id: string;
  name: string;
  path: string;
}

function makeCall(
  random: Random,
  at: number,
  team: DemoTeam,
  user: string,
  incidents: Incidents,
  place: SessionPlace | null,
): DemoCall {
  const splitted = team.name === 'search' && user !== '' && user !== runawayUser;
  const model = splitted ? assign(user) : random.weighted(team.models);
  const outage = model.provider === 'openai' && at >= incidents.outage.from && at < incidents.outage.to;
  const trouble = outage ? random.chance(0.55) : random.chance(0.011);
  const plan = trouble ? troubleOf(random, model, outage) : { failures: [], answer: model, outcome: 'ok' as const };
  return assemble(random, { at, team, user, place, model, plan, slow: outage ? 2.6 : 1, splitted });
}

/** Sticky: the same user is always asked on the same arm; 80 to 20. */
function assign(user: string): DemoModel {
  const share = createHash('sha256').update(`${split.name}/${user}`).digest().readUInt16BE() / 65_536;
  return share < 0.8 ? split.variants[0] : split.variants[1];
}

interface Failure {
  model: DemoModel;
  status: number | null;
  outcome: Outcome;
  type: string;
  message: string;
  trigger: string;
  ms: number;
}

interface Plan {
  failures: Failure[];
  /** Who answers in the end; null: nobody does. */
  answer: DemoModel | null;
  outcome: Outcome;
}

function troubleOf(random: Random, model: DemoModel, outage: boolean): Plan {
  const refusal: Failure = {
    model,
    status: 429,
    outcome: 'rate_limited',
    type: 'rate_limit_exceeded',
    message: `Rate limit reached for ${model.model}: tokens per minute, limit 2,000,000.`,
    trigger: '429',
    ms: random.logNormal(170, 0.3),
  };
  if (outage) {
    const retried = [refusal, { ...refusal, ms: random.logNormal(190, 0.3) }];
    return random.chance(0.74)
      ? { failures: retried, answer: sonnet, outcome: 'ok' }
      : { failures: retried, answer: null, outcome: 'rate_limited' };
  }
  const kinds: (Failure & { weight: number })[] = [
    { ...refusal, weight: 30 },
    {
      ...refusal,
      status: model.provider === 'anthropic' ? 529 : 503,
      outcome: 'provider_error',
      type: 'overloaded_error',
      message: 'Overloaded',
      trigger: '5xx',
      weight: 25,
    },
    {
      ...refusal,
      status: null,
      outcome: 'timeout',
      type: 'timeout:headers',
      message: 'no headers within 10 s',
      trigger: 'timeout:headers',
      ms: 10_000,
      weight: 10,
    },
    {
      ...refusal,
      status: null,
      outcome: 'network_error',
      type: 'network:ECONNRESET',
      message: 'read ECONNRESET',
      trigger: 'network:ECONNRESET',
      weight: 6,
    },
    {
      ...refusal,
      status: 400,
      outcome: 'client_error',
      type: 'invalid_request_error',
      message: 'This model’s maximum context length is 400000 tokens.',
      trigger: '400',
      weight: 24,
    },
    {
      ...refusal,
      status: 200,
      outcome: 'truncated',
      type: 'network:UND_ERR_SOCKET',
      message: 'the provider ended in mid-reply',
      trigger: '',
      ms: 2_100,
      weight: 5,
    },
  ];
  const failure = random.weighted(kinds);
  const repeatable = failure.outcome === 'rate_limited' || failure.outcome === 'provider_error';
  if (repeatable && random.chance(0.6)) return { failures: [failure], answer: model, outcome: 'ok' };
  return { failures: [failure], answer: null, outcome: failure.outcome };
}

interface Assembly {
  at: number;
  team: DemoTeam;
  user: string;
  place: SessionPlace | null;
  model: DemoModel;
  plan: Plan;
  slow: number;
  splitted: boolean;
}

function assemble(random: Random, assembly: Assembly): DemoCall {
  const { at, team, user, place, model, plan, slow } = assembly;
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
    ...(assembly.splitted
      ? { split: split.name, split_version: split.version, variant: model.model, split_unit: `user:${user}` }
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
  cost_usd: null,
  input_cost_usd: null,
  output_cost_usd: null,
  cache_read_cost_usd: null,
  cache_write_cost_usd: null,
  other_cost_usd: null,
  retry_cost_usd: null,
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
