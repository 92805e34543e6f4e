/** The saved routes of the demo: that of the search team's split, which its history went by, and one that is switched off. */
import { timeText, type RouteRow, type RouteVersionRow } from '@weir/schema/records';
import { routeSettings, type RouteSettings, type SplitPolicy } from '@weir/schema/settings/route';
import { assign, versionOf } from '../routing/split.ts';
import type { DemoModel } from './world.ts';

const actor = 'first key';
const dayMs = 86_400_000;

/** The A/B split of the search team: who is asked is decided by user. */
export const split: SplitPolicy & { version: string } = (() => {
  const { split: policy } = searchRoute(80);
  if (policy === null) throw new Error('the route of the demo has a split');
  return { ...policy, version: versionOf(policy) };
})();

/** The same user is always asked on the same arm. */
export function variantOf(user: string, models: readonly DemoModel[]): DemoModel {
  const facts = { requestId: '', operation: 'chat', model: '', user, session: '', project: '', keyId: '' } as const;
  const { variant } = assign(split, { ...facts, properties: {}, bytes: 0, at: 0 });
  const found = models.find(({ model }) => model === variant.name);
  if (found === undefined) throw new Error(`the demo has no model ${variant.name}`);
  return found;
}

/** Which version was in force, as rows of the log have it. */
export const inForce = { route: 'answer-model', route_version: '2' };

function searchRoute(weight: number): RouteSettings {
  return routeSettings.parse({
    name: 'answer-model',
    description: 'The search team compares models by user.',
    split: {
      ...{ name: 'answer-model', by: 'user' },
      to: [
        { name: 'gpt-5', target: 'openai/gpt-5', weight },
        { name: 'gpt-5-mini', target: 'openai/gpt-5-mini', weight: 100 - weight },
      ],
    },
    fallback: { to: ['mistral/mistral-large-latest'] },
    retry: { retries: 2 },
  });
}

const nightly = routeSettings.parse({
  name: 'nightly',
  description: 'Batches that may wait go where it is cheapest.',
  balance: { by: 'cheapest', to: [{ target: 'openai/gpt-5-nano' }, { target: 'mistral/mistral-small-latest' }] },
  timeout: { total: 600_000 },
});

/** @param end of the history, ms since 1970. */
export function routeRows(end: number): { routes: RouteRow[]; versions: RouteVersionRow[] } {
  const saved = [
    { settings: searchRoute(50), version: 1, days: 16 },
    { settings: searchRoute(80), version: 2, days: 15 },
    { settings: nightly, version: 1, days: 6 },
  ].map(({ settings, version, days }) => ({
    ...{ name: settings.name, version, settings: JSON.stringify(settings) },
    at: timeText((end - days * dayMs) * 1000),
  }));
  const newest = saved.filter(({ name }, index) => saved[index + 1]?.name !== name);
  return {
    versions: saved.map((row) => ({ ...row, actor, actor_name: actor })),
    routes: newest.map(({ at, ...row }) => ({
      ...{ ...row, enabled: row.name !== nightly.name, deleted: false },
      ...{ created_at: at, created_by: actor, updated_at: at, updated_by: actor },
    })),
  };
}
