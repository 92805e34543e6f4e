/** From policies to the targets that are asked, in their order; and what a dry run says of it. */
import { describe, expect, test } from 'vitest';
import { fallbackPolicy, routeSettings, splitPolicy, type RouteSettings } from '@weir/schema/settings/route';
import { dryRunAsked } from '@weir/schema/settings/route-desk';
import { compactRoute, routeInWords } from '@weir/schema/settings/route-words';
import { dryRun, type DryRunOptions } from '../../proxy/src/routing/dry-run.ts';
import type { RouteFacts } from '../../proxy/src/routing/facts.ts';
import { LiveTargets } from '../../proxy/src/routing/live.ts';
import { makePlan, policiesFor, type Plan } from '../../proxy/src/routing/plan.ts';
import { Routes } from '../../proxy/src/routing/routes.ts';
import { factsOf } from './facts.ts';

const route = (given: object): RouteSettings => routeSettings.parse({ name: 'r', ...given });
const [a, b, c] = ['openai/a', 'openai/b', 'openai/c'] as const;

function planOf(settings: RouteSettings | null, facts: Partial<RouteFacts> = {}, live = new LiveTargets()): Plan {
  const { policies, rule } = policiesFor(settings, {}, factsOf(facts));
  return makePlan(policies, factsOf(facts), { live, priceOf: () => null, random: () => 0, rule, named: null });
}
const targets = (plan: Plan): (string | null)[] => plan.targets.map(({ target }) => target);

function broken(...names: string[]): LiveTargets {
  const live = new LiveTargets();
  for (const name of names) {
    for (let call = 0; call < 5; call++) {
      live.began(name);
      live.answered(name, true, null, factsOf().at);
    }
  }
  return live;
}

describe('targets', () => {
  test('without a route are what the path says; a fallback comes after it, each target once', () => {
    expect(planOf(null).targets).toEqual([{ target: null, variant: null, why: 'as the path says' }]);
    expect(targets(planOf(route({ fallback: { to: [a, b] } })))).toEqual([null, a, b]);
    expect(targets(planOf(route({ target: a, fallback: { to: [b, a, c] } })))).toEqual([a, b, c]);
  });

  test('of a balance follow each other as if by a fallback', () => {
    const plan = planOf(route({ balance: { by: 'cheapest', to: [{ target: a }, { target: b }] } }));
    expect([targets(plan), plan.fallback?.on]).toEqual([
      [a, b],
      [429, 'server-error', 'timeout', 'network'],
    ]);
  });

  test('whose circuit is open come last, and are asked all the same when there is no other', () => {
    const settings = route({ target: a, fallback: { to: [b, c] } });
    const plan = planOf(settings, {}, broken(a));
    expect(targets(plan)).toEqual([b, c, a]);
    expect(plan.targets[2]?.why).toBe('the only target; its circuit is open');
    expect(targets(planOf(settings, {}, broken(a, b, c)))).toEqual([a, b, c]);
    expect(targets(planOf(route({ target: a }), {}, broken(a)))).toEqual([a]);
  });

  test('of a split that is for other calls are as without it', () => {
    const to = [{ target: a }];
    const only = route({ split: { to, only: { users: ['ann'] } } });
    expect([targets(planOf(only, { user: 'ann' })), targets(planOf(only, { user: 'bob' }))]).toEqual([[a], [null]]);
    expect(planOf(only, { user: 'bob' }).assignment).toBeNull();
  });
});

describe('rules', () => {
  const settings = route({
    split: { to: [{ target: a }] },
    retry: { retries: 3 },
    rules: [
      { when: { users: ['ann'] }, target: b },
      { when: { users: ['ann', 'bob'] }, retry: { retries: 0 } },
    ],
  });
  test('the first that matches decides; what it leaves out is as the route says', () => {
    const [ann, bob, eve] = ['ann', 'bob', 'eve'].map((user) => planOf(settings, { user }));
    expect([ann?.rule, targets(ann as Plan), ann?.retry?.retries, ann?.assignment]).toEqual([0, [b], 3, null]);
    expect([bob?.rule, targets(bob as Plan), bob?.retry?.retries]).toEqual([1, [a], 0]);
    expect([eve?.rule, targets(eve as Plan), eve?.retry?.retries]).toEqual([null, [a], 3]);
  });

  test('what a header brings stands before both', () => {
    const split = splitPolicy.parse({ to: [{ target: c }] });
    const fallback = fallbackPolicy.parse({ to: [a] });
    const { policies } = policiesFor(settings, { split, fallback }, factsOf({ user: 'ann' }));
    expect([policies.target, policies.split, policies.fallback, policies.retry?.retries]).toEqual([
      null,
      split,
      fallback,
      3,
    ]);
  });
});

describe('a dry run', () => {
  const options = (given: Partial<DryRunOptions> = {}): DryRunOptions => ({
    ...{ live: new LiveTargets(), findRoute: () => null, priceOf: () => 2.5, holdsKey: () => true, replayLimit: 100 },
    ...given,
  });
  test('says circuits, prices and what would keep a target from answering', () => {
    const settings = { name: 'r', target: 'anthropic/claude-haiku-4-5', fallback: { to: [a] } };
    const at = '2027-03-03T12:00:00Z';
    const asked = dryRunAsked.parse({ settings, request: { operation: 'messages', at, bytes: 101 } });
    const answer = dryRun(asked, options({ live: broken(a), holdsKey: ({ provider }) => provider.name === 'openai' }));
    expect(answer.targets).toMatchObject([
      { target: settings.target, circuit: 'closed', price_usd: 2.5, warnings: ['Weir holds no key for anthropic.'] },
      {
        target: a,
        circuit: 'open',
        warnings: ['openai has no messages of its own: only calls to /v1/… are translated for it.'],
      },
    ]);
    expect(answer.warnings).toEqual([
      'A body of more than 100 bytes (WEIR_REPLAY_LIMIT) is sent once: no retry, no fallback.',
    ]);
  });
});

test('routes in force keep their objects while their rows stay the same: what is known of a split is known again', () => {
  const row = (settings: object, version = 1) => ({
    ...{ name: 'r', version, settings: JSON.stringify(settings), enabled: true, deleted: false },
    ...{ created_at: '', created_by: '', updated_at: '', updated_by: '' },
  });
  const routes = new Routes();
  routes.replace([row(route({ target: a }))]);
  const before = routes.find('r');
  routes.replace([row(route({ target: a }))]);
  expect(routes.find('r')?.settings).toBe(before?.settings);
  routes.replace([row(route({ target: b }), 2)]);
  expect([routes.find('r')?.settings.target, routes.find('r')?.version]).toEqual([b, '2']);
  routes.replace([]);
  expect(routes.find('r')).toBeNull();
});

test('a route is told in one line, and without what is at its default', () => {
  const split = {
    name: 's',
    by: 'user',
    to: [
      { target: a, weight: 4 },
      { target: b, weight: 1 },
      { target: c, weight: 0 },
    ],
  };
  const azure = 'azure:my-resource/gpt-5';
  for (const [given, words] of [
    [{ split, fallback: { to: [azure] } }, `split 80/20 between ${a} and ${b}, by user; falls back to ${azure}`],
    [{ target: a, retry: { retries: 2 } }, `to ${a}; 2 retries`],
    [
      {
        split: {
          to: [
            { target: a, name: 'a' },
            { target: b, name: 'B' },
          ],
        },
      },
      `split 50/50 between ${a} and ${b} (B)`,
    ],
    [{ balance: { by: 'hash', to: [{ target: a }, { target: b }] } }, `the same for each user of ${a} and ${b}`],
    [{ balance: { by: 'lowest-latency', to: [{ target: a }] } }, `the fastest of ${a}`],
    [{ rules: [{ when: {}, target: a }] }, 'as the path says; 1 rule'],
    [
      { fallback: { to: [a, b] }, retry: { retries: 0 }, timeout: { total: 5 } },
      `as the path says; falls back to ${a} then ${b}; no retry; timeouts`,
    ],
  ] as const) {
    expect(routeInWords(route(given))).toBe(words);
    const compact = compactRoute(route(given));
    expect(routeSettings.parse(compact)).toEqual(route(given));
    expect(JSON.stringify(compact)).not.toContain('null');
  }
});
