/** When a limit's window begins and ends, and that no stretch of its length ever holds more than the quota. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryLedger } from '@weir/proxy/src/limits/memory-ledger.ts';
import { beginOf, frameAt, periodAt } from '@weir/proxy/src/limits/window.ts';

describe('calendar', () => {
  const iso = (at: number): string => new Date(at).toISOString();
  test.each([
    // The day on which Berlin's clocks go forward has 23 hours, the one on which they go back 25.
    ['day', 'Europe/Berlin', '2026-03-29T12:00:00Z', '2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z'],
    ['day', 'Europe/Berlin', '2026-10-25T12:00:00Z', '2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'],
    // In Cairo they go forward at midnight: the day begins at one o'clock.
    ['day', 'Africa/Cairo', '2026-04-24T12:00:00Z', '2026-04-23T22:00:00.000Z', '2026-04-24T21:00:00.000Z'],
    // Samoa left this day out: the one before is followed by the one after.
    ['day', 'Pacific/Apia', '2011-12-29T20:00:00Z', '2011-12-29T10:00:00.000Z', '2011-12-30T10:00:00.000Z'],
    ['day', 'Asia/Kathmandu', '2026-11-22T20:00:00Z', '2026-11-22T18:15:00.000Z', '2026-11-23T18:15:00.000Z'],
    // Weeks begin on Monday.
    ['week', 'UTC', '2026-11-22T23:59:59Z', '2026-11-16T00:00:00.000Z', '2026-11-23T00:00:00.000Z'],
    ['week', 'America/New_York', '2026-11-23T04:59:59Z', '2026-11-16T05:00:00.000Z', '2026-11-23T05:00:00.000Z'],
    ['month', 'America/New_York', '2027-01-01T04:00:00Z', '2026-12-01T05:00:00.000Z', '2027-01-01T05:00:00.000Z'],
    ['month', 'Europe/Berlin', '2024-02-29T12:00:00Z', '2024-01-31T23:00:00.000Z', '2024-02-29T23:00:00.000Z'],
  ] as const)('the %s of %s that holds %s', (calendar, zone, at, start, end) => {
    const period = periodAt(calendar, zone, Date.parse(at));
    expect([iso(period.start), iso(period.end)]).toEqual([start, end]);
  });
});

test('a window that slides: no stretch of its length holds more than the quota, whenever calls come', () => {
  const calls = fc.array(
    fc.record({ after: fc.integer({ min: 0, max: 30_000 }), amount: fc.integer({ min: 1, max: 5 }) }),
    { minLength: 1, maxLength: 200 },
  );
  fc.assert(
    fc.property(calls, fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 20 }), (all, seconds, quota) => {
      const ledger = new MemoryLedger();
      const given: { at: number; amount: number }[] = [];
      let at = Date.UTC(2026, 0, 1);
      for (const { after, amount } of all) {
        at += after;
        const frame = frameAt({ seconds }, at);
        const decision = ledger.take(
          '',
          [{ count: 'c', unit: 'tokens' as const, frame, quota, amount, hard: true }],
          at,
        );
        if (decision.refused === null) given.push({ at, amount });
        // Room is where it is said to be, and not a moment before it is needed.
        else if (amount <= quota) {
          const { room } = decision.standings[0] ?? { room: 0 };
          const later = {
            count: 'c',
            unit: 'tokens' as const,
            frame: frameAt({ seconds }, room),
            quota,
            amount,
            hard: true,
          };
          const probe = new MemoryLedger();
          for (const one of given)
            probe.take(
              '',
              [{ ...later, frame: frameAt({ seconds }, one.at), amount: one.amount, hard: false }],
              one.at,
            );
          expect(probe.take('', [later], room).refused).toBeNull();
        }
      }
      for (const { at: from } of given) {
        const within = given.filter((one) => one.at >= from && one.at < from + seconds * 1000);
        expect(within.reduce((sum, one) => sum + one.amount, 0)).toBeLessThanOrEqual(quota);
      }
    }),
    { numRuns: 200 },
  );
});

test('what was counted is forgotten at most a sixtieth of the window late', () => {
  const at = Date.UTC(2026, 0, 1, 10, 0, 0, 500);
  const frame = frameAt({ seconds: 60 }, at);
  expect(frame.leaves(frame.slot) - at).toBeGreaterThan(60_000);
  expect(frame.leaves(frame.slot) - at).toBeLessThanOrEqual(61_000);
  expect(at - beginOf(frame)).toBeGreaterThanOrEqual(60_000);
});
