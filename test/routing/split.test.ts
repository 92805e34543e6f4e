/** Splits: shares as the weights say, the same everywhere, and as few units moved as there can be. */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { splitPolicy, type SplitPolicy } from '@weir/schema/settings/route';
import { assign, versionOf } from '../../proxy/src/routing/split.ts';
import { factsOf } from './facts.ts';

const users = 100_000;
const split = (weights: Record<string, number>, more: object = {}): SplitPolicy =>
  splitPolicy.parse({
    ...{ name: 'checkout', by: 'user', ...more },
    to: Object.entries(weights).map(([name, weight]) => ({ name, target: `openai/${name}`, weight })),
  });

/** The variant of each user. */
function assignAll(policy: SplitPolicy, count = users): string[] {
  return Array.from({ length: count }, (_, index) => nameFor(policy, `user-${index}`));
}
const nameFor = (policy: SplitPolicy, user: string): string => assign(policy, factsOf({ user })).variant.name ?? '';

function counted(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Within so many standard deviations of a binomial: outside of 4 is less than one in ten thousand. */
function expectShare(count: number, share: number, of = users): void {
  const deviation = Math.sqrt(of * share * (1 - share));
  expect(Math.abs(count - of * share), `${count} of ${of}, expected ${share}`).toBeLessThan(4 * deviation);
}

describe('shares', () => {
  test.each([
    [{ a: 80, b: 20 }],
    [{ a: 50, b: 30, c: 20 }],
    [{ a: 1, b: 1, c: 1 }],
    [{ a: 999, b: 1 }],
    [{ a: 5, b: 0, c: 5 }],
  ])('of %j are those of the weights', (weights) => {
    const counts = counted(assignAll(split(weights)));
    const sum = Object.values(weights).reduce((all, one) => all + one, 0);
    for (const [name, weight] of Object.entries(weights)) {
      if (weight === 0) expect(counts[name]).toBeUndefined();
      else expectShare(counts[name] ?? 0, weight / sum);
    }
  });

  test('of requests that say no user are those of the weights too, each by itself and without a unit', () => {
    const policy = split({ a: 80, b: 20 });
    const names = Array.from({ length: 20_000 }, (_, index) => {
      const { unit, variant } = assign(policy, factsOf({ requestId: `request-${index}` }));
      expect(unit).toBe('');
      return variant.name ?? '';
    });
    expectShare(counted(names)['a'] ?? 0, 0.8, 20_000);
  });

  test('of two splits of other names are independent', () => {
    const [one, other] = [assignAll(split({ a: 50, b: 50 })), assignAll(split({ a: 50, b: 50 }, { name: 'search' }))];
    expectShare(one.filter((name, index) => name === other[index]).length, 0.5);
  });
});

describe('a change', () => {
  test('from 80/20 to 90/10 moves the half of B, and nobody from A', () => {
    const before = assignAll(split({ a: 80, b: 20 }));
    const after = assignAll(split({ a: 90, b: 10 }));
    const moved = before.flatMap((name, index) => (name === after[index] ? [] : [`${name} to ${after[index]}`]));
    expect([...new Set(moved)]).toEqual(['b to a']);
    expectShare(moved.length, 0.1);
  });

  test('that adds a third variant moves its share, and only to it', () => {
    const before = assignAll(split({ a: 50, b: 50 }));
    const after = assignAll(split({ a: 50, b: 50, c: 25 }));
    const moved = before.flatMap((name, index) => (name === after[index] ? [] : [after[index]]));
    expect([...new Set(moved)]).toEqual(['c']);
    expectShare(moved.length, 0.2);
  });

  test('that takes a variant away moves its units only', () => {
    const before = assignAll(split({ a: 50, b: 30, c: 20 }));
    const after = assignAll(split({ a: 50, b: 30, c: 0 }));
    for (const [index, name] of before.entries()) {
      if (name === 'c') expect(after[index]).not.toBe('c');
      else if (name !== after[index]) expect.fail(`user-${index} moved from ${name}`);
    }
  });

  test('of all weights by a factor, or of their order, moves nobody', () => {
    const before = assignAll(split({ a: 50, b: 30, c: 20 }), 20_000);
    expect(assignAll(split({ c: 2, a: 5, b: 3 }), 20_000)).toEqual(before);
    expect(assignAll(split({ b: 3000, c: 2000, a: 5000 }), 20_000)).toEqual(before);
  });
});

test('four processes of their own, two of them with the variants in another order, assign alike', () => {
  const here = dirname(fileURLToPath(import.meta.url));
  const tsx = join(dirname(createRequire(import.meta.url).resolve('tsx/package.json')), 'dist', 'cli.mjs');
  const answers = ['a b c', 'c b a', 'b a c', 'a b c'].map((order) =>
    execFileSync(process.execPath, [tsx, join(here, 'assign.ts'), ...order.split(' ')], { encoding: 'utf8' }),
  );
  const [first] = answers;
  expect(first).toMatch(/^[abc]{5000}$/);
  expect(new Set(answers).size).toBe(1);
  expect(new Set(first).size).toBe(3);
});

test('the version is that of what is assigned: not of the order or the name, but of weights, unit and what a variant changes', () => {
  const base = versionOf(split({ a: 80, b: 20 }));
  expect(base).toMatch(/^[0-9a-f]{12}$/);
  for (const same of [split({ b: 20, a: 80 }), split({ a: 80, b: 20 }, { name: 'search' })]) {
    expect(versionOf(same)).toBe(base);
  }
  const hotter = split({ a: 80, b: 20 });
  for (const other of [
    split({ a: 90, b: 10 }),
    split({ a: 80, b: 20 }, { by: 'session' }),
    { ...hotter, to: hotter.to.map((arm) => ({ ...arm, parameters: { temperature: 1 } })) },
  ]) {
    expect(versionOf(other)).not.toBe(base);
  }
});
