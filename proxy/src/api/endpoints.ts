/** Every path of Weir's own, in one list: the check of roles, the OpenAPI description and the tests are made of it. */
import { overlapSeconds, providerSecret } from '@weir/schema/settings/key';
import { z } from 'zod';
import { auditAnswer, pageLimit, readAudit } from '../admin/audit.ts';
import { fromStore } from '../admin/desk.ts';
import * as keys from '../admin/keys.ts';
import * as limits from '../admin/limits.ts';
import * as providerKeys from '../admin/provider-keys.ts';
import { WeirError } from '../errors.ts';
import { isBound } from '../keys/narrower.ts';
import { actorOf, desk } from './acting.ts';
import { endpoint, type Asked, type Endpoint } from './endpoint.ts';
import { healthBody } from './health.ts';
import { openApi } from './openapi.ts';
import { findRequest, requestDetail } from './requests.ts';
import { routeEndpoints } from './route-endpoints.ts';
import { keySpend, readSpend, spendQuery } from './spend.ts';

const page = z.strictObject({
  limit: pageLimit.default(200),
  /** `next` of the page before. */
  after: z.string().max(128).optional(),
});

const keyList = z.object({ keys: z.array(keys.keyView), next: z.string().nullable() });
const limitList = z.object({ limits: z.array(limits.limitView) });
const providerKeyList = z.object({ provider_keys: z.array(providerKeys.providerKeyView) });

export const endpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/health',
    needs: 'nobody',
    summary: 'Is Weir well?',
    reply: healthBody,
    replies: 'What waits or was lost.',
    run: ({ api }) => ({ json: api.health() }),
  }),
  endpoint({
    method: 'GET',
    path: '/metrics',
    needs: 'nobody',
    summary: 'Prometheus metrics',
    reply: null,
    replies: 'Text exposition format.',
    run: ({ api }) => api.metrics(),
  }),
  endpoint({
    method: 'GET',
    path: '/openapi.json',
    needs: 'nobody',
    summary: 'This description',
    reply: z.record(z.string(), z.unknown()),
    replies: 'OpenAPI 3.1.',
    run: () => ({ json: openApi(endpoints) }),
  }),
  endpoint({
    method: 'GET',
    path: '/requests/{id}',
    needs: 'caller',
    summary: 'One call, as it was recorded',
    reply: requestDetail,
    replies: 'Its rows.',
    run: async ({ api, caller, id }) => {
      const project = caller === null || !isBound(caller.role) ? undefined : caller.project;
      const found = await findRequest(api.db, id, project);
      if (found === null) throw new WeirError('not_found', 'No such request (yet).');
      return { json: found };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/keys',
    needs: 'viewer',
    summary: 'Weir keys; without the role admin those of one’s own project',
    query: page.extend({ project: z.string().optional() }),
    reply: keyList,
    replies: 'Keys by key_id, without their texts.',
    run: (asked) => ({ json: listKeys(asked) }),
  }),
  endpoint({
    method: 'POST',
    path: '/keys',
    needs: 'editor',
    summary: 'Makes a Weir key',
    body: keys.keyInput,
    reply: keys.shownKey,
    replies: 'The key with its text, which is not shown again.',
    run: async (asked) => ({ status: 201, json: await keys.createKey(desk(asked), asked.body) }),
  }),
  endpoint({
    method: 'GET',
    path: '/keys/{id}',
    needs: 'viewer',
    summary: 'One Weir key',
    reply: keys.keyView,
    replies: 'The key, without its text.',
    run: ({ api, caller, id }) => {
      const row = api.edited.rows.keys.find(({ key_id }) => key_id === id);
      if (row === undefined || !keys.sees(actorOf(caller), row.project)) {
        throw new WeirError('not_found', 'There is no such key.');
      }
      return { json: keys.viewKey(row) };
    },
  }),
  endpoint({
    method: 'PATCH',
    path: '/keys/{id}',
    needs: 'editor',
    summary: 'Changes what is given of a Weir key',
    body: keys.keyChange,
    reply: keys.keyView,
    replies: 'The key as it is now.',
    run: async (asked) => ({ json: await keys.changeKey(desk(asked), asked.id, asked.body) }),
  }),
  endpoint({
    method: 'POST',
    path: '/keys/{id}/rotate',
    needs: 'editor',
    summary: 'Gives a Weir key a new text; the old one stays valid for a while',
    body: z.strictObject({ overlap_seconds: overlapSeconds }),
    reply: keys.shownKey,
    replies: 'The key with its new text, which is not shown again.',
    run: async (asked) => ({ json: await keys.rotateKey(desk(asked), asked.id, asked.body.overlap_seconds) }),
  }),
  endpoint({
    method: 'POST',
    path: '/keys/{id}/disable',
    needs: 'editor',
    summary: 'Ends a Weir key, at once here and within two seconds in other proxies',
    reply: keys.keyView,
    replies: 'The key as it is now.',
    run: async (asked) => ({ json: await keys.disableKey(desk(asked), asked.id) }),
  }),
  endpoint({
    method: 'GET',
    path: '/provider-keys',
    needs: 'viewer',
    summary: 'The provider keys that Weir holds in its store',
    reply: providerKeyList,
    replies: 'Keys without their secrets.',
    run: ({ api }) => ({
      json: {
        provider_keys: api.edited.rows.provider_keys
          .filter(({ deleted }) => !deleted)
          .map((row) => providerKeys.viewProviderKey(row)),
      },
    }),
  }),
  endpoint({
    method: 'POST',
    path: '/provider-keys',
    needs: 'admin',
    summary: 'Stores a provider key, encrypted',
    body: providerKeys.providerKeyInput,
    reply: providerKeys.providerKeyView,
    replies: 'The key without its secret.',
    run: async (asked) => ({ status: 201, json: await providerKeys.addProviderKey(desk(asked), asked.body) }),
  }),
  endpoint({
    method: 'PATCH',
    path: '/provider-keys/{id}',
    needs: 'admin',
    summary: 'Changes name or weight of a provider key, or disables it',
    body: providerKeys.providerKeyChange,
    reply: providerKeys.providerKeyView,
    replies: 'The key as it is now.',
    run: async (asked) => ({ json: await providerKeys.changeProviderKey(desk(asked), asked.id, asked.body) }),
  }),
  endpoint({
    method: 'PUT',
    path: '/provider-keys/{id}/secret',
    needs: 'admin',
    summary: 'Replaces the secret of a provider key',
    body: z.strictObject({ secret: providerSecret }),
    reply: providerKeys.providerKeyView,
    replies: 'The key as it is now.',
    run: async (asked) => ({ json: await providerKeys.replaceSecret(desk(asked), asked.id, asked.body.secret) }),
  }),
  endpoint({
    method: 'DELETE',
    path: '/provider-keys/{id}',
    needs: 'admin',
    summary: 'Deletes a provider key with its ciphertext',
    reply: providerKeys.providerKeyView,
    replies: 'The key as it was.',
    run: async (asked) => ({ json: await providerKeys.removeProviderKey(desk(asked), asked.id) }),
  }),
  endpoint({
    method: 'GET',
    path: '/keys/{id}/spend',
    needs: 'viewer',
    summary: 'What a Weir key has spent, by day, and how its limits stand',
    query: spendQuery,
    reply: keySpend,
    replies: 'Sums of the log.',
    run: async ({ api, caller, id, query }) => {
      const holder = api.keys.holders().find(({ keyId }) => keyId === id);
      if (holder === undefined || !keys.sees(actorOf(caller), holder.project)) {
        throw new WeirError('not_found', 'There is no such key.');
      }
      const madeBy = api.keys.madeBy(id);
      return { json: await fromStore(readSpend({ db: api.db, holder, madeBy, ...query })) };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/limits',
    needs: 'viewer',
    summary: 'Saved limits, which hold for all keys',
    reply: limitList,
    replies: 'Limits.',
    run: ({ api }) => ({
      json: { limits: api.edited.rows.limits.filter(({ deleted }) => !deleted).map((row) => limits.viewLimit(row)) },
    }),
  }),
  endpoint({
    method: 'POST',
    path: '/limits',
    needs: 'admin',
    summary: 'Saves a limit',
    body: limits.limitInput,
    reply: limits.limitView,
    replies: 'The limit.',
    run: async (asked) => ({ status: 201, json: await limits.addLimit(desk(asked), asked.body) }),
  }),
  endpoint({
    method: 'PATCH',
    path: '/limits/{id}',
    needs: 'admin',
    summary: 'Replaces what a saved limit says, or switches it off and on',
    body: limits.limitChange,
    reply: limits.limitView,
    replies: 'The limit as it is now.',
    run: async (asked) => ({ json: await limits.changeLimit(desk(asked), asked.id, asked.body) }),
  }),
  endpoint({
    method: 'DELETE',
    path: '/limits/{id}',
    needs: 'admin',
    summary: 'Removes a saved limit',
    reply: limits.limitView,
    replies: 'The limit as it was.',
    run: async (asked) => ({ json: await limits.removeLimit(desk(asked), asked.id) }),
  }),
  ...routeEndpoints,
  endpoint({
    method: 'GET',
    path: '/audit',
    needs: 'viewer',
    summary: 'Who changed what, the newest first; without the role admin of one’s own project',
    query: page,
    reply: auditAnswer,
    replies: 'Changes.',
    run: async ({ api, caller, query }) => ({
      json: await readAudit(api.db, actorOf(caller), { limit: query.limit, after: query.after }),
    }),
  }),
];

function listKeys({
  api,
  caller,
  query,
}: Asked<{ limit: number; after?: string | undefined; project?: string | undefined }, unknown>): z.output<
  typeof keyList
> {
  const { limit, after = '', project } = query;
  const actor = actorOf(caller);
  const seen = api.edited.rows.keys
    .filter((row) => keys.sees(actor, row.project) && (project === undefined || row.project === project))
    .filter(({ key_id }) => key_id > after)
    .sort((one, other) => (one.key_id < other.key_id ? -1 : 1));
  const shown = seen.slice(0, limit);
  return { keys: shown.map(keys.viewKey), next: seen.length > limit ? (shown.at(-1)?.key_id ?? null) : null };
}
