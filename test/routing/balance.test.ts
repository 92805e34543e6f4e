/** The order in which the targets of a balance are asked. */
import { describe, expect, test } from 'vitest';
import { balancePolicy } from '@weir/schema/settings/route';
import { explored, order, type BalanceOptions } from '../../proxy/src/routing/balance.ts';
import { LiveTargets } from '../../proxy/src/routing/live.ts';
import { factsOf } from './facts.ts';

const at = factsOf().at;
/** Numbers from 0 to 1 that look random and are the same in every run. */
function random(): () => number {
  let state = 42;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
const options = (given: Partial<BalanceOptions> = {}): BalanceOptions => ({
  live: new LiveTargets(),
  priceOf: () => null,
  random: random(),
  ...given,
});
const policy = (by: string, weights: Record<string, number>, more: object = {}) =>
  balancePolicy.parse({
    by,
    to: Object.entries(weights).map(([name, weight]) => ({ target: `openai/${name}`, weight })),
    ...more,
  });
const named = (targets: readonly string[]): string => targets.map((target) => target.replace('openai/', '')).join(' ');

describe('weighted', () => {
  test('draws the first by weight, the next by the weights of those that are left', () => {
    const balance = policy('weighted', { a: 60, b: 30, c: 10, off: 0 });
    const mine = options();
    const counts: Record<string, number> = {};
    for (let index = 0; index < 30_000; index++) {
      const one = named(order(balance, factsOf(), mine).targets);
      counts[one] = (counts[one] ?? 0) + 1;
    }
    // The probability of an order: its first share, times the share of its second among the rest.
    const expected = { 'a b c': 0.45, 'a c b': 0.15, 'b a c': 0.3 * (6 / 7), 'c b a': 0.1 / 3 };
    for (const [one, share] of Object.entries(expected)) {
      const deviation = Math.sqrt(30_000 * share * (1 - share));
      expect(Math.abs((counts[one] ?? 0) - 30_000 * share), one).toBeLessThan(4 * deviation);
    }
    expect(Object.keys(counts)).toHaveLength(6);
  });
});

describe('least-busy', () => {
  test('asks the target with the fewest calls in flight for its weight', () => {
    const live = new LiveTargets();
    const balance = policy('least-busy', { a: 1, b: 1, c: 4 });
    for (const [name, calls] of [
      ['a', 2],
      ['b', 1],
      ['c', 3],
    ] as const) {
      for (let call = 0; call < calls; call++) live.began(`openai/${name}`);
    }
    const found = order(balance, factsOf(), options({ live }));
    expect([named(found.targets), found.why]).toEqual(['c b a', '3 calls in flight, the fewest']);
    live.left('openai/b');
    expect(named(order(balance, factsOf(), options({ live })).targets)).toBe('b c a');
  });

  test('among equals lets chance decide', () => {
    const mine = options();
    const firsts = Array.from(
      { length: 200 },
      () => order(policy('least-busy', { a: 1, b: 1 }), factsOf(), mine).targets[0],
    );
    expect(new Set(firsts).size).toBe(2);
  });
});

describe('lowest-latency', () => {
  const measured = (ms: Record<string, number>): LiveTargets => {
    const live = new LiveTargets();
    for (const [name, headersMs] of Object.entries(ms)) {
      live.began(`openai/${name}`);
      live.answered(`openai/${name}`, false, headersMs, at);
      live.left(`openai/${name}`);
    }
    return live;
  };

  test('asks who is not measured yet, then the fastest, and now and then another', () => {
    const balance = policy('lowest-latency', { a: 1, b: 1, c: 1 });
    const unknown = order(balance, factsOf(), options({ live: measured({ a: 300, b: 200 }) }));
    expect([unknown.targets[0], unknown.why]).toEqual(['openai/c', 'not measured yet']);
    const mine = options({ live: measured({ a: 300, b: 200, c: 100 }) });
    const all = Array.from({ length: 10_000 }, () => order(balance, factsOf(), mine));
    expect(all.some(({ targets, why }) => named(targets) === 'c b a' && why === 'answers in 100 ms, the fastest')).toBe(
      true,
    );
    const others = all.filter(({ why }) => why === 'asked to be measured').length;
    expect(Math.abs(others - 10_000 * explored)).toBeLessThan(4 * Math.sqrt(10_000 * explored * (1 - explored)));
  });

  test('forgets what is five minutes old', () => {
    const live = measured({ a: 300, b: 200 });
    const later = order(policy('lowest-latency', { a: 1, b: 1 }), factsOf({ at: at + 300_001 }), options({ live }));
    expect(later.why).toBe('not measured yet');
  });
});

describe('cheapest', () => {
  test('asks by price, those without a known price last', () => {
    const prices: Record<string, number> = { 'openai/a': 12, 'openai/c': 3 };
    const found = order(
      policy('cheapest', { a: 1, b: 1, c: 1 }),
      factsOf(),
      options({ priceOf: (one) => prices[one] ?? null }),
    );
    expect([named(found.targets), found.why]).toEqual(['c a b', '3 dollars a million tokens in and out, the cheapest']);
    const none = order(policy('cheapest', { a: 1, b: 1 }), factsOf(), options());
    expect([named(none.targets), none.why]).toEqual(['a b', 'no price is known']);
  });
});

describe('hash', () => {
  const balance = policy('hash', { a: 50, b: 50, c: 50 });
  const orderOf = (user: string, of = balance): string => named(order(of, factsOf({ user }), options()).targets);

  test('is the same for a user always, and another for others', () => {
    expect(orderOf('alice')).toBe(orderOf('alice'));
    const firsts = Array.from({ length: 3_000 }, (_, index) => orderOf(`user-${index}`)[0]);
    for (const name of 'abc') {
      const count = firsts.filter((first) => first === name).length;
      expect(Math.abs(count - 1_000)).toBeLessThan(4 * Math.sqrt(3_000 * (1 / 3) * (2 / 3)));
    }
  });

  test('when a target goes, its users go to their second, and no one else moves', () => {
    const without = policy('hash', { a: 50, b: 0, c: 50 });
    for (let index = 0; index < 500; index++) {
      const before = orderOf(`user-${index}`).split(' ');
      const after = orderOf(`user-${index}`, without).split(' ');
      expect(after).toEqual(before.filter((name) => name !== 'b'));
    }
  });

  test('by session, property or, where there is none, the request itself', () => {
    const by = policy('hash', { a: 1, b: 1 }, { unit: 'property:team' });
    expect(order(by, factsOf({ properties: { team: 'x' } }), options()).why).toBe(
      'the same for property:team:x always',
    );
    expect(order(by, factsOf({ requestId: 'r-1' }), options()).why).toBe('the same for request:r-1 always');
  });
});
