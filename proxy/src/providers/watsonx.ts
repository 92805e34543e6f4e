import { TEXT, keep, merge, plan } from '../json/plan.ts';
import { asCount, asList, asObject } from '../json/value.ts';
import { ERROR_PLAN, readError } from './read-error.ts';
import { UNKNOWN_USAGE } from './facts.ts';
import type { Format } from './format.ts';

/** The reason of every piece but the last. */
const UNFINISHED = 'not_finished';

/**
 * watsonx.ai text generation, whole and as events: cloud.ibm.com/apidocs/watsonx-ai#text-generation. In a stream the input
 * is counted in the first event, and the output so far in each.
 */
export const watsonxFormat: Format = {
  plan: merge(
    ERROR_PLAN,
    plan({
      ...keep('model_id', 'model_version'),
      results: plan({ ...keep('stop_reason', 'input_token_count', 'generated_token_count'), generated_text: TEXT }),
    }),
  ),

  reply(facts, body) {
    facts.identity(body['model_id'], null);
    asList(body['results']).forEach((value, position) => {
      const result = asObject(value);
      if (result === null) return;
      facts.text(result['generated_text']);
      if (result['stop_reason'] !== UNFINISHED) facts.finish(position, result['stop_reason']);
      // Later events say 0 for what was counted before.
      const input = asCount(result['input_token_count']);
      facts.usage({
        input_token_count: input === 0 ? null : input,
        generated_token_count: result['generated_token_count'],
      });
    });
  },

  event(facts, event, name) {
    if (!readError(facts, event, name === 'error')) this.reply(facts, event);
  },

  endsWithFinish: true,
  usage: (raw) => ({
    ...UNKNOWN_USAGE,
    input_tokens: asCount(raw['input_token_count']),
    output_tokens: asCount(raw['generated_token_count']),
  }),
};
