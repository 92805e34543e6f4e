/** Providers and targets under the names that other gateways give them. */
import { target as targetSchema } from '@weir/schema/settings/route';
import { providers } from '../providers/registry.ts';

/** What other gateways call a provider → what Weir calls it, where that differs. */
const otherNames: Readonly<Record<string, string>> = {
  'azure-openai': 'azure',
  azure_ai: 'azure',
  'azure-ai': 'azure',
  'azure-ai-inference': 'azure',
  'open-ai': 'openai',
  'text-completion-openai': 'openai',
  gemini: 'google',
  'vertex-ai': 'vertex',
  vertex_ai: 'vertex',
  vertex_ai_beta: 'vertex',
  'mistral-ai': 'mistral',
  cohere_chat: 'cohere',
  'x-ai': 'xai',
  'together-ai': 'together',
  together_ai: 'together',
  'fireworks-ai': 'fireworks',
  fireworks_ai: 'fireworks',
  'perplexity-ai': 'perplexity',
  nvidia_nim: 'nvidia',
  ollama_chat: 'ollama',
  dashscope: 'alibaba',
  'amazon-bedrock': 'bedrock',
};

/** Weir's name of a provider, or undefined where it has none. */
export function providerOf(name: string): string | undefined {
  const lower = name.toLowerCase();
  const own = otherNames[lower] ?? lower;
  return own !== 'custom' && providers.has(own) ? own : undefined;
}

/** The provider that a name of somebody's choice begins with: `openai-prod-3f2a` → `openai`. */
export function providerInName(name: string): string | undefined {
  const lower = name.toLowerCase();
  const known = [...Object.keys(otherNames), ...providers.keys()].sort((one, other) => other.length - one.length);
  const found = known.find(
    (one) => lower === one || (lower.startsWith(one) && /[^a-z0-9]/.test(lower[one.length] ?? '')),
  );
  return found === undefined ? undefined : providerOf(found);
}

/** Whether calls to a provider say where: an Azure resource, a region. */
export function needsPlace(provider: string): boolean {
  return providers.get(provider)?.place !== undefined;
}

/** Whether a place may stand in a host name. */
export function isPlace(provider: string, place: string): boolean {
  const known = providers.get(provider)?.place;
  return known === undefined ? place === '' : known.hostOf(place, '/') !== null;
}

/** `provider[:place]/model`; undefined where no such target can be written. */
export function targetText(provider: string, place: string, model: string): string | undefined {
  const text = `${provider}${place === '' ? '' : `:${place}`}/${model}`;
  return targetSchema.safeParse(text).success ? text : undefined;
}

/** The environment variable from which Weir takes a provider's key by itself. */
export function keyVariable(provider: string): string | null {
  return providers.get(provider)?.keyEnvironment ?? null;
}

/** The Azure resource of an endpoint's address: `https://my-res.openai.azure.com/…` → `my-res`. */
export function azureResource(address: string): string | undefined {
  const host = hostOf(address);
  const [, name, suffix] = /^([a-z0-9-]+)\.(.+)$/.exec(host ?? '') ?? [];
  if (name === undefined || suffix === undefined) return undefined;
  const place = suffix === 'openai.azure.com' ? name : `${name}.${suffix.replace(/\.azure\.com$/, '')}`;
  return isPlace('azure', place) ? place : undefined;
}

/** Whether an address is where Weir sends a provider's calls anyway. */
export function isOwnHost(
  provider: string,
  address: string,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const replaced = environment[upstreamVariable(provider)];
  const own = replaced ?? providers.get(provider)?.host ?? '';
  return originOf(own) !== undefined && originOf(own) === originOf(address);
}

export function upstreamVariable(provider: string): string {
  return `WEIR_UPSTREAM_${provider.toUpperCase()}`;
}

/** Scheme, host and port alone: an address may carry a password, which is nobody's to see. */
export function originOf(address: string): string | undefined {
  return URL.canParse(address) ? new URL(address).origin : undefined;
}

function hostOf(address: string): string | undefined {
  return URL.canParse(address) ? new URL(address).hostname : undefined;
}
