/** Counts in memory: what every ledger promises, and that memory is bounded. */
import { describe, expect, test } from 'vitest';
import { MemoryLedger } from '@weir/proxy/src/limits/memory-ledger.ts';
import { frameAt } from '@weir/proxy/src/limits/window.ts';
import { at, ledgerCases, makeAsk as ask } from './ledger-cases.ts';

describe('in memory', () => ledgerCases(async () => new MemoryLedger()));

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

test('a count that begins again is not swept away by a new one that is taken with it', () => {
  const ledger = new MemoryLedger();
  const later = at + 600_000;
  const frame = frameAt({ seconds: 60 }, later);
  ledger.take('1', [ask('old', 10, 1)], at);
  ledger.take('2', [ask('new', 10, 1, { frame }), ask('old', 10, 1, { frame })], later);
  expect(ledger.take('3', [ask('old', 10, 1, { frame })], later).standings).toMatchObject([{ sum: 2 }]);
});

test('two limits may share a count: both are told what it holds with both', () => {
  const ledger = new MemoryLedger();
  const { standings } = ledger.take('1', [ask('one', 10, 3), ask('one', 20, 3)], at);
  expect(standings).toMatchObject([{ sum: 6 }, { sum: 6 }]);
});
