/** Believable rows for the dashboard's tests: daily rhythm, teams, users, sessions, an hour of refusals with fallbacks, a hole. */
import type { Db } from '@weir/schema/db';
import { type AttemptRow, type BodyRow, type RequestRow, type ScoreRow, timeText } from '@weir/schema/records';
import { chatBodies } from './seed-bodies.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** mulberry32: the same seed gives the same history. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

interface Model {
  provider: string;
  model: string;
  host: string;
  operation: string;
  path: string;
  weight: number;
  ms: number;
  ttft: number;
  /** Nano-dollars a token: input, cached input, output. */
  price: [number, number, number];
  fail: number;
}

const models: Model[] = [
  {
    provider: 'openai',
    model: 'gpt-5',
    host: 'api.openai.com',
    operation: 'chat',
    path: '/openai/v1/chat/completions',
    weight: 36,
    ms: 1750,
    ttft: 560,
    price: [1250, 125, 10000],
    fail: 0.006,
  },
  {
    provider: 'openai',
    model: 'gpt-5-mini',
    host: 'api.openai.com',
    operation: 'responses',
    path: '/openai/v1/responses',
    weight: 22,
    ms: 900,
    ttft: 310,
    price: [250, 25, 2000],
    fail: 0.008,
  },
  {
    provider: 'anthropic',
    model: 'claude-sonnet-4-5',
    host: 'api.anthropic.com',
    operation: 'messages',
    path: '/anthropic/v1/messages',
    weight: 17,
    ms: 1900,
    ttft: 680,
    price: [3000, 300, 15000],
    fail: 0.007,
  },
  {
    provider: 'google',
    model: 'gemini-2.5-flash',
    host: 'generativelanguage.googleapis.com',
    operation: 'generate_content',
    path: '/google/v1beta/models/gemini-2.5-flash:streamGenerateContent',
    weight: 13,
    ms: 700,
    ttft: 270,
    price: [300, 30, 2500],
    fail: 0.004,
  },
  {
    provider: 'anthropic',
    model: 'claude-haiku-4-5',
    host: 'api.anthropic.com',
    operation: 'messages',
    path: '/anthropic/v1/messages',
    weight: 6,
    ms: 620,
    ttft: 240,
    price: [1000, 100, 5000],
    fail: 0.004,
  },
  {
    provider: 'mistral',
    model: 'mistral-medium',
    host: 'api.mistral.ai',
    operation: 'chat',
    path: '/mistral/v1/chat/completions',
    weight: 5,
    ms: 830,
    ttft: 295,
    price: [400, 40, 2000],
    fail: 0.006,
  },
  {
    provider: 'openai',
    model: 'text-embedding-3-small',
    host: 'api.openai.com',
    operation: 'embeddings',
    path: '/openai/v1/embeddings',
    weight: 1,
    ms: 140,
    ttft: 0,
    price: [20, 20, 0],
    fail: 0.002,
  },
];
const sonnet = models[2] as Model;

const teams = ['search', 'support', 'growth', 'platform'];
const features = ['answer', 'rank', 'summarise', 'photo-match', 'triage'];
const names = ['maria.k', 'jonas.w', 'api', 'deskbot', 'sam.o', 'lin.t', 'ops', 'fatima.r', 'pavel.d', 'noor.a'];
const failures: [RequestRow['outcome'], number | null, string, string][] = [
  ['rate_limited', 429, 'rate_limit_exceeded', 'Rate limit reached for tokens per minute'],
  ['provider_error', 529, 'overloaded_error', 'Overloaded'],
  ['provider_error', 500, 'server_error', 'The server had an error'],
  ['timeout', 504, 'timeout', 'no headers after 10,000 ms'],
  ['client_error', 400, 'context_length_exceeded', 'This model’s maximum context length is 400000 tokens'],
  ['network_error', 502, 'ECONNRESET', 'connection reset'],
  ['truncated', 200, 'truncated', 'the stream ended without its last event'],
];

const usd = (nanos: number): string => `${Math.floor(nanos / 1e9)}.${String(Math.round(nanos % 1e9)).padStart(9, '0')}`;

export function uuidv7(at: number, rand: () => number): string {
  const hex = Math.floor(at).toString(16).padStart(12, '0');
  const tail = Array.from({ length: 5 }, () =>
    Math.floor(rand() * 65536)
      .toString(16)
      .padStart(4, '0'),
  );
  const [a = '', b = '', c = '', d = '', e = ''] = tail;
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${a.slice(1)}-${(8 + Math.floor(rand() * 4)).toString(16)}${b.slice(1)}-${c}${d}${e}`;
}

export interface Rows {
  requests: RequestRow[];
  attempts: AttemptRow[];
  bodies: BodyRow[];
  scores: ScoreRow[];
}

const noTokens = {
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

export function requestRow(at: number, request_id: string, over: Partial<RequestRow> = {}): RequestRow {
  return {
    request_id,
    started_at: timeText(Math.floor(at * 1000)),
    client_request_id: '',
    project: 'default',
    key_id: 'key-1',
    provider: 'openai',
    operation: 'chat',
    method: 'POST',
    path: '/openai/v1/chat/completions',
    query: '',
    host: 'api.openai.com',
    request_model: 'gpt-5',
    response_model: 'gpt-5-2025-08-07',
    streamed: true,
    status: 200,
    outcome: 'ok',
    error_type: '',
    error_message: '',
    duration_ms: 1200,
    ttft_ms: 400,
    overhead_ms: 0.6,
    wait_ms: 0,
    upstream_ms: 1199.4,
    client_stall_ms: null,
    ...noTokens,
    units: {},
    usage_source: 'provider',
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
    finish_reasons: ['stop'],
    tool_calls: 0,
    user_id: '',
    session_id: '',
    session_name: '',
    session_path: '',
    properties: {},
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
    attempts: 1,
    cache: '',
    client_retry: 0,
    trace_id: '',
    span_id: '',
    parent_span_id: '',
    request_hash: '1',
    config_hash: '1',
    request_bytes: 900,
    response_bytes: 2100,
    warnings: [],
    ...over,
  };
}

export function attemptRow(request: RequestRow, over: Partial<AttemptRow> = {}): AttemptRow {
  return {
    request_id: request.request_id,
    attempt_index: 0,
    started_at: request.started_at,
    project: 'default',
    provider: request.provider,
    model: request.response_model || request.request_model,
    host: request.host,
    status: request.status,
    outcome: request.outcome,
    error_type: request.error_type,
    error_message: request.error_message,
    reason: 'first',
    trigger: '',
    variant: '',
    wait_ms: 0,
    connect_ms: 12,
    headers_ms: 210,
    duration_ms: request.upstream_ms,
    response_bytes: null,
    ...noTokens,
    price_id: request.price_id,
    cost_usd: request.cost_usd,
    warnings: [],
    ...over,
  };
}

const pick = <T>(items: readonly T[], part: number): T =>
  items[Math.min(items.length - 1, Math.floor(part * items.length))] as T;

function pickModel(rand: () => number): Model {
  let left = rand() * 100;
  for (const model of models) if ((left -= model.weight) < 0) return model;
  return models[0] as Model;
}

/** Low at night, high in the working hours, lower at the weekend. */
function load(at: number): number {
  const hour = (at / HOUR) % 24;
  const weekday = new Date(at).getUTCDay();
  return (
    (0.12 + 0.88 * Math.max(0, Math.sin(((hour - 5) / 17) * Math.PI)) ** 1.4) *
    (weekday === 0 || weekday === 6 ? 0.45 : 1)
  );
}

export interface SeedOptions {
  now: number;
  days: number;
  requests: number;
  seed?: number;
}

export function makeRows({ now, days, requests: wanted, seed = 7 }: SeedOptions): Rows {
  const rand = random(seed);
  const rows: Rows = { requests: [], attempts: [], bodies: [], scores: [] };
  const start = now - days * DAY;
  const storm = { from: now - 6 * HOUR, to: now - 5 * HOUR };
  const hole = { from: now - 13 * HOUR, to: now - 12 * HOUR };
  while (rows.requests.length < wanted) {
    const at = start + rand() * (now - start);
    const runaway = at > now - 10 * HOUR && at < now - 3 * HOUR && rand() < 0.05;
    if ((at > hole.from && at < hole.to) || (!runaway && rand() > load(at))) continue;
    add(rows, rand, { at, now, runaway, stormy: at > storm.from && at < storm.to });
  }
  return rows;
}

function add(
  rows: Rows,
  rand: () => number,
  { at, now, runaway, stormy }: { at: number; now: number; runaway: boolean; stormy: boolean },
): void {
  const asked = runaway ? (models[0] as Model) : pickModel(rand);
  const id = uuidv7(at, rand);
  const team = pick(teams, rand() ** 1.3);
  const org = 1000 + Math.floor(rand() ** 2 * 60) * 37;
  const user = runaway ? 'svc-nightly-eval' : rand() < 0.04 ? '' : `org_${org}:${pick(names, rand() ** 1.5)}`;
  const refused = stormy && asked.provider === 'openai' && rand() < 0.7;
  const rescued = refused && rand() < 0.75;
  const model = rescued ? sonnet : asked;
  const failed = refused ? !rescued : rand() < model.fail;
  const failure = (refused ? failures[0] : undefined) ?? pick(failures, rand());
  const cancelled = !failed && rand() < 0.012;
  const hit = !failed && !cancelled && !refused && team === 'support' && rand() < 0.12;
  const slow = stormy && asked.provider === 'openai' ? 3 : 1;
  const ttft = model.ttft * Math.exp((rand() + rand() + rand() - 1.5) * 0.8) * slow;
  const output = Math.max(4, Math.round(Math.exp(4.2 + (rand() + rand() + rand() - 1.5) * 1.7)));
  const input = Math.max(20, Math.round(Math.exp(6.3 + (rand() + rand() + rand() - 1.5) * 2))) * (runaway ? 9 : 1);
  const cached = rand() < 0.5 ? Math.floor(input * rand() * 0.9) : 0;
  const streamed = model.ttft > 0 && rand() < 0.8 && !hit;
  const upstream = hit ? 0 : failed ? 180 + rand() * 400 : ttft + output * (model.ms / 90) * (0.7 + rand() * 0.8) * 0.9;
  const wait = rescued ? 400 + rand() * 900 : 0;
  const overhead = 0.3 + rand() * 0.7;
  const price = model.price;
  const inputCost = (input - cached) * price[0];
  const readCost = cached * price[1];
  const outputCost = output * price[2];
  const unpriced = model.provider === 'mistral' && rand() < 0.03;
  const estimated = cancelled && !unpriced;
  const total = inputCost + readCost + outputCost;
  const billed = !failed && !hit && !unpriced;
  const session = rand() < 0.35 ? `s-${Math.floor(at / (12 * MINUTE)).toString(36)}${Math.floor(rand() * 6)}` : '';
  const request = requestRow(at, id, {
    provider: hit ? asked.provider : model.provider,
    operation: asked.operation,
    path: asked.path,
    host: model.host,
    request_model: asked.model,
    response_model: failed ? '' : model.model,
    streamed,
    status: failed ? failure[1] : 200,
    outcome: failed ? failure[0] : cancelled ? 'cancelled' : 'ok',
    error_type: failed ? failure[2] : '',
    error_message: failed ? failure[3] : '',
    duration_ms: upstream + wait + overhead,
    ttft_ms: streamed && !failed ? ttft + wait : null,
    overhead_ms: overhead,
    wait_ms: wait,
    upstream_ms: upstream,
    ...(failed
      ? {}
      : {
          input_tokens: input,
          output_tokens: asked.operation === 'embeddings' ? 0 : output,
          cache_read_tokens: cached,
          reasoning_tokens: model.model.startsWith('gpt-5') ? Math.floor(output * 0.4) : 0,
        }),
    usage_source: failed ? 'none' : estimated ? 'estimated' : 'provider',
    ...(billed
      ? {
          cost_usd: usd(total),
          input_cost_usd: usd(inputCost),
          output_cost_usd: usd(outputCost),
          cache_read_cost_usd: usd(readCost),
          cache_write_cost_usd: '0',
          other_cost_usd: '0',
          retry_cost_usd: '0',
          price_id: `genai-prices@0.1.8:${model.model}`,
        }
      : {}),
    ...(hit
      ? { cost_usd: '0', saved_usd: usd(total), cache: rand() < 0.9 ? ('hit' as const) : ('semantic_hit' as const) }
      : team === 'support'
        ? { cache: 'miss' as const }
        : {}),
    finish_reasons: failed ? [] : [rand() < 0.12 ? 'tool_calls' : 'stop'],
    tool_calls: rand() < 0.12 ? 1 : 0,
    user_id: user,
    session_id: session,
    session_name: session ? 'Find a lamp' : '',
    session_path: session ? pick(['/plan', '/find/search', '/find/decide', '/answer'], rand()) : '',
    properties: { team, feature: pick(features, rand()), env: rand() < 0.9 ? 'production' : 'staging' },
    attempts: hit ? 0 : rescued ? 2 : 1,
    route: rescued ? 'assistant' : '',
    warnings: [],
  });
  rows.requests.push(request);
  if (!hit) addAttempts(rows, request, { rescued, wait });
  if (now - at < 3 * HOUR && rand() < 0.5) rows.bodies.push(...chatBodies(request));
  if (now - at < DAY && rand() < 0.05) {
    rows.scores.push({
      score_id: `sc-${id}`,
      request_id: id,
      project: 'default',
      request_started_at: request.started_at,
      name: 'grounded',
      value: Math.round(rand() * 100) / 100,
      label: '',
      comment: '',
      source: 'judge gpt-5-mini',
      scored_at: request.started_at,
    });
  }
}

function addAttempts(rows: Rows, request: RequestRow, { rescued, wait }: { rescued: boolean; wait: number }): void {
  if (!rescued) {
    rows.attempts.push(attemptRow(request));
    return;
  }
  rows.attempts.push(
    attemptRow(request, {
      provider: 'openai',
      model: request.request_model,
      host: 'api.openai.com',
      status: 429,
      outcome: 'rate_limited',
      error_type: 'rate_limit_exceeded',
      error_message: 'Rate limit reached for tokens per minute: limit 2,000,000, used 1,987,412',
      duration_ms: 188,
      headers_ms: 186,
      cost_usd: null,
      price_id: '',
    }),
    attemptRow(request, {
      attempt_index: 1,
      reason: 'fallback',
      trigger: '429',
      wait_ms: wait,
      duration_ms: Math.max(1, request.upstream_ms - 188),
    }),
  );
}

const BATCH = 10_000;
const timeOf = (row: RequestRow | AttemptRow | BodyRow | ScoreRow): string =>
  'started_at' in row ? row.started_at : row.request_started_at;

export async function insertRows(db: Db, rows: Partial<Rows>): Promise<void> {
  for (const table of ['attempts', 'bodies', 'scores', 'requests'] as const) {
    // In the order of time, so that a batch falls into few partitions.
    const all = [...(rows[table] ?? [])].sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : 1));
    for (let start = 0; start < all.length; start += BATCH) {
      await db.insert({ table, values: all.slice(start, start + BATCH), format: 'JSONEachRow' });
    }
  }
}
