import { messagesFormat } from './anthropic/messages.ts';
import { converseFormat } from './bedrock/converse.ts';
import { invokeFormat } from './bedrock/invoke.ts';
import { cohereFormat } from './cohere/native.ts';
import type { Format, Quirks } from './format.ts';
import { generateFormat } from './google/generate.ts';
import { interactionsFormat } from './google/interactions.ts';
import { predictFormat } from './google/predict.ts';
import { ollamaFormat } from './ollama/native.ts';
import { chatFormat } from './openai/chat.ts';
import { imageFormat, otherFormat } from './openai/other.ts';
import { responsesFormat } from './openai/responses.ts';
import { plainFormat, storedFormat } from './plain.ts';
import type { Operation } from './provider.ts';
import { watsonxFormat } from './watsonx.ts';

/** Paths that only one API has, whatever the operation. First match wins. */
const BY_PATH: readonly (readonly [RegExp, Format])[] = [
  [/^\/model\/.+\/(?:invoke|invoke-with-response-stream)$/, invokeFormat],
  [/^\/model\/.+\/(?:converse|converse-stream)$/, converseFormat],
  [/\/api\/(?:chat|generate|embed|embeddings)$/, ollamaFormat],
  [/\/v2\/(?:chat|embed)$/, cohereFormat],
  [/:predict$/, predictFormat],
  [/\/interactions(?:\/[^/]+)?$/, interactionsFormat],
  [/\/(?:text\/generation|generation\/text)(?:_stream)?$/, watsonxFormat],
  [/\/complete$/, messagesFormat],
  [/\/(?:files\/[^/]+(?:\/content|:download)|batches\/[^/]+\/results)$/, storedFormat],
];

/** Operations whose reply has one shape. */
const BY_OPERATION: Readonly<Partial<Record<Operation, Format>>> = {
  chat: chatFormat,
  completion: chatFormat,
  responses: responsesFormat,
  messages: messagesFormat,
  generate_content: generateFormat,
  image: imageFormat,
  audio: otherFormat,
  moderation: otherFormat,
  rerank: otherFormat,
};

/** Operations that are answered by one of the formats above; all else has no usage. */
const READ: ReadonlySet<Operation> = new Set<Operation>([
  'chat',
  'completion',
  'embeddings',
  'image',
  'messages',
  'generate_content',
  'rerank',
  'batch',
  'file',
]);

/**
 * The reply format of a call. It follows from the operation and the path, not from the dialect: vendors serve each
 * other's APIs beside their own (`/v1beta/openai/chat/completions`, `/anthropic/v1/messages`).
 */
export function formatOf(operation: Operation, path: string): Format {
  const own = READ.has(operation) ? BY_PATH.find(([pattern]) => pattern.test(path))?.[1] : undefined;
  if (own !== undefined) return own;
  if (operation === 'embeddings') return path.includes(':') ? generateFormat : otherFormat;
  return BY_OPERATION[operation] ?? plainFormat;
}

/** How a provider's row departs from the format's own reading of usage. */
export function usageQuirk(format: Format, quirks: Quirks): Quirks['chatUsage'] {
  if (format === chatFormat) return quirks.chatUsage;
  return format === otherFormat || format === imageFormat ? quirks.otherUsage : undefined;
}
