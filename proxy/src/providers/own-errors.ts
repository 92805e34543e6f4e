import { anthropicErrors } from './anthropic/dialect.ts';
import type { ErrorShape } from './dialect.ts';
import { openaiErrors } from './openai/dialect.ts';
import type { Provider } from './provider.ts';

/** Paths of APIs that others than their own vendor serve too, beside one of their own. */
const SHARED: readonly (readonly [RegExp, ErrorShape])[] = [
  [/\/(?:chat\/completions|completions|responses|embeddings)(?:\/|$)/, openaiErrors],
  [/\/messages(?:\/|$)/, anthropicErrors],
];

/** The shape of an error that is Weir's own: that of the API that was called, whoever serves it. */
export function errorShapeOf(provider: Provider, path: string): ErrorShape {
  return SHARED.find(([pattern]) => pattern.test(path))?.[1] ?? provider.dialect;
}
