/**
 * How hard a model shall think: a word in one API, a number of tokens in another. The numbers for the words are Weir's own
 * choice, between what the vendors' compatible endpoints use; docs/unified.md has the table.
 */
import type { Effort, Reasoning } from './conversation.ts';

const TOKENS: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 1_024,
  low: 2_048,
  medium: 8_192,
  high: 24_576,
  xhigh: 32_768,
  max: 32_768,
};

/** The tokens that a word stands for. */
export function budgetOf(effort: Effort): number {
  return TOKENS[effort];
}

/** The smallest word whose tokens are enough; beyond `high` models differ in the words that they know. */
export function effortOf(budget: number): Effort {
  if (budget <= 0) return 'none';
  for (const effort of ['minimal', 'low', 'medium'] as const) if (budget <= TOKENS[effort]) return effort;
  return 'high';
}

/** The effort asked for, in a word; `null`: the model's own choice. */
export function effortAsked(reasoning: Reasoning): Effort | null {
  if (reasoning.effort !== null) return reasoning.effort;
  return typeof reasoning.budget === 'number' ? effortOf(reasoning.budget) : null;
}

/** The same in tokens. */
export function budgetAsked(reasoning: Reasoning): number | null {
  if (typeof reasoning.budget === 'number') return reasoning.budget;
  return reasoning.effort === null ? null : budgetOf(reasoning.effort);
}

/** Of two that are asked for, the one that the target knows. */
export function known(effort: Effort, words: readonly Effort[]): Effort {
  if (words.includes(effort)) return effort;
  return effort === 'none' || effort === 'minimal' ? (words[0] ?? 'low') : (words.at(-1) ?? 'high');
}
