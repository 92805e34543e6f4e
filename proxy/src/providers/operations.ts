import type { Operation } from './provider.ts';

/**
 * What a call is, by the end of its path. Vendors put their own prefix before it (`/openai/v1/…`, `/api/v1/…`,
 * `/v1beta/openai/…`) and speak each other's APIs, so one table serves every dialect. First match wins.
 */
const TABLE: readonly (readonly [RegExp, Operation])[] = [
  // platform.openai.com/docs/api-reference
  [/\/chat\/completions$/, 'chat'],
  // docs.cohere.com, dev.writer.com, docs.ollama.com
  [/\/(?:v\d+|api)\/chat$/, 'chat'],
  [/\/responses\/input_tokens$/, 'token_count'],
  [/\/responses\/[^/]+\/input_items$/, 'other'],
  [/\/responses(?:\/[^/]+(?:\/cancel)?)?$/, 'responses'],
  [/\/(?:embeddings|multimodalembeddings|contextualizedembeddings|embed)$/, 'embeddings'],
  [/\/images\/[^/]+$/, 'image'],
  [/\/audio\/[^/]+$/, 'audio'],
  [/\/moderations$/, 'moderation'],
  [/\/rerank$/, 'rerank'],
  [/\/realtime(?:\/.*)?$/, 'realtime'],
  // docs.anthropic.com/en/api
  [/\/messages\/batches(?:\/.*)?$/, 'batch'],
  [/\/messages\/count_tokens$/, 'token_count'],
  [/\/messages$/, 'messages'],
  [/\/complete$/, 'completion'],
  [/\/(?:fim\/)?completions$/, 'completion'],
  // ai.google.dev/api
  [/:(?:streamGenerateContent|generateContent)$/, 'generate_content'],
  [/:(?:embedContent|batchEmbedContents|asyncBatchEmbedContent)$/, 'embeddings'],
  [/:countTokens$/, 'token_count'],
  [/:batchGenerateContent$/, 'batch'],
  [/\/interactions(?:\/[^/]+)?$/, 'generate_content'],
  // what all have
  [/\/batches(?:\/.*)?$/, 'batch'],
  [/\/(?:files|uploads)(?:\/.*)?$/, 'file'],
  [/\/models(?:\/.+)?$/, 'model_list'],
  [/\/mcp(?:\/.*)?$/, 'mcp'],
];

/** Operations that only a write performs: a GET of the same path lists or fetches what is stored. */
const WRITES: ReadonlySet<Operation> = new Set<Operation>([
  'chat',
  'messages',
  'completion',
  'embeddings',
  'image',
  'moderation',
  'rerank',
]);

/** The `operation` column, from method and path after the provider (without query). */
export function operationOf(method: string, path: string): Operation {
  const trimmed = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  const found = TABLE.find(([pattern]) => pattern.test(trimmed))?.[1] ?? 'other';
  const reads = method === 'GET' || method === 'HEAD' || method === 'DELETE';
  return reads && WRITES.has(found) ? 'other' : found;
}

/**
 * The model named in a path such as `/v1beta/models/gemini-2.5-pro:generateContent` or
 * `/openai/deployments/gpt-4o/chat/completions`, else `null`.
 */
export function modelInPath(path: string): string | null {
  const found = (/\/(?:models|tunedModels)\/([^/:]+)(?::[^/]*)?$/.exec(path) ??
    /\/deployments\/([^/]+)\//.exec(path))?.[1];
  if (found === undefined) return null;
  try {
    return decodeURIComponent(found);
  } catch {
    return found;
  }
}
