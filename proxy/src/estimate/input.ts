/** An estimate of a request's input tokens, by what was kept of it. */
import type { TextSample } from '../providers/provider.ts';
import { functionTokens } from './functions.ts';
import { imageTokens } from './images.ts';
import { readQuestion } from './question.ts';
import { ruleOf } from './rules.ts';
import { countTokens, encodingOf, estimateTokens } from './text.ts';

/**
 * @param body what was kept of the request; null where nothing was: then its text alone is counted.
 * @param text the sample of its text, which is always there.
 */
export function estimateInput(body: Buffer | null, text: TextSample, model: string): number {
  const rule = ruleOf(model);
  if (body === null) return Math.round(rule.factor * estimateTokens(text, model));
  const question = readQuestion(body);
  const encoding = encodingOf(model);
  // A body that was cut holds less text than went by.
  const said = question.text.characters >= text.characters ? question.text : text;
  const written =
    estimateTokens(said, model) +
    countTokens(question.structured, encoding) +
    functionTokens(question.functions, rule.functions, encoding);
  return (
    Math.round(rule.factor * written) +
    (question.messages === 0 ? 0 : rule.perConversation + question.messages * rule.perMessage) +
    (question.functions.length === 0 ? 0 : rule.withFunctions) +
    question.images.reduce((sum, image) => sum + imageTokens(image, rule.images, model), 0)
  );
}
