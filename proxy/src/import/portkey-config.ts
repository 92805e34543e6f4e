/** A config of Portkey as its documentation has it. What it has beyond the fields named here is kept, to be said. */
import { z } from 'zod';

const codes = z.array(z.number({ error: 'expected a status' }), { error: 'expected a list of statuses' });

const retry = z.looseObject({
  attempts: z.number({ error: 'expected a number' }).int().min(0).default(0),
  on_status_codes: codes.optional(),
  use_retry_after_headers: z.boolean({ error: 'expected true or false' }).optional(),
  use_retry_after_header: z.boolean({ error: 'expected true or false' }).optional(),
});
export type PortkeyRetry = z.output<typeof retry>;

const query = z.record(z.string(), z.json(), {
  error: 'expected an object such as {"metadata.plan": {"$eq": "paid"}}',
});
export type PortkeyQuery = z.output<typeof query>;

const strategy = z.looseObject({
  mode: z.enum(['single', 'loadbalance', 'fallback', 'conditional'], {
    error: 'expected single, loadbalance, fallback or conditional',
  }),
  on_status_codes: codes.optional(),
  conditions: z
    .array(z.looseObject({ query, then: z.string({ error: 'expected the name of a target' }) }), {
      error: 'expected a list',
    })
    .optional(),
  default: z.string({ error: 'expected the name of a target' }).optional(),
  sticky_session: z.looseObject({ hash_fields: z.array(z.string()).optional(), ttl: z.number().optional() }).optional(),
});

const text = z.string({ error: 'expected a text' });
const own = {
  name: text.optional(),
  strategy: strategy.optional(),
  provider: text.optional(),
  virtual_key: text.optional(),
  api_key: text.optional(),
  weight: z.number({ error: 'expected a number' }).min(0, { error: 'expected 0 or more' }).optional(),
  override_params: z.record(z.string(), z.json(), { error: 'expected an object' }).optional(),
  retry: retry.optional(),
  cache: z.unknown().optional(),
  request_timeout: z.number({ error: 'expected milliseconds' }).min(0).optional(),
  custom_host: text.optional(),
  resource_name: text.optional(),
  azure_resource_name: text.optional(),
  deployment_id: text.optional(),
  azure_deployment_id: text.optional(),
  aws_region: text.optional(),
  vertex_region: text.optional(),
};

interface Own extends z.output<z.ZodObject<typeof own>> {
  targets?: PortkeyNode[] | undefined;
  [field: string]: unknown;
}
/** A config, or one of its targets: they nest. */
export type PortkeyNode = Own;

export const portkeyConfig: z.ZodType<PortkeyNode> = z.looseObject({
  ...own,
  get targets() {
    return z.array(portkeyConfig, { error: 'expected a list of targets' }).optional();
  },
});

/** Fields that the import reads. */
export const readFields: ReadonlySet<string> = new Set([...Object.keys(own), 'targets']);
