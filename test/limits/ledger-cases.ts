/** What every ledger promises: the same table for each. */
import { expect, test } from 'vitest';
import type { Ask, Ledger, Taken } from '@weir/proxy/src/limits/ledger.ts';
import { frameAt } from '@weir/proxy/src/limits/window.ts';

export const at = Date.UTC(2026, 0, 1);

export function makeAsk(count: string, quota: number, amount: number | null, more: Partial<Ask> = {}): Ask {
  return { count, unit: 'tokens', frame: frameAt({ seconds: 60 }, at), quota, amount, hard: true, ...more };
}

export function takenOf({ count, unit, frame }: Ask, amount: number): Taken {
  return { count, unit, slot: frame.slot, amount };
}

export const atOnce = { unit: 'concurrent', frame: frameAt(null, at) } as const;

/** @param ledger an empty one. */
export function ledgerCases(ledger: () => Promise<Ledger>): void {
  test('all or nothing: where one is full, nothing is taken of the others', async () => {
    const one = await ledger();
    await one.take('1', [makeAsk('full', 1, 1)], at);
    expect(await one.take('2', [makeAsk('free', 10, 3), makeAsk('full', 1, 1)], at)).toMatchObject({ refused: 1 });
    expect((await one.take('3', [makeAsk('free', 10, 10)], at)).refused).toBeNull();
  });

  test('what was not used comes back; what was used beyond is counted', async () => {
    const one = await ledger();
    const ask = makeAsk('c', 100, 80);
    await one.take('1', [ask], at);
    one.settle('1', [takenOf(ask, 80)], [30]);
    expect((await one.take('2', [makeAsk('c', 100, 70)], at)).standings[0]?.sum).toBe(100);
    one.settle('2', [takenOf(ask, 70)], [90]);
    expect(await one.take('3', [makeAsk('c', 100, 0)], at)).toMatchObject({ refused: 0, standings: [{ sum: 120 }] });
  });

  test('what nobody can tell the size of takes what is left, and shuts out the next until it is known', async () => {
    const one = await ledger();
    const first = await one.take('1', [makeAsk('c', 100, 40), makeAsk('d', 5, null)], at);
    expect(first).toMatchObject({ amounts: [40, 5] });
    expect(await one.take('2', [makeAsk('c', 100, null)], at)).toMatchObject({ amounts: [60] });
    expect(await one.take('3', [makeAsk('c', 100, null)], at)).toMatchObject({ refused: 0 });
    expect(await one.take('4', [makeAsk('c', 100, 1)], at)).toMatchObject({ refused: 0 });
  });

  test('a soft limit counts, and never refuses', async () => {
    const one = await ledger();
    for (const id of ['1', '2', '3']) {
      expect((await one.take(id, [makeAsk('c', 1, 1, { hard: false })], at)).refused).toBeNull();
    }
    expect((await one.take('4', [makeAsk('c', 1, 0, { hard: false })], at)).standings[0]?.sum).toBe(3);
  });

  test('what is added counts, whatever the quota says', async () => {
    const one = await ledger();
    expect(await one.add([{ ...makeAsk('c', 1, null), amount: 5 }], at)).toMatchObject([{ sum: 5 }]);
    expect(await one.take('1', [makeAsk('c', 5, 1)], at)).toMatchObject({ refused: 0 });
  });

  test('a refusal says when the oldest leaves, and when there is room', async () => {
    const one = await ledger();
    const frameOf = (ms: number): Partial<Ask> => ({ frame: frameAt({ seconds: 60 }, at + ms) });
    await one.take('1', [makeAsk('c', 10, 1, frameOf(0))], at);
    await one.take('2', [makeAsk('c', 10, 8, frameOf(10_000))], at + 10_000);
    const { standings } = await one.take('3', [makeAsk('c', 10, 5, frameOf(20_000))], at + 20_000);
    expect(standings).toEqual([{ sum: 9, resets: at + 61_000, room: at + 71_000 }]);
    // What has left counts no more.
    expect(await one.take('4', [makeAsk('c', 10, 5, frameOf(71_000))], at + 71_000)).toMatchObject({
      refused: null,
      standings: [{ sum: 5, resets: at + 132_000, room: at + 71_000 }],
    });
  });

  test('calls at once: as many as there are, and the next when one has ended', async () => {
    const one = await ledger();
    const ask = makeAsk('c', 2, 1, atOnce);
    for (const id of ['1', '2']) expect((await one.take(id, [ask], at)).refused).toBeNull();
    expect(await one.take('3', [ask, makeAsk('other', 1, 1)], at)).toMatchObject({
      refused: 0,
      standings: [{ sum: 2, resets: Infinity, room: Infinity }, { sum: 0 }],
    });
    one.settle('1', [takenOf(ask, 1)], [0]);
    expect((await one.take('4', [ask], at)).refused).toBeNull();
  });

  test('dollars are counted to the billionth, up to millions', async () => {
    const one = await ledger();
    const million = 1_000_000 * 1e9;
    await one.take('1', [makeAsk('c', 9 * million, 8 * million + 1)], at);
    expect((await one.take('2', [makeAsk('c', 9 * million, 1)], at)).standings[0]?.sum).toBe(8 * million + 2);
    expect((await one.take('3', [makeAsk('c', 9 * million, null)], at)).standings[0]?.sum).toBe(9 * million);
  });

  test('counts are apart, however long and odd their names', async () => {
    const one = await ledger();
    const names = ['x'.repeat(10_000), `${'x'.repeat(9_999)}y`, 'rule ["}{", "ü\\u0000"]', 'rule ["}{"]'];
    for (const name of names) {
      expect((await one.take(name, [makeAsk(name, 1, 1)], at)).refused).toBeNull();
      expect((await one.take(name, [makeAsk(name, 1, 1)], at)).refused).toBe(0);
    }
  });

  test('the log’s sums stand beside what was counted since', async () => {
    const one = await ledger();
    const frame = frameAt({ seconds: 60 }, at);
    expect(await one.claim('rule', at)).toBe(at);
    expect(await one.isTold('rule')).toBe(false);
    await one.take('1', [makeAsk('rule ["a"]', 100, 10)], at);
    const bySlot = new Map([
      [frame.slot - 30, 7],
      [frame.slot, 2],
    ]);
    await one.restore('rule', new Map([['rule ["a"]', bySlot]]), frame);
    expect(await one.isTold('rule')).toBe(true);
    expect(await one.claim('rule', at + 5)).toBeNull();
    const { standings } = await one.take('2', [makeAsk('rule ["a"]', 100, 90)], at);
    expect(standings).toEqual([{ sum: 19, resets: at + 31_000, room: at + 61_000 }]);
  });
}
