/**
 * What vendors add to the text that a caller sends. OpenAI publishes its rules; for the others the constants are the medians of
 * what they reported in recorded traffic (`npm run conformance` prints how far the estimates lie off).
 */
export interface Rule {
  /** Names of models, wherever they are served (`us.anthropic.claude-…`, `openai/gpt-4o`, `models/gemini-…`). */
  readonly models: RegExp;
  /** Tokens of the vendor's own encoding for one of tiktoken's. */
  readonly factor: number;
  readonly perConversation: number;
  readonly perMessage: number;
  /** Once, where functions are declared. */
  readonly withFunctions: number;
  /** How a declared function is counted: by OpenAI's rule, or as the JSON that it is. */
  readonly functions: 'openai' | 'json';
  readonly images: 'openai' | 'anthropic' | 'google';
}

const plain = {
  factor: 1,
  perConversation: 5,
  perMessage: 0,
  withFunctions: 40,
  functions: 'json',
  images: 'openai',
} as const;

const rules: readonly Rule[] = [
  { ...plain, models: /gpt-oss/i, perConversation: 65, withFunctions: 25 },
  /**
   * github.com/openai/openai-cookbook, `How_to_count_tokens_with_tiktoken`: 3 tokens around each message and 1 for its role, 3
   * before the reply.
   */
  {
    models: /(^|[/.:])(gpt-|chatgpt-|o[134](-|$)|computer-use)/i,
    factor: 1,
    perConversation: 3,
    perMessage: 4,
    withFunctions: 0,
    functions: 'openai',
    images: 'openai',
  },
  /** docs.anthropic.com …/tool-use/overview#pricing says 313 to 346 for tools; more is reported. */
  { ...plain, models: /claude/i, factor: 1.1, perConversation: 7, withFunctions: 540, images: 'anthropic' },
  { ...plain, models: /gemini|gemma/i, perConversation: 0, withFunctions: 0, images: 'google' },
  { ...plain, models: /grok/i, perConversation: 190, withFunctions: 80 },
  { ...plain, models: /deepseek/i, withFunctions: 265 },
  { ...plain, models: /llama-?4/i, perConversation: 10, withFunctions: 660 },
  { ...plain, models: /llama/i, perConversation: 35, withFunctions: 150 },
  { ...plain, models: /qwen|qwq/i, perConversation: 10, withFunctions: 100 },
];

/** The rule of a model; of an unknown one what most do. */
export function ruleOf(model: string): Rule {
  return rules.find(({ models }) => models.test(model)) ?? { ...plain, models: /./ };
}
