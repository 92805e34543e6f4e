import type { Place } from './provider.ts';

/** What a resource, an account or a region may be called, before any URL is made of it. */
const NAME = /^[a-z0-9-]{1,63}$/;

/**
 * What may follow an Azure resource's name, and the host it stands for: learn.microsoft.com/azure/ai-foundry/openai/reference,
 * …/azure/azure-government/documentation-government-cognitiveservices. The vendor's full suffix is understood too.
 */
const AZURE_HOSTS: Readonly<Record<string, string>> = {
  '': 'openai.azure.com',
  openai: 'openai.azure.com',
  'services.ai': 'services.ai.azure.com',
  cognitiveservices: 'cognitiveservices.azure.com',
  'openai.azure.com': 'openai.azure.com',
  'services.ai.azure.com': 'services.ai.azure.com',
  'cognitiveservices.azure.com': 'cognitiveservices.azure.com',
  'azure.us': 'openai.azure.us',
  'openai.azure.us': 'openai.azure.us',
  'services.ai.azure.us': 'services.ai.azure.us',
  'cognitiveservices.azure.us': 'cognitiveservices.azure.us',
};

/** `azure/{resource}` and `azure/{resource}.{suffix}`. */
export const azurePlace: Place = {
  noun: 'resource',
  example: 'my-resource',
  hostOf(place) {
    const dot = place.indexOf('.');
    const name = dot === -1 ? place : place.slice(0, dot);
    const suffix = dot === -1 ? '' : place.slice(dot + 1);
    if (!NAME.test(name) || !Object.hasOwn(AZURE_HOSTS, suffix)) return null;
    return `https://${name}.${AZURE_HOSTS[suffix]}`;
  },
};

/** Paths that `bedrock-mantle` serves: OpenAI's and Anthropic's APIs (docs.aws.amazon.com/bedrock/latest/userguide/bedrock-mantle.html). */
const MANTLE = /^\/(?:openai\/|anthropic\/)?v1(?:\/|$)/;

/** `bedrock/{region}`. */
export const bedrockPlace: Place = {
  noun: 'region',
  example: 'us-east-1',
  hostOf(place, path) {
    if (!NAME.test(place)) return null;
    return MANTLE.test(path)
      ? `https://bedrock-mantle.${place}.api.aws`
      : `https://bedrock-runtime.${place}.amazonaws.com`;
  },
};

/** Multi-regions, whose hosts have a form of their own: docs.cloud.google.com/vertex-ai/docs/general/locations. */
const MULTI_REGIONS: ReadonlySet<string> = new Set(['us', 'eu']);

/** `vertex/{region}`: cloud.google.com/vertex-ai/docs/reference/rest#rest_endpoints. */
export const vertexPlace: Place = {
  noun: 'region',
  example: 'us-central1',
  hostOf(place) {
    if (!NAME.test(place)) return null;
    if (MULTI_REGIONS.has(place)) return `https://aiplatform.${place}.rep.googleapis.com`;
    return place === 'global' ? 'https://aiplatform.googleapis.com' : `https://${place}-aiplatform.googleapis.com`;
  },
};
