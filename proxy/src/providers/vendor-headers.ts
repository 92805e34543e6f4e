/** Headers that are one vendor's own: another has no use for them, and they may say who the caller is. */
import type { Provider } from './provider.ts';

const prefixes: Record<Provider['dialect']['name'], string> = {
  openai: 'openai-',
  anthropic: 'anthropic-',
  google: 'x-goog-',
  aws: 'x-amz-',
};

/** @param name in lower case. @returns whether a header is for vendors of another dialect than this provider's. */
export function isForOthers(name: string, { dialect }: Provider): boolean {
  return Object.entries(prefixes).some(([vendor, prefix]) => vendor !== dialect.name && name.startsWith(prefix));
}
