/**
 * Where a provider has an operation that others have too: a call that is sent elsewhere than its path says keeps its body and
 * takes the path of whoever answers.
 */
import type { Operation } from './provider.ts';

/** What decides a path. */
export interface PathQuestion {
  operation: Operation;
  model: string;
  /** The answer is asked for as a stream. */
  streamed: boolean;
}

/** @returns the path, with a query where one is needed; null where the provider has no such operation. */
export type PathOf = (question: PathQuestion) => string | null;

/** What servers of OpenAI's API have. `responses` is not among it: few do. */
const shared: Partial<Record<Operation, string>> = {
  chat: '/chat/completions',
  completion: '/completions',
  embeddings: '/embeddings',
};

/** @param base what stands before the operation's own name. @param more operations beside. */
export function openaiPaths(base: string, more: Partial<Record<Operation, string>> = {}): PathOf {
  const ends = { ...shared, ...more };
  return ({ operation }) => (ends[operation] === undefined ? null : base + ends[operation]);
}

export const responsesPath = { responses: '/responses' } as const;

/** platform.openai.com/docs/api-reference */
export const openaiOwnPaths = openaiPaths('/v1', {
  ...responsesPath,
  image: '/images/generations',
  moderation: '/moderations',
});

/** docs.anthropic.com/en/api */
export const anthropicPaths: PathOf = ({ operation }) =>
  operation === 'messages' ? '/v1/messages' : operation === 'token_count' ? '/v1/messages/count_tokens' : null;

/** ai.google.dev/api, and …/gemini-api/docs/openai for the shared operations. */
export const googlePaths: PathOf = (question) => {
  const { operation, model, streamed } = question;
  if (operation !== 'generate_content') return openaiPaths('/v1beta/openai')(question);
  const path = `/v1beta/models/${encodeURIComponent(model)}`;
  return streamed ? `${path}:streamGenerateContent?alt=sse` : `${path}:generateContent`;
};

/** learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle: the v1 API takes the deployment as its model. */
export const azurePaths = openaiPaths('/openai/v1', responsesPath);

/** docs.aws.amazon.com/bedrock/latest/userguide/bedrock-mantle.html */
export const bedrockPaths: PathOf = (question) =>
  question.operation === 'messages' ? '/anthropic/v1/messages' : openaiPaths('/v1', responsesPath)(question);
