/** How far an estimate of tokens lies from what the provider reported, over the recordings that report it. */
import { estimateInput } from '../../proxy/src/estimate/input.ts';
import { estimateTokens } from '../../proxy/src/estimate/text.ts';
import { readRecording, whole } from './judge.ts';
import { bodyOf, type Recording } from './recordings.ts';

export interface EstimateErrors {
  readonly provider: string;
  readonly what: 'input' | 'output';
  readonly recordings: number;
  /** Of |estimate − reported| ÷ reported, in percent. */
  readonly median: number;
  readonly p95: number;
  /** Of estimate ÷ reported: which way it errs. */
  readonly ratio: number;
}

/** Requests that are not as they were sent, and tools that the provider runs: what they put in, nobody else can count. */
const notAsSent = /^request_(synthesised|scrubbed|body_)/;
const unseen = 'server_or_other_tools';
/** Replies of which only a few tokens were written say nothing of a share. */
const leastTokens = 20;
const counted = new Set(['chat', 'responses', 'messages', 'generate_content', 'completion', 'embeddings']);

export function estimateErrors(recordings: readonly Recording[]): EstimateErrors[] {
  const ratios = new Map<string, { provider: string; what: 'input' | 'output'; ratios: number[] }>();
  for (const recording of recordings) {
    if (recording.response.status !== 200 || recording.expect_confidence !== 'high') continue;
    if (recording.flags.some((flag) => notAsSent.test(flag)) || recording.tags.includes(unseen)) continue;
    const { request, reply, operation } = readRecording(recording, whole);
    if (!counted.has(operation) || reply.usage === null) continue;
    const model = reply.model ?? request.model ?? '';
    const { input_tokens: input, output_tokens: output, reasoning_tokens: reasoning } = reply.usage;
    const add = (what: 'input' | 'output', estimate: number, reported: number): void => {
      if (reported < leastTokens) return;
      const key = `${recording.provider} ${what}`;
      const entry = ratios.get(key) ?? { provider: recording.provider, what, ratios: [] };
      ratios.set(key, entry);
      entry.ratios.push(estimate / reported);
    };
    if (input !== null) add('input', estimateInput(bodyOf(recording.request), request.text, model), input);
    // Reasoning is billed and not shown: nobody can count it.
    if (output !== null && operation !== 'embeddings')
      add('output', estimateTokens(reply.text, model), output - (reasoning ?? 0));
  }
  return [...ratios.values()]
    .map(({ provider, what, ratios: all }) => {
      const errors = all.map((ratio) => 100 * Math.abs(ratio - 1));
      return {
        provider,
        what,
        recordings: all.length,
        median: at(errors, 0.5),
        p95: at(errors, 0.95),
        ratio: at(all, 0.5),
      };
    })
    .sort((a, b) => (a.provider + a.what < b.provider + b.what ? -1 : 1));
}

export function estimateTable(all: readonly EstimateErrors[]): string {
  return [
    'provider | of | recordings | median error % | p95 error % | median estimate ÷ reported',
    ...all.map(({ provider, what, recordings, median, p95, ratio }) =>
      [provider, what, recordings, median.toFixed(1), p95.toFixed(1), ratio.toFixed(2)].join(' | '),
    ),
  ].join('\n');
}

function at(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
