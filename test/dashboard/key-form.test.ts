/** What stands between a key and its form: words, and a way there and back that loses nothing. */
import fc from 'fast-check';
import { limitPolicy, type LimitPolicy } from '@weir/schema/settings/limit';
import { describe, expect, test } from 'vitest';
import { limitInWords } from '../../dashboard/src/lib/keys/limits.ts';
import { fromKey, readKeyForm, toKey } from '../../dashboard/src/lib/server/key-form.ts';

const limit = (given: object): LimitPolicy => limitPolicy.parse({ name: 'x', quota: 1, window: null, ...given });

test('limits are said in words', () => {
  for (const [given, words] of [
    [{ quota: 600, window: { seconds: 60 } }, '600 requests a minute'],
    [{ quota: 1, window: { seconds: 3600 }, by: ['key', 'user'] }, '1 request an hour for each user'],
    [{ unit: 'tokens', quota: 100_000, window: { seconds: 10_800 } }, '100,000 tokens in 3\u202fh'],
    [{ unit: 'usd', quota: 25, window: { calendar: 'day', zone: 'Europe/Lisbon' } }, '$25 a day (Europe/Lisbon)'],
    [{ unit: 'usd', quota: 0.5, window: { calendar: 'month' }, action: 'warn' }, '$0.50 a month (UTC), warns only'],
    [{ unit: 'concurrent', quota: 8, by: ['property:team'] }, '8 calls at once for each property team'],
    [{ quota: 5, window: { seconds: 61 }, match: { models: ['gpt-5*'] } }, '5 requests in 61\u202fs, of gpt-5* only'],
  ] as const) {
    expect(limitInWords(limit(given))).toBe(words);
  }
});

const word = fc.stringMatching(/^[a-z][a-z0-9_-]{0,12}$/);
const zone = fc.constantFrom('UTC', 'Europe/Lisbon', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe');
const window = fc.oneof(
  fc.record({ seconds: fc.integer({ min: 1, max: 366 * 86_400 }) }),
  fc.record({ calendar: fc.constantFrom('day' as const, 'week' as const, 'month' as const), zone }),
);
const counted = fc.record({
  ...{
    name: word,
    unit: fc.constantFrom('requests', 'tokens', 'usd'),
    quota: fc.integer({ min: 0, max: 1e9 }),
    window,
  },
  by: fc.uniqueArray(fc.constantFrom('key', 'user', 'model', 'property:team', 'property:env'), { maxLength: 4 }),
  action: fc.constantFrom('refuse', 'warn'),
  match: fc.record({ models: fc.array(word, { maxLength: 3 }) }),
});
const atOnce = fc.record({ name: word, unit: fc.constant('concurrent'), quota: fc.integer({ min: 0, max: 1e6 }) });
const key = fc.record({
  ...{ name: word, project: word, owner: word, role: fc.constantFrom('' as const, 'viewer' as const) },
  ...{ providers: fc.uniqueArray(word), models: fc.uniqueArray(word), operations: fc.uniqueArray(word) },
  ...{ routes: fc.uniqueArray(word), properties: fc.dictionary(word, word, { noNullPrototype: true }) },
  ...{ log_bodies: fc.constantFrom('' as const, 'none' as const), limits: fc.array(fc.oneof(counted, atOnce)) },
  expires_at: fc.option(
    fc.integer({ min: 1_800_000_000, max: 2_500_000_000 }).map((seconds) => new Date(seconds * 1000).toISOString()),
  ),
});

/** As a browser sends what the page has put into the fields. */
function sentBy(values: ReturnType<typeof fromKey>): FormData {
  const form = new FormData();
  const { limits, ...fields } = values;
  for (const [name, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? value : [value]) form.append(name, one);
  }
  limits.forEach((row, index) => {
    for (const [name, value] of Object.entries(row) as [string, string | string[]][]) {
      for (const one of Array.isArray(value) ? value : [value]) form.append(`limits.${index}.${name}`, one);
    }
  });
  return form;
}

describe('a key that goes through its form', () => {
  test('comes out as it went in', () => {
    fc.assert(
      fc.property(key, zone, (settings, viewer) => {
        const limits = settings.limits.map((one) => limitPolicy.parse(one));
        const whole = { key_id: 'k', disabled: false, created_at: '', created_by: '', updated_at: '' };
        const values = fromKey({ ...whole, previous_until: null, ...settings, limits }, viewer);
        const { body, fields } = toKey(readKeyForm(sentBy(values), viewer), viewer);
        expect(fields).toEqual({});
        const limitsSent = (body as { limits: object[] }).limits.map((one) => limitPolicy.parse(one));
        expect({ ...body, limits: limitsSent }).toEqual({ ...settings, limits });
      }),
    );
  });
});
