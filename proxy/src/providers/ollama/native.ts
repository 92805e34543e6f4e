import { TEXT, keep, merge, plan } from '../../json/plan.ts';
import { asCount, asList, asObject, jsonText } from '../../json/value.ts';
import { ERROR_PLAN, readError } from '../read-error.ts';
import { UNKNOWN_USAGE } from '../facts.ts';
import type { Format } from '../format.ts';

/**
 * Ollama's own API, one object a line: docs.ollama.com/api/chat, …/generate, …/embed. Every line has the shape of a whole
 * reply; the last is `done` and has the counts. Tool calls come whole.
 */
export const ollamaFormat: Format = {
  plan: merge(
    ERROR_PLAN,
    plan({
      ...keep('model', 'done', 'done_reason', 'prompt_eval_count', 'eval_count'),
      response: TEXT,
      thinking: TEXT,
      message: plan(
        { content: TEXT, thinking: TEXT, tool_calls: plan({ function: plan(keep('name')) }) },
        { keep: true },
      ),
    }),
  ),

  reply(facts, body) {
    facts.identity(body['model'], null);
    facts.text(body['response']);
    facts.text(body['thinking']);
    const message = asObject(body['message']);
    facts.text(message?.['content']);
    facts.text(message?.['thinking']);
    for (const value of asList(message?.['tool_calls'])) {
      const called = asObject(asObject(value)?.['function']);
      if (called === null) continue;
      facts.anotherToolCall();
      facts.text(called['name']);
      const parameters = asObject(called['arguments']);
      if (parameters !== null) facts.text(jsonText(parameters));
    }
    facts.finish(0, body['done_reason']);
    facts.usage({ prompt_eval_count: body['prompt_eval_count'], eval_count: body['eval_count'] });
    if (body['done'] === true) facts.complete = true;
  },

  event(facts, event) {
    if (!readError(facts, event, false)) this.reply(facts, event);
  },

  usage: (raw) => ({
    ...UNKNOWN_USAGE,
    input_tokens: asCount(raw['prompt_eval_count']),
    output_tokens: asCount(raw['eval_count']),
  }),
};
