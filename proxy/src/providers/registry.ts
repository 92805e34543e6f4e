import { anthropicErrors } from './anthropic/dialect.ts';
import { awsErrorType, awsErrors } from './bedrock/dialect.ts';
import { compatibleProviders } from './compatible.ts';
import { makeDialect } from './dialect.ts';
import { googleErrors } from './google/dialect.ts';
import { openaiErrors } from './openai/dialect.ts';
import { anthropicPaths, azurePaths, bedrockPaths, googlePaths, openaiOwnPaths } from './paths.ts';
import { azurePlace, bedrockPlace, vertexPlace } from './places.ts';
import type { Provider } from './provider.ts';
import { thoughtsInTotal } from './quirks.ts';
import { UNIFIED } from './unified.ts';

const OPENAI: Provider = {
  name: 'openai',
  host: 'https://api.openai.com',
  dialect: makeDialect(openaiErrors),
  pathOf: openaiOwnPaths,
  keyEnvironment: 'OPENAI_API_KEY',
  credentialHeaders: ['authorization'],
  credentialQuery: [],
  priceList: 'openai',
  // platform.openai.com/docs/guides/flex-processing: flex is priced at batch rates, half of the ordinary ones.
  tierPercent: { flex: 50, batch: 50 },
};

const ANTHROPIC: Provider = {
  name: 'anthropic',
  host: 'https://api.anthropic.com',
  dialect: makeDialect(anthropicErrors),
  pathOf: anthropicPaths,
  // docs.anthropic.com/en/api/versioning
  neededHeaders: [['anthropic-version', '2023-06-01']],
  keyEnvironment: 'ANTHROPIC_API_KEY',
  credentialHeaders: ['x-api-key', 'authorization'],
  credentialQuery: [],
  priceList: 'anthropic',
  // docs.anthropic.com/en/docs/build-with-claude/batch-processing#pricing
  tierPercent: { batch: 50 },
};

const GOOGLE: Provider = {
  name: 'google',
  host: 'https://generativelanguage.googleapis.com',
  dialect: makeDialect(googleErrors, { chatUsage: thoughtsInTotal }),
  pathOf: googlePaths,
  keyEnvironment: 'GEMINI_API_KEY',
  credentialHeaders: ['x-goog-api-key', 'authorization'],
  credentialQuery: ['key', 'access_token'],
  priceList: 'google',
  // ai.google.dev/gemini-api/docs/batch-api, …/flex-inference; where the cache is not, published-prices.ts says so
  tierPercent: { batch: 50, flex: 50 },
};

const AZURE: Provider = {
  name: 'azure',
  host: null,
  place: azurePlace,
  dialect: makeDialect(openaiErrors),
  pathOf: azurePaths,
  keyEnvironment: 'AZURE_OPENAI_API_KEY',
  credentialHeaders: ['api-key', 'authorization', 'ocp-apim-subscription-key'],
  credentialQuery: ['api-key'],
  priceList: 'azure',
  // azure.microsoft.com/pricing/details/azure-openai: the batch API is half of the global standard price.
  tierPercent: { batch: 50 },
};

const BEDROCK: Provider = {
  name: 'bedrock',
  host: null,
  place: bedrockPlace,
  dialect: makeDialect(awsErrors, { errorType: awsErrorType }),
  pathOf: bedrockPaths,
  keyEnvironment: 'AWS_BEARER_TOKEN_BEDROCK',
  credentialHeaders: ['authorization'],
  credentialQuery: [],
  signing: 'aws-sigv4',
  priceList: 'aws',
  // aws.amazon.com/bedrock/pricing
  tierPercent: { flex: 50, batch: 50, priority: 175 },
};

const VERTEX: Provider = {
  name: 'vertex',
  host: null,
  place: vertexPlace,
  dialect: makeDialect(googleErrors, { chatUsage: thoughtsInTotal }),
  keyEnvironment: null,
  credentialHeaders: ['authorization', 'x-goog-api-key'],
  credentialQuery: ['key', 'access_token'],
  signing: 'google-service-account',
  priceList: 'google',
  // cloud.google.com/vertex-ai/generative-ai/pricing
  tierPercent: { batch: 50, flex: 50, on_demand_flex: 50 },
};

/** Any server that speaks OpenAI's API; its host comes with the request, and nobody lists its prices. */
const CUSTOM: Provider = {
  name: 'custom',
  host: null,
  dialect: makeDialect(openaiErrors),
  keyEnvironment: null,
  credentialHeaders: ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'],
  credentialQuery: ['key'],
  priceList: null,
};

/** Every provider that a path may name. */
export const providers: ReadonlyMap<string, Provider> = new Map(
  [OPENAI, ANTHROPIC, GOOGLE, AZURE, BEDROCK, VERTEX, ...compatibleProviders, CUSTOM].map((provider) => [
    provider.name,
    provider,
  ]),
);

/** Who reads a call: a provider, or the unified API, whose name is ''. */
export function readerOf(name: string): Provider | undefined {
  return name === UNIFIED.name ? UNIFIED : providers.get(name);
}

/** Their names, as lists of people and schemas have them. */
export const providerNames = [...providers.keys()] as [string, ...string[]];
