/** A key never grants more than its creator has, whatever is asked for. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { roles } from '@weir/schema/records';
import { openKey, type KeySettings } from '@weir/schema/settings/key';
import { limitPolicy, type LimitPolicy } from '@weir/schema/settings/limit';
import { matchesPattern } from '@weir/schema/settings/pattern';
import { isWithin, narrower } from '../../proxy/src/keys/narrower.ts';

const limit = fc
  .record({
    name: fc.constantFrom('rpm', 'day', 'spend'),
    unit: fc.constantFrom('requests', 'usd'),
    quota: fc.integer({ min: 0, max: 5 }),
    window: fc.constantFrom({ seconds: 60 }, { calendar: 'day' }),
    by: fc.constantFrom([], ['user']),
    action: fc.constantFrom('refuse', 'warn'),
  })
  .map((made) => limitPolicy.parse(made));
const some = <T extends string>(...from: T[]): fc.Arbitrary<T[]> =>
  fc.uniqueArray(fc.constantFrom(...from), { maxLength: 3 });
const settings: fc.Arbitrary<KeySettings> = fc.record({
  name: fc.constant('k'),
  project: fc.constantFrom('a', 'b'),
  owner: fc.constant(''),
  providers: some('openai', 'anthropic', 'google'),
  models: some('gpt-*', 'gpt-4*', 'gpt-4o', 'claude-*', '*', '*-mini'),
  operations: some('chat', 'messages', 'embeddings'),
  routes: some('checkout', 'search'),
  limits: fc.uniqueArray(limit, { selector: ({ name }) => name, maxLength: 3 }),
  expires_at: fc.constantFrom(null, '2027-01-01T00:00:00.000Z', '2028-01-01T00:00:00.000Z'),
  properties: fc.constant({}),
  log_bodies: fc.constantFrom('' as const, 'full' as const, 'none' as const),
  role: fc.constantFrom(...roles),
});
const asked = settings.chain((all) =>
  fc
    .subarray(Object.keys(all))
    .map((fields) => Object.fromEntries(fields.map((field) => [field, all[field as keyof KeySettings]]))),
) as fc.Arbitrary<Partial<KeySettings>>;

const listed = (list: readonly string[], value: string): boolean => list.length === 0 || list.includes(value);
const calls = (key: KeySettings, model: string): boolean =>
  key.models.length === 0 || key.models.some((pattern) => matchesPattern(pattern, model));
const models = ['gpt-4o', 'gpt-4o-mini', 'gpt-5', 'claude-x', 'claude-mini', 'gemini', '*', 'gpt-*'];

function expectNarrower(creator: KeySettings, key: KeySettings): void {
  for (const field of ['providers', 'operations', 'routes'] as const) {
    const values = ['openai', 'anthropic', 'google', 'chat', 'messages', 'embeddings', 'checkout', 'search', 'other'];
    for (const value of values) if (listed(key[field], value)) expect(listed(creator[field], value)).toBe(true);
  }
  for (const model of models) if (calls(key, model)) expect(calls(creator, model), model).toBe(true);
  expect(roles.indexOf(key.role)).toBeLessThanOrEqual(roles.indexOf(creator.role));
  if (creator.role === 'editor') expect([key.role, key.project]).toEqual(['', creator.project]);
  if (creator.expires_at !== null)
    expect(Date.parse(key.expires_at ?? 'never')).toBeLessThanOrEqual(Date.parse(creator.expires_at));
  if (creator.log_bodies === 'none') expect(key.log_bodies).toBe('none');
  for (const own of creator.limits) expect(key.limits.some((given) => isTighter(given, own))).toBe(true);
}

function isTighter(given: LimitPolicy, own: LimitPolicy): boolean {
  const same = given.name === own.name && given.unit === own.unit && given.quota <= own.quota;
  const alike =
    JSON.stringify([given.window, given.by, given.match]) === JSON.stringify([own.window, own.by, own.match]);
  return same && alike && (own.action === 'warn' || given.action === 'refuse');
}

test('what is granted lies within the creator’s, or nothing is', () => {
  let granted = 0;
  fc.assert(
    fc.property(settings, asked, (creator, wish) => {
      const result = narrower(creator, wish);
      if (result.complaints.length > 0) return;
      granted++;
      expectNarrower(creator, result.granted);
      // What was named is what one gets: nothing is taken away in silence.
      for (const field of ['providers', 'models', 'operations', 'routes'] as const) {
        if ((wish[field]?.length ?? 0) > 0) expect(result.granted[field]).toEqual(wish[field]);
      }
      expect(isWithin(creator, result.granted)).toBe(true);
    }),
    { numRuns: 500 },
  );
  expect(granted).toBeGreaterThan(20);
});

test('a chain of keys gets no wider', () => {
  fc.assert(
    fc.property(settings, asked, asked, (first, one, other) => {
      const second = narrower(first, { ...one, role: 'admin' });
      if (second.complaints.length > 0) return;
      const third = narrower(second.granted, other);
      if (third.complaints.length === 0) expectNarrower(first, third.granted);
    }),
    { numRuns: 500 },
  );
});

test('a key that only calls, and one that only looks, give nothing; a complaint names what is allowed', () => {
  for (const role of ['', 'viewer'] as const) {
    expect(narrower({ ...openKey, role }, {}).complaints.map(({ field }) => field)).toEqual(['role']);
  }
  const { complaints } = narrower(
    { ...openKey, role: 'admin', providers: ['openai'] },
    { providers: ['openai', 'google'] },
  );
  expect(complaints).toEqual([{ field: 'providers', message: 'your key allows openai; not google' }]);
});

test('a pattern covers another where it matches all that the other does', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 });
  const filling = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 3 }), {
    minLength: 6,
    maxLength: 6,
  });
  fc.assert(
    fc.property(letters, letters, filling, (wide, narrow, fill) => {
      let at = 0;
      const text = narrow.replaceAll('*', () => fill[at++] ?? '');
      expect(matchesPattern(narrow, text)).toBe(true);
      if (matchesPattern(wide, narrow)) expect(matchesPattern(wide, text)).toBe(true);
    }),
    { numRuns: 2000 },
  );
  expect(['gpt-4o', 'gpt-4o-mini', 'GPT-4o', 'xgpt-4o'].map((text) => matchesPattern('gpt-4o*', text))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test('a pattern of many stars takes no more time than its length allows', () => {
  const began = performance.now();
  expect(matchesPattern(`${'*a'.repeat(90)}b`, 'a'.repeat(200_000))).toBe(false);
  expect(performance.now() - began).toBeLessThan(5_000);
});
