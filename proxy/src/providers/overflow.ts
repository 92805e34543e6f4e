/** Whether a provider refused a call because its question is longer than the model's context. */
import { asObject, asText, parseJson } from '../json/value.ts';

/** OpenAI and who speaks its API say it by a code (platform.openai.com/docs/guides/error-codes). */
const codes = new Set(['context_length_exceeded', 'string_above_max_length', 'model_max_prompt_tokens_exceeded']);
/** The others have no code for it: Anthropic, Google, Bedrock, Mistral and vLLM by their sentences. */
const sentences =
  /prompt is too long|input is too long|exceeds? the (?:maximum|model'?s)[^.]{0,40}(?:tokens?|context)|maximum context length|context (?:window|length) (?:exceeded|limit)|too many (?:input )?tokens|input token count/i;

/** @param body of an answer of status 400 or 413. */
export function saysTooLong(body: Buffer): boolean {
  const root = asObject(parseJson(body.toString())?.value);
  const error = asObject(root?.['error']) ?? root;
  const code = asText(error?.['code']) ?? asText(error?.['type']);
  if (code !== null && codes.has(code)) return true;
  return sentences.test(asText(error?.['message']) ?? asText(root?.['error']) ?? '');
}
