/** What is made once for all calls of a limit is what each of them would make. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { limitPolicy } from '@weir/schema/settings/limit';
import { limitFields } from '@weir/proxy/src/limits/fields.ts';
import { joinCount, makeRule } from '@weir/proxy/src/limits/rule.ts';
import { frameAt } from '@weir/proxy/src/limits/window.ts';

test('the name of a count is its parts as JSON, whatever they are', () => {
  const part = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme-ascii' }));
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
      expect(joinCount('id', parts)).toBe(`id ${JSON.stringify(parts)}`);
    }),
  );
});

test('the frame of a limit is that of the moment, whichever moment was asked for before', () => {
  const windows = [
    null,
    { seconds: 1 },
    { seconds: 7 },
    { seconds: 3600 },
    { calendar: 'month', zone: 'UTC' },
    { calendar: 'day', zone: 'Europe/Berlin' },
  ] as const;
  const begin = Date.UTC(2026, 2, 28);
  for (const window of windows) {
    const unit = window === null ? 'concurrent' : 'requests';
    const rule = makeRule(limitPolicy.parse({ name: 'a', unit, quota: 1, window }), 'saved', '');
    const said = ({ slot, first, slotMs, leaves }: ReturnType<typeof frameAt>) => [slot, first, slotMs, leaves(slot)];
    fc.assert(
      fc.property(fc.array(fc.integer({ min: begin, max: begin + 6 * 86_400_000 }), { maxLength: 20 }), (moments) => {
        for (const at of moments.flatMap((one) => [one, one + 1])) {
          expect(said(rule.frame(at))).toEqual(said(frameAt(window, at)));
        }
      }),
    );
  }
});

test('dollars that are left are told with three places, rounded down', () => {
  const at = Date.UTC(2026, 0, 1);
  const policy = { name: 'a', unit: 'usd', quota: 9e6, window: { seconds: 60 } };
  const rule = makeRule(limitPolicy.parse(policy), 'saved', '');
  const left = (nanos: bigint): string => {
    const standing = { sum: Number(9_000_000n * 1_000_000_000n - nanos), resets: at, room: at };
    return /;r=([^;]*);t=1$/.exec(limitFields([rule], [standing], at)[3] ?? '')?.[1] ?? '';
  };
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 9_000_000_000_000_000n }), (nanos) => {
      const [whole, places] = [nanos / 1_000_000_000n, (nanos % 1_000_000_000n) / 1_000_000n];
      expect(left(nanos)).toBe(
        `${whole}.${String(places).padStart(3, '0')}`.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, ''),
      );
    }),
  );
  expect(left(999_999n)).toBe('0');
  expect(left(1_000_000n)).toBe('0.001');
  expect(left(10_000_000_000n)).toBe('10');
});
