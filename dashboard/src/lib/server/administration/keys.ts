/** Weir keys and provider keys, as the proxy's REST has them. */
import { roles } from '@weir/schema/records';
import { limitPolicy } from '@weir/schema/settings/limit';
import { z } from 'zod';
import { ask, type Answered } from './ask.ts';

const texts = z.array(z.string());

const key = z.object({
  key_id: z.string(),
  name: z.string(),
  project: z.string(),
  owner: z.string(),
  providers: texts,
  models: texts,
  operations: texts,
  routes: texts,
  limits: z.array(limitPolicy),
  expires_at: z.string().nullable(),
  properties: z.record(z.string(), z.string()),
  log_bodies: z.enum(['', 'full', 'none']),
  role: z.enum(roles),
  disabled: z.boolean(),
  created_at: z.string(),
  created_by: z.string(),
  updated_at: z.string(),
  /** Until then the text before the last rotation is valid too. */
  previous_until: z.string().nullable(),
});
export type Key = z.output<typeof key>;

const shown = z.object({ key_id: z.string(), name: z.string(), key: z.string() });
/** A key's text, on its way to be shown this once. */
export type ShownKey = z.output<typeof shown>;

const providerKey = z.object({
  provider_key_id: z.string(),
  provider: z.string(),
  place: z.string(),
  host: z.string(),
  name: z.string(),
  weight: z.number(),
  enabled: z.boolean(),
  last4: z.string(),
  fingerprint: z.string(),
  created_at: z.string(),
  created_by: z.string(),
  updated_at: z.string(),
});
export type ProviderKey = z.output<typeof providerKey>;

const at = encodeURIComponent;

/** A page of keys. @param after `next` of the page before; '' for the first. */
export const listKeys = (after: string) =>
  ask(
    z.object({ keys: z.array(key), next: z.string().nullable() }),
    'GET',
    `/keys?${new URLSearchParams({ limit: '200', ...(after === '' ? {} : { after }) }).toString()}`,
  );
export const readKey = (id: string) => ask(key, 'GET', `/keys/${at(id)}`);
export const createKey = (asked: object) => ask(shown, 'POST', '/keys', asked);
export const changeKey = (id: string, asked: object) => ask(key, 'PATCH', `/keys/${at(id)}`, asked);
export const rotateKey = (id: string, overlap_seconds: number) =>
  ask(shown, 'POST', `/keys/${at(id)}/rotate`, { overlap_seconds });
export const disableKey = (id: string) => ask(key, 'POST', `/keys/${at(id)}/disable`);

/** Its text is in the data directory's `key`, and would be out of date: nobody made it, so that it stands as its own maker. */
export const isFirstKey = ({ key_id, created_by }: Pick<Key, 'key_id' | 'created_by'>): boolean =>
  key_id === created_by;

export async function listProviderKeys(): Promise<Answered<ProviderKey[]>> {
  const answered = await ask(z.object({ provider_keys: z.array(providerKey) }), 'GET', '/provider-keys');
  return answered.ok ? { ok: true, value: answered.value.provider_keys } : answered;
}
export const addProviderKey = (asked: object) => ask(providerKey, 'POST', '/provider-keys', asked);
export const changeProviderKey = (id: string, asked: object) =>
  ask(providerKey, 'PATCH', `/provider-keys/${at(id)}`, asked);
export const replaceSecret = (id: string, secret: string) =>
  ask(providerKey, 'PUT', `/provider-keys/${at(id)}/secret`, { secret });
export const removeProviderKey = (id: string) => ask(providerKey, 'DELETE', `/provider-keys/${at(id)}`);

const described = z.object({
  paths: z.object({
    '/weir/provider-keys': z.object({
      post: z.object({
        requestBody: z.object({
          content: z.object({
            'application/json': z.object({
              schema: z.object({ properties: z.object({ provider: z.object({ enum: texts }) }) }),
            }),
          }),
        }),
      }),
    }),
  }),
});

/** The providers that this proxy knows, as its own description lists them. */
export async function listProviders(): Promise<Answered<string[]>> {
  const answered = await ask(described, 'GET', '/openapi.json');
  if (!answered.ok) return answered;
  const { schema } = answered.value.paths['/weir/provider-keys'].post.requestBody.content['application/json'];
  return { ok: true, value: schema.properties.provider.enum };
}
