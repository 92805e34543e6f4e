/** Which calls a rule is for. */
import { describe, expect, test } from 'vitest';
import { match } from '@weir/schema/settings/route';
import { matchesCall } from '../../proxy/src/routing/match.ts';
import type { RouteFacts } from '../../proxy/src/routing/facts.ts';
import { factsOf } from './facts.ts';

const matches = (when: object, facts: Partial<RouteFacts> = {}): boolean =>
  matchesCall(match.parse(when), factsOf(facts));

test('what is absent matches every call; of what is there all must match', () => {
  expect(matches({})).toBe(true);
  expect(matches({ models: ['gpt-*'], users: ['a*'] }, { user: 'alice' })).toBe(true);
  expect(matches({ models: ['gpt-*'], users: ['a*'] }, { user: 'bob' })).toBe(false);
  expect(matches({ models: ['o3'], users: ['a*'] }, { user: 'alice' })).toBe(false);
});

test.each([
  [{ models: ['claude-*', 'gpt-5'] }, {}, true],
  [{ models: ['gpt'] }, {}, false],
  [{ models: ['*'] }, { model: '' }, true],
  [{ operations: ['embeddings'] }, {}, false],
  [{ operations: ['embeddings', 'chat'] }, {}, true],
  [{ projects: ['shop'] }, { project: 'shop' }, true],
  [{ projects: ['shop'] }, { project: 'shopping' }, false],
  [{ keys: ['key_1'] }, { keyId: 'key_1' }, true],
  [{ keys: ['key_1'] }, {}, false],
  [{ users: ['*@acme.com'] }, { user: 'ann@acme.com' }, true],
  [{ users: ['*'] }, { user: '' }, true],
  [{ properties: { tier: 'free*' } }, { properties: { tier: 'free-2' } }, true],
  [{ properties: { tier: 'free*' } }, { properties: { tier: 'paid' } }, false],
  [{ properties: { tier: '*' } }, {}, false],
  [{ properties: { tier: '*' } }, { properties: { tier: '' } }, true],
  [{ properties: { tostring: '*' } }, {}, false],
  [{ properties: { tier: 'a', team: 'b' } }, { properties: { tier: 'a' } }, false],
  [{ min_bytes: 100 }, { bytes: 100 }, true],
  [{ min_bytes: 101 }, { bytes: 100 }, false],
  [{ max_bytes: 100 }, { bytes: 99 }, true],
  [{ max_bytes: 100 }, { bytes: 100 }, false],
] as [object, Partial<RouteFacts>, boolean][])('%j of %j: %s', (when, facts, expected) => {
  expect(matches(when, facts)).toBe(expected);
});

describe('hours', () => {
  const at = (hours: object, iso: string): boolean => matches({ hours }, { at: Date.parse(iso) });

  test('begin with their first minute and end before their last', () => {
    const day = { from: '08:00', to: '18:00' };
    const seen = ['07:59:59', '08:00:00', '17:59:59', '18:00:00'].map((time) => at(day, `2027-03-03T${time}Z`));
    expect(seen).toEqual([false, true, true, false]);
  });

  test('past midnight belong to the day on which they began', () => {
    // The 5th of March 2027 is a Friday.
    const night = { from: '22:00', to: '06:00', days: ['fri'] };
    expect(at(night, '2027-03-05T21:59:00Z')).toBe(false);
    expect(at(night, '2027-03-05T22:00:00Z')).toBe(true);
    expect(at(night, '2027-03-06T05:59:00Z')).toBe(true);
    expect(at(night, '2027-03-06T06:00:00Z')).toBe(false);
    expect(at(night, '2027-03-06T23:00:00Z')).toBe(false);
    expect(at(night, '2027-03-05T03:00:00Z')).toBe(false);
    expect(at({ ...night, days: ['sun'] }, '2027-03-08T01:00:00Z')).toBe(true);
  });

  test('are those of their zone, in summer and in winter', () => {
    const day = { from: '09:00', to: '10:00', zone: 'Europe/Berlin' };
    expect([at(day, '2027-01-15T08:30:00Z'), at(day, '2027-01-15T07:30:00Z')]).toEqual([true, false]);
    expect([at(day, '2027-07-15T08:30:00Z'), at(day, '2027-07-15T07:30:00Z')]).toEqual([false, true]);
    const monday = { from: '00:00', to: '12:00', zone: 'Pacific/Auckland', days: ['mon'] };
    // Sunday evening in UTC is Monday morning there.
    expect([at(monday, '2027-03-07T20:00:00Z'), at(monday, '2027-03-08T20:00:00Z')]).toEqual([true, false]);
  });

  test('at midnight are those of the day that begins', () => {
    const first = { from: '00:00', to: '00:30', days: ['sat'] };
    expect([at(first, '2027-03-06T00:00:00Z'), at(first, '2027-03-05T00:00:00Z')]).toEqual([true, false]);
  });
});
