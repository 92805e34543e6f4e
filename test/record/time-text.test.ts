/** Times as text: the same digits as JavaScript's own, which the recorder reads back. */
import { msText, microsText } from '@weir/proxy/src/capture/time-text.ts';
import { expect, test } from 'vitest';

test('milliseconds are written as the shortest number that names them', () => {
  const edges = [
    0,
    1,
    9,
    10,
    99,
    100,
    999,
    1_000,
    1_001,
    1_010,
    1_100,
    59_999_999,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 31 + 7,
    1e12 + 1,
  ];
  const drawn = Array.from({ length: 20_000 }, (_, index) => (index * 48_271) % 2_147_483_647);
  for (const micros of [...edges, ...drawn]) expect(msText(micros)).toBe(String(micros / 1000));
});

test('a moment is written with all its digits, whichever was written before', () => {
  const now = 1_795_000_000_000_000;
  const steps = Array.from({ length: 20_000 }, (_, index) => (index * 48_271 * 37) % 90_000_000);
  for (const micros of [
    0,
    1,
    999_999,
    1_000_000,
    now,
    now + 1,
    now + 999,
    now + 1_000,
    ...steps.map((step) => now + step),
  ]) {
    expect(microsText(micros)).toBe(String(micros));
  }
});
