/** The circuit breaker of one target, by a clock of the test. */
import { describe, expect, test } from 'vitest';
import { Breaker } from '../../proxy/src/routing/breaker.ts';
import { LiveTargets } from '../../proxy/src/routing/live.ts';

const start = Date.parse('2027-03-03T12:00:00Z');

function opened(): Breaker {
  const breaker = new Breaker();
  for (let index = 0; index < 5; index++) breaker.failed(start);
  return breaker;
}

describe('it opens', () => {
  test('at five failures that are at least half of all, and not before', () => {
    const breaker = new Breaker();
    for (let index = 0; index < 4; index++) breaker.failed(start);
    expect(breaker.state(start)).toBe('closed');
    breaker.failed(start);
    expect([breaker.state(start), breaker.admits(start), breaker.openUntil]).toEqual(['open', false, start + 5_000]);
  });

  test('not while most calls succeed', () => {
    const breaker = new Breaker();
    for (let index = 0; index < 30; index++) breaker.succeeded(start);
    for (let index = 0; index < 29; index++) breaker.failed(start);
    expect(breaker.state(start)).toBe('closed');
    breaker.failed(start);
    expect(breaker.state(start)).toBe('open');
  });

  test('by what failed in the last half minute only', () => {
    const breaker = new Breaker();
    for (let index = 0; index < 4; index++) breaker.failed(start);
    breaker.failed(start + 31_000);
    expect([breaker.state(start + 31_000), breaker.counts(start + 31_000)]).toEqual([
      'closed',
      { calls: 1, failures: 1 },
    ]);
    const slow = new Breaker();
    for (let index = 0; index < 5; index++) slow.failed(start + index * 6_000);
    expect(slow.state(start + 24_000)).toBe('open');
  });
});

describe('half open', () => {
  test('lets one call through, the probe, and no second', () => {
    const breaker = opened();
    expect(breaker.admits(start + 4_999)).toBe(false);
    expect(breaker.state(start + 5_000)).toBe('half-open');
    expect([1, 2, 3].map(() => breaker.admits(start + 5_000))).toEqual([true, false, false]);
  });

  test('a probe of which nobody heard again holds nothing up: after a minute there is another', () => {
    const breaker = opened();
    breaker.admits(start + 5_000);
    expect([breaker.admits(start + 64_999), breaker.admits(start + 65_000)]).toEqual([false, true]);
  });

  test('closes when the probe succeeds, and begins to count anew', () => {
    const breaker = opened();
    breaker.admits(start + 5_000);
    breaker.succeeded(start + 5_500);
    expect([breaker.state(start + 5_500), breaker.openUntil]).toEqual(['closed', 0]);
    expect(breaker.counts(start + 5_500)).toEqual({ calls: 0, failures: 0 });
    for (let index = 0; index < 5; index++) breaker.failed(start + 6_000);
    expect(breaker.openUntil).toBe(start + 11_000);
  });

  test('stays open twice as long each time that the probe fails, two minutes at most', () => {
    const breaker = opened();
    const waits: number[] = [];
    for (let round = 0; round < 7; round++) {
      const at = breaker.openUntil;
      expect(breaker.admits(at)).toBe(true);
      breaker.failed(at);
      waits.push(breaker.openUntil - at);
    }
    expect(waits).toEqual([10_000, 20_000, 40_000, 80_000, 120_000, 120_000, 120_000]);
  });
});

test('failures that come in while it is open do not prolong it', () => {
  const breaker = opened();
  breaker.failed(start + 4_000);
  expect(breaker.openUntil).toBe(start + 5_000);
});

test('a target whose client left counts neither way; one in trouble is told with its counts', () => {
  const live = new LiveTargets();
  for (let index = 0; index < 5; index++) {
    live.began('openai/a');
    live.left('openai/a');
  }
  expect([live.inFlight('openai/a'), live.troubled(start)]).toEqual([0, []]);
  for (let index = 0; index < 5; index++) {
    live.began('openai/a');
    live.answered('openai/a', true, null, start);
  }
  expect(live.troubled(start)).toEqual([
    { target: 'openai/a', state: 'open', until: start + 5_000, calls: 5, failures: 5 },
  ]);
  expect([live.admits('openai/a', start), live.admits('openai/b', start)]).toEqual([false, true]);
});
