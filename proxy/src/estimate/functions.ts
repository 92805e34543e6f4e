/** Tokens of the declarations of a caller's functions. */
import { asList, asObject, asText, jsonText, type JsonObject } from '../json/value.ts';
import { countTokens, type Encoding } from './text.ts';
import type { Rule } from './rules.ts';

/**
 * github.com/openai/openai-cookbook, `How_to_count_tokens_with_tiktoken`, section 7: what OpenAI adds for each function, property
 * and value of an enumeration, for the models since GPT-4o; those before take 10 for a function.
 */
const openaiRule = {
  function: { o200k_base: 7, cl100k_base: 10 },
  properties: 3,
  property: 3,
  enumeration: -3,
  value: 3,
  end: 12,
};

const deepest = 8;

/** An estimate of the tokens of all declarations together. */
export function functionTokens(functions: readonly JsonObject[], rule: Rule['functions'], encoding: Encoding): number {
  if (functions.length === 0) return 0;
  if (rule === 'openai') return functions.reduce((sum, one) => sum + openaiFunction(one, encoding), openaiRule.end);
  return countTokens(functions.map((one) => jsonText(one) ?? '').join('\n'), encoding);
}

function openaiFunction(declared: JsonObject, encoding: Encoding): number {
  const line = `${asText(declared['name']) ?? ''}:${sentence(declared['description'])}`;
  const schema = asObject(declared['parameters']) ?? {};
  return openaiRule.function[encoding] + countTokens(line, encoding) + properties(schema, encoding, 0);
}

function properties(schema: JsonObject, encoding: Encoding, depth: number): number {
  const of = Object.entries(asObject(schema['properties']) ?? {});
  if (of.length === 0 || depth > deepest) return 0;
  let sum = openaiRule.properties;
  for (const [name, value] of of) {
    const property = asObject(value) ?? {};
    const line = `${name}:${asText(property['type']) ?? ''}:${sentence(property['description'])}`;
    sum += openaiRule.property + countTokens(line, encoding);
    const values = asList(property['enum']);
    if (values.length > 0) sum += openaiRule.enumeration;
    for (const one of values) sum += openaiRule.value + countTokens(String(one), encoding);
    sum += properties(property, encoding, depth + 1);
    sum += properties(asObject(property['items']) ?? {}, encoding, depth + 1);
  }
  return sum;
}

/** Without the full stop at its end, as the rule has it. */
function sentence(value: unknown): string {
  return (asText(value) ?? '').replace(/\.$/, '');
}
