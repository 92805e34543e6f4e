/** Counts: several taken together or not at all, given back when they are not used, and bounded memory. */
import { expect, test } from 'vitest';
import type { Ask } from '@weir/proxy/src/limits/ledger.ts';
import { MemoryLedger } from '@weir/proxy/src/limits/memory-ledger.ts';
import { frameAt } from '@weir/proxy/src/limits/window.ts';

const at = Date.UTC(2026, 0, 1);
const ask = (count: string, quota: number, amount: number | null, more: Partial<Ask> = {}): Ask => {
  return { count, frame: frameAt({ seconds: 60 }, at), quota, amount, hard: true, ...more };
};

test('all or nothing: where one is full, nothing is taken of the others', () => {
  const ledger = new MemoryLedger();
  ledger.take('1', [ask('full', 1, 1)], at);
  expect(ledger.take('2', [ask('free', 10, 3), ask('full', 1, 1)], at)).toMatchObject({ refused: 1 });
  expect(ledger.take('3', [ask('free', 10, 10)], at).refused).toBeNull();
});

test('what was not used comes back; what was used beyond is counted', () => {
  const ledger = new MemoryLedger();
  const { slot } = frameAt({ seconds: 60 }, at);
  ledger.take('1', [ask('c', 100, 80)], at);
  ledger.settle('1', [{ count: 'c', unit: 'tokens', slot, amount: 80 }], [30]);
  expect(ledger.take('2', [ask('c', 100, 70)], at).standings[0]?.sum).toBe(100);
  ledger.settle('2', [{ count: 'c', unit: 'tokens', slot, amount: 70 }], [90]);
  expect(ledger.take('3', [ask('c', 100, 0)], at)).toMatchObject({ refused: 0, standings: [{ sum: 120 }] });
});

test('what nobody can tell the size of takes what is left, and shuts out the next until it is known', () => {
  const ledger = new MemoryLedger();
  expect(ledger.take('1', [ask('c', 100, 40), ask('d', 5, null)], at)).toMatchObject({ amounts: [40, 5] });
  expect(ledger.take('2', [ask('c', 100, null)], at)).toMatchObject({ amounts: [60] });
  expect(ledger.take('3', [ask('c', 100, null)], at)).toMatchObject({ refused: 0 });
  expect(ledger.take('4', [ask('c', 100, 1)], at)).toMatchObject({ refused: 0 });
});

test('a soft limit counts, and never refuses', () => {
  const ledger = new MemoryLedger();
  for (const id of ['1', '2', '3']) {
    expect(ledger.take(id, [ask('c', 1, 1, { hard: false })], at).refused).toBeNull();
  }
  expect(ledger.take('4', [ask('c', 1, 0, { hard: false })], at).standings[0]?.sum).toBe(3);
});

test('a million users that come once take memory of the last window only', () => {
  const ledger = new MemoryLedger();
  for (let user = 0; user < 1_000_000; user++) {
    // A window of a minute, ten thousand users in it.
    const now = at + user * 6;
    ledger.take('', [ask(`user ${user}`, 10, 1, { frame: frameAt({ seconds: 60 }, now) })], now);
  }
  expect(ledger.size).toBeLessThan(30_000);
});

test('a million users of one day are a few hundred bytes each', () => {
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const ledger = new MemoryLedger();
  for (let user = 0; user < 1_000_000; user++) {
    ledger.take('', [ask(`key_0123456789ab ["user-${user}"]`, 10, 1, { frame: frameAt({ seconds: 86_400 }, at) })], at);
  }
  expect(ledger.size).toBe(1_000_000);
  const bytes = process.memoryUsage().heapUsed - before;
  console.log(`a million users of one day: ${Math.round(bytes / 1e6)} MB`);
  expect(bytes).toBeLessThan(600e6);
});
