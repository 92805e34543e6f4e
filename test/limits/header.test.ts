/** `Weir-Limit`: what is understood, and that nothing wrong is let pass in silence. */
import { expect, test } from 'vitest';
import { readLimits } from '@weir/proxy/src/limits/header.ts';

test('the contract’s example', () => {
  expect(readLimits('"rpm";q=60;w=60, "day";q=5;qu=usd;w=86400;pk=user')).toEqual([
    { name: 'rpm', unit: 'requests', quota: 60, window: { seconds: 60 }, by: [], match: {}, action: 'refuse' },
    { name: 'day', unit: 'usd', quota: 5, window: { seconds: 86_400 }, by: ['user'], match: {}, action: 'refuse' },
  ]);
});

test('a property, a token as name, decimals of a dollar', () => {
  expect(readLimits('team;q=0.25;qu="usd";w=60;pk=team')).toMatchObject([
    { name: 'team', unit: 'usd', quota: 0.25, by: ['property:team'] },
  ]);
});

test.each([
  ['"rpm"', /rpm: q is wrong/],
  ['"rpm";q=60', /rpm: w is wrong/],
  ['"rpm";q=-1;w=60', /rpm: q is wrong/],
  ['"rpm";q=1.5;w=60', /rpm: q is wrong .*whole number/],
  ['"rpm";q=60;w=0', /rpm: w is wrong/],
  ['"rpm";q=60;w=60;qu=euro', /rpm: qu is wrong/],
  ['"rpm";q=60;w=60;qu=concurrent', /rpm: w is wrong/],
  ['"rpm";q=60;w=60;pk="a b"', /rpm: pk is wrong/],
  ['"rpm";q=60;w=60;burst=3', /rpm: burst is no part of a limit; expected q, qu, w, pk/],
  ['"a";q=1;w=1, "a";q=2;w=1', /two limits alike/],
  ['("a" "b");q=1;w=1', /its name is wrong/],
  ['"rpm";q=60;w=60,', /does not parse as an RFC 9651 field/],
  [Array.from({ length: 17 }, (_, n) => `"l${n}";q=1;w=1`).join(', '), /has 17 limits; at most 16/],
])('%s is refused', (value, sentence) => {
  expect(() => readLimits(value)).toThrow(sentence);
});
