/** A slot belongs to a name, on every page and in every range. */
const providers: Record<string, number> = {
  openai: 1,
  anthropic: 2,
  google: 3,
  azure: 4,
  bedrock: 5,
  mistral: 6,
  groq: 7,
  cohere: 5,
  vertex: 7,
  xai: 4,
  deepseek: 7,
  together: 5,
  fireworks: 4,
  openrouter: 6,
};

/** Providers without a place of their own take one by their name, so that it never changes; `c8` is "others". */
function slotOf(provider: string): number {
  const known = providers[provider];
  if (known !== undefined) return known;
  let hash = 0;
  for (const char of provider) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
  return [4, 5, 6, 7][hash % 4] ?? 7;
}

export const providerColor = (provider: string): string => (provider === '' ? '--c8' : `--c${slotOf(provider)}`);
export const OTHERS = '--c8';
