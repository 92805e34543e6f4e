/** LiteLLM's config.yaml as its documentation has it. What it has beyond the fields named here is kept, to be said. */
import { z } from 'zod';

const text = z.string({ error: 'expected a text' });
const number = z.number({ error: 'expected a number' }).min(0, { error: 'expected 0 or more' });
/** Some write numbers as text, or leave the value out. */
const maybe = z.preprocess(
  (value) => (typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : (value ?? undefined)),
  number.optional(),
);
const maybeText = z.preprocess((value) => value ?? undefined, text.optional());

export const deployment = z.looseObject({
  model_name: text,
  litellm_params: z.looseObject(
    {
      model: text,
      api_key: maybeText,
      api_base: maybeText,
      aws_region_name: maybeText,
      vertex_location: maybeText,
      weight: maybe,
      rpm: maybe,
      tpm: maybe,
      order: maybe,
      timeout: maybe,
      stream_timeout: maybe,
    },
    { error: 'expected an object with model' },
  ),
});
export type Deployment = z.output<typeof deployment>;

/** `[{"gpt-4": ["claude", "gpt-4o"]}]` */
const fallbackList = z.array(
  z.record(
    z.string(),
    z.array(z.union([text, z.looseObject({ model: text })]), { error: 'expected a list of groups' }),
    {
      error: 'expected an object such as {"gpt-4": ["claude"]}',
    },
  ),
  { error: 'expected a list such as [{"gpt-4": ["claude"]}]' },
);
export type FallbackList = z.output<typeof fallbackList>;

const retryPolicy = z.looseObject({
  RateLimitErrorRetries: maybe,
  TimeoutErrorRetries: maybe,
  InternalServerErrorRetries: maybe,
  BadRequestErrorRetries: maybe,
  AuthenticationErrorRetries: maybe,
  ContentPolicyViolationErrorRetries: maybe,
});
export type LiteLlmRetryPolicy = z.output<typeof retryPolicy>;

const optional = <T extends z.ZodType>(schema: T) => z.preprocess((value) => value ?? undefined, schema.optional());

const shared = {
  num_retries: maybe,
  fallbacks: optional(fallbackList),
  context_window_fallbacks: optional(fallbackList),
  default_fallbacks: optional(z.array(text, { error: 'expected a list of groups' })),
};

export const litellmConfig = z.looseObject({
  model_list: z
    .array(deployment, { error: 'expected a list of deployments' })
    .min(1, { error: 'expected a deployment' }),
  router_settings: optional(
    z.looseObject({
      ...shared,
      routing_strategy: maybeText,
      timeout: maybe,
      stream_timeout: maybe,
      model_group_alias: optional(z.record(z.string(), z.union([text, z.looseObject({ model: text })]))),
      retry_policy: optional(retryPolicy),
      model_group_retry_policy: optional(z.record(z.string(), retryPolicy)),
      enable_pre_call_checks: z.unknown().optional(),
      optional_pre_call_checks: z.unknown().optional(),
    }),
  ),
  litellm_settings: optional(z.looseObject({ ...shared, request_timeout: maybe })),
  general_settings: optional(z.looseObject({ master_key: maybeText })),
  environment_variables: optional(z.record(z.string(), z.unknown())),
});
export type LiteLlmConfig = z.output<typeof litellmConfig>;

const namesOf = (schema: { shape: object }): ReadonlySet<string> => new Set(Object.keys(schema.shape));

/** Fields that the import reads, by section. */
export const readFields = {
  model: namesOf(deployment),
  parameters: namesOf(deployment.shape.litellm_params),
  config: namesOf(litellmConfig),
  router: new Set([
    ...Object.keys(shared),
    ...[
      'routing_strategy',
      'timeout',
      'stream_timeout',
      'model_group_alias',
      'retry_policy',
      'model_group_retry_policy',
    ],
    ...['enable_pre_call_checks', 'optional_pre_call_checks'],
  ]),
  settings: new Set([...Object.keys(shared), 'request_timeout']),
  general: new Set(['master_key']),
} as const;
