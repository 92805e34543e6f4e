/** What goes wrong with a call of the demo: refusals, overload, silence, broken connections, and how it ended after all. */
import type { Outcome } from '@weir/schema/records';
import type { Random } from './random.ts';
import { sonnet, type DemoModel } from './world.ts';

/** An attempt that failed, `ms` after it began. */
export interface Failure {
  model: DemoModel;
  status: number | null;
  outcome: Outcome;
  type: string;
  message: string;
  trigger: string;
  ms: number;
}

/** How a call goes: what fails first, and what comes of it. */
export interface Plan {
  failures: Failure[];
  /** Who answers in the end; null: nobody does. */
  answer: DemoModel | null;
  outcome: Outcome;
}

/** The course of a call that has trouble; during the outage most are saved by another provider. */
export function troubleOf(random: Random, model: DemoModel, outage: boolean): Plan {
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
