import type { Operation } from './provider.ts';

/** What an invoked or predicted model does, by its name: the path is the same for all of them. */
const KINDS: readonly (readonly [RegExp, Operation])[] = [
  [/embed|gecko/i, 'embeddings'],
  [/rerank/i, 'rerank'],
  [/imagen|image|canvas|stability\.|stable-|diffusion/i, 'image'],
];

function kindOf(model: string, otherwise: Operation): Operation {
  return KINDS.find(([pattern]) => pattern.test(model))?.[1] ?? otherwise;
}

/**
 * What a call is, by the end of its path. Vendors put their own prefix before it (`/openai/v1/…`, `/api/v1/…`,
 * `/v1beta/openai/…`) and speak each other's APIs, so one table serves every dialect. First match wins.
 */
const TABLE: readonly (readonly [RegExp, Operation | ((found: RegExpExecArray) => Operation)])[] = [
  // docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html
  [/^\/model\/(.+)\/(?:invoke|invoke-with-response-stream)$/, (found) => kindOf(found[1] ?? '', 'chat')],
  [/^\/model\/.+\/(?:converse|converse-stream)$/, 'chat'],
  [/^\/model\/.+\/count-tokens$/, 'token_count'],
  [/\/guardrail\/[^/]+\/version\/[^/]+\/apply$/, 'moderation'],
  // platform.openai.com/docs/api-reference
  [/\/chat\/completions$/, 'chat'],
  // docs.cohere.com, dev.writer.com, docs.ollama.com, cloud.ibm.com/apidocs/watsonx-ai
  [/\/(?:v\d+|api)\/chat$/, 'chat'],
  [/\/text\/chat(?:_stream)?$/, 'chat'],
  [/\/(?:v1|api)\/generate$/, 'completion'],
  [/\/(?:text\/generation|generation\/text)(?:_stream)?$/, 'completion'],
  [/\/(?:tokenize|tokenization|tokenize-text)$/, 'token_count'],
  [/\/api\/(?:tags|show|ps)$/, 'model_list'],
  [/\/responses\/input_tokens$/, 'token_count'],
  [/\/responses\/[^/]+\/input_items$/, 'other'],
  [/\/responses(?:\/[^/]+(?:\/cancel)?)?$/, 'responses'],
  [/\/(?:embeddings|multimodalembeddings|contextualizedembeddings|embed)$/, 'embeddings'],
  [/\/images\/[^/]+$/, 'image'],
  [/\/audio\/[^/]+$/, 'audio'],
  // developers.deepgram.com/reference
  [/\/v1\/(?:listen|speak)$/, 'audio'],
  [/\/moderations$/, 'moderation'],
  [/\/rerank$/, 'rerank'],
  [/\/realtime(?:\/.*)?$/, 'realtime'],
  // ai.google.dev/api/live
  [/[./]BidiGenerateContent(?:Constrained)?$/, 'realtime'],
  // docs.anthropic.com/en/api
  [/\/messages\/batches(?:\/.*)?$/, 'batch'],
  [/\/messages\/count_tokens$/, 'token_count'],
  [/\/messages$/, 'messages'],
  [/\/complete$/, 'completion'],
  [/\/(?:fim\/)?completions$/, 'completion'],
  // ai.google.dev/api, cloud.google.com/vertex-ai/docs/reference/rest
  [/:(?:streamGenerateContent|generateContent)$/, 'generate_content'],
  [/:(?:embedContent|batchEmbedContents|asyncBatchEmbedContent)$/, 'embeddings'],
  [/:(?:countTokens|computeTokens)$/, 'token_count'],
  [/\/models\/count-tokens:rawPredict$/, 'token_count'],
  [/\/publishers\/anthropic\/models\/[^/]+:(?:rawPredict|streamRawPredict)$/, 'messages'],
  [/\/models\/([^/]+):(?:rawPredict|streamRawPredict)$/, (found) => kindOf(found[1] ?? '', 'chat')],
  [/\/models\/([^/]+):predict$/, (found) => kindOf(found[1] ?? '', 'completion')],
  [/:batchGenerateContent$/, 'batch'],
  [/\/batchPredictionJobs(?:\/.*)?$/, 'batch'],
  [/\/interactions(?:\/[^/]+)?$/, 'generate_content'],
  // what all have
  [/\/batches(?:\/.*)?$/, 'batch'],
  [/\/(?:files|uploads)(?:\/.*)?$/, 'file'],
  [/\/deployments$/, 'model_list'],
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
  const found = find(trimmed);
  const reads = method === 'GET' || method === 'HEAD' || method === 'DELETE';
  return reads && WRITES.has(found) ? 'other' : found;
}

function find(path: string): Operation {
  for (const [pattern, operation] of TABLE) {
    const match = pattern.exec(path);
    if (match !== null) return typeof operation === 'string' ? operation : operation(match);
  }
  return 'other';
}

/** Paths that name a model. A `/model/` may be an ARN with slashes of its own. */
const MODELS: readonly RegExp[] = [
  /^\/model\/(.+)\/(?:converse|converse-stream|invoke|invoke-with-response-stream|count-tokens)$/,
  /\/(?:models|tunedModels)\/(?!count-tokens:)([^/:]+)(?::[^/]*)?$/,
  /\/deployments\/([^/]+)\//,
];

/**
 * The model named in a path such as `/v1beta/models/gemini-2.5-pro:generateContent`, `/model/amazon.nova-lite-v1%3A0/converse`
 * or `/openai/deployments/gpt-4o/chat/completions`, else `null`.
 */
export function modelInPath(path: string): string | null {
  for (const pattern of MODELS) {
    const found = pattern.exec(path)?.[1];
    if (found === undefined) continue;
    try {
      return decodeURIComponent(found);
    } catch {
      return found;
    }
  }
  return null;
}

/** Paths whose reply is a stream, whatever the body says. */
const STREAMING =
  /:(?:streamGenerateContent|streamRawPredict)$|\/(?:converse-stream|invoke-with-response-stream)$|_stream$/;
/** Ollama's own API streams unless it is told not to: docs.ollama.com/api/streaming. */
const BY_DEFAULT = /\/api\/(?:chat|generate)$/;

/** Whether a call asks for a stream: by its path, or by its body's `stream`. */
export function asksForStream(path: string, stream: unknown): boolean {
  if (STREAMING.test(path) || stream === true || stream === 'true') return true;
  return stream === undefined && BY_DEFAULT.test(path);
}

/** The path with another model in the place where it names one; as it is where it names none. */
export function withModelInPath(path: string, model: string): string {
  for (const pattern of MODELS) {
    const found = pattern.exec(path);
    const named = found?.[1];
    if (found === null || named === undefined) continue;
    const at = found.index + found[0].indexOf(named, found[0].startsWith('/model/') ? 7 : 0);
    return path.slice(0, at) + encodeURIComponent(model) + path.slice(at + named.length);
  }
  return path;
}
