/** Who calls what in the demo: an invented company with four teams, and the models they use. */
import type { Operation } from '../providers/provider.ts';

export interface DemoModel {
  provider: string;
  model: string;
  /** What the provider answers it is. */
  answers: string;
  operation: Operation;
  path: string;
  weight: number;
  /** Medians: ms to the first token, output tokens a second, output tokens. */
  firstTokenMs: number;
  tokensPerSecond: number;
  outputTokens: number;
  reasons: boolean;
}

const openai = { provider: 'openai', operation: 'chat' as const, path: '/v1/chat/completions' };
const anthropic = { provider: 'anthropic', operation: 'messages' as const, path: '/v1/messages' };

export const gpt5: DemoModel = {
  ...openai,
  model: 'gpt-5',
  answers: 'gpt-5-2025-08-07',
  weight: 30,
  firstTokenMs: 620,
  tokensPerSecond: 78,
  outputTokens: 260,
  reasons: true,
};
export const gpt5Mini: DemoModel = {
  ...openai,
  model: 'gpt-5-mini',
  answers: 'gpt-5-mini-2025-08-07',
  weight: 24,
  firstTokenMs: 330,
  tokensPerSecond: 130,
  outputTokens: 180,
  reasons: true,
};
export const sonnet: DemoModel = {
  ...anthropic,
  model: 'claude-sonnet-4-5',
  answers: 'claude-sonnet-4-5-20250929',
  weight: 20,
  firstTokenMs: 690,
  tokensPerSecond: 72,
  outputTokens: 320,
  reasons: false,
};
const haiku: DemoModel = {
  ...anthropic,
  model: 'claude-haiku-4-5',
  answers: 'claude-haiku-4-5-20251001',
  weight: 9,
  firstTokenMs: 250,
  tokensPerSecond: 150,
  outputTokens: 140,
  reasons: false,
};
const flash: DemoModel = {
  provider: 'google',
  operation: 'generate_content',
  path: '/v1beta/models/gemini-2.5-flash:streamGenerateContent',
  model: 'gemini-2.5-flash',
  answers: 'gemini-2.5-flash',
  weight: 13,
  firstTokenMs: 280,
  tokensPerSecond: 190,
  outputTokens: 150,
  reasons: true,
};
const mistral: DemoModel = {
  provider: 'mistral',
  operation: 'chat',
  path: '/v1/chat/completions',
  model: 'mistral-medium-latest',
  answers: 'mistral-medium-latest',
  weight: 4,
  firstTokenMs: 300,
  tokensPerSecond: 95,
  outputTokens: 160,
  reasons: false,
};

export const models: readonly DemoModel[] = [gpt5, gpt5Mini, sonnet, haiku, flash, mistral];

export interface DemoTeam {
  name: string;
  weight: number;
  features: readonly string[];
  models: readonly DemoModel[];
  /** Median input tokens, and the share of requests whose prompt is read from the provider's cache. */
  inputTokens: number;
  cached: number;
  streamed: number;
}

export const teams: readonly DemoTeam[] = [
  {
    name: 'search',
    weight: 42,
    features: ['answer', 'rewrite', 'photo-match'],
    models: [gpt5, gpt5Mini, sonnet],
    inputTokens: 2_400,
    cached: 0.5,
    streamed: 0.9,
  },
  {
    name: 'support',
    weight: 31,
    features: ['reply', 'triage'],
    models: [sonnet, haiku, gpt5Mini],
    inputTokens: 1_500,
    cached: 0.7,
    streamed: 0.8,
  },
  {
    name: 'docs',
    weight: 18,
    features: ['summary', 'translate'],
    models: [flash, mistral, gpt5Mini],
    inputTokens: 4_200,
    cached: 0.1,
    streamed: 0.3,
  },
  {
    name: 'growth',
    weight: 9,
    features: ['copy'],
    models: [flash, gpt5Mini],
    inputTokens: 600,
    cached: 0,
    streamed: 0.5,
  },
];

const names = [
  'maria.k',
  'jonas.w',
  'sam.o',
  'li.wei',
  'ana.p',
  'kofi.a',
  'emma.s',
  'noah.b',
  'aiko.t',
  'lena.f',
  'omar.h',
  'zoe.m',
];
/** Users as `organisation:person`; earlier ones call more. */
export const users: readonly string[] = Array.from({ length: 180 }, (_, index) => {
  const organisation = String(400 + ((index * 37) % 60) * 53).padStart(4, '0');
  return `org_${organisation}:${names[index % names.length] ?? 'user'}`;
});

/** A batch job that ran wild one night. */
export const runawayUser = 'svc-nightly-eval';

export const sessionSteps = ['understand', 'plan', 'search', 'decide', 'phrase'] as const;
