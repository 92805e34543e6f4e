/** The unified API, `/v1/…`: its words are OpenAI's, Anthropic's or Google's; who answers, the model's name says. */
import { makeDialect } from './dialect.ts';
import { openaiErrors } from './openai/dialect.ts';
import type { Operation, Provider } from './provider.ts';
import type { TranslatedDialect } from '../translate/translate.ts';

/** First segments of its paths. */
export const unifiedRoots: ReadonlySet<string> = new Set(['v1', 'v1beta']);

/** `/v1/models/openai/gpt-5:generateContent`: the target as Google's SDK names a model. */
const inPath = /^\/v1(?:beta)?\/models\/(.+):(?:generateContent|streamGenerateContent)$/;

/** The target that a path names; null where the body does. */
export function targetInPath(path: string): string | null {
  const found = inPath.exec(path)?.[1];
  if (found === undefined) return null;
  try {
    return decodeURIComponent(found);
  } catch {
    return found;
  }
}

/** Stands for the provider of a call until one is asked. A caller sends no provider's credential here, but a Weir key. */
export const UNIFIED: Provider = {
  name: '',
  host: null,
  dialect: { ...makeDialect(openaiErrors), modelInPath: targetInPath },
  keyEnvironment: null,
  credentialHeaders: ['authorization', 'x-api-key', 'x-goog-api-key'],
  credentialQuery: ['key'],
  priceList: null,
};

const served: ReadonlySet<string> = new Set([
  '/v1/chat/completions',
  '/v1/messages',
  '/v1/messages/count_tokens',
  '/v1/responses',
  '/v1/embeddings',
]);

/** Whether the unified API has such a call. Lists of models are answered by Weir itself. */
export function isServed(method: string, path: string): boolean {
  return method === 'POST' && (served.has(path) || inPath.test(path));
}

export function isModelList(method: string, path: string): boolean {
  return (method === 'GET' || method === 'HEAD') && path === '/v1/models';
}

const translated: ReadonlySet<Operation> = new Set<Operation>(['chat', 'messages', 'generate_content']);

/**
 * In which dialect a provider is asked what a client says in another. @returns the operation as it is where nothing has to be
 * translated, or nothing can be.
 */
export function spokenBy(provider: Provider, operation: Operation, model: string): Operation {
  if (!translated.has(operation)) return operation;
  const own: Record<Provider['dialect']['name'], TranslatedDialect> = {
    openai: 'chat',
    anthropic: 'messages',
    google: 'generate_content',
    // bedrock-mantle has Anthropic's models behind Anthropic's API, and the others behind OpenAI's.
    aws: /(^|\.)anthropic\./.test(model) ? 'messages' : 'chat',
  };
  return own[provider.dialect.name];
}

export function isTranslated(operation: Operation): operation is TranslatedDialect {
  return translated.has(operation);
}
