/** Counts in Redis: the same answers as in memory, once whatever happens, and bounded; with a real redis-server. */
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Ask, Decision } from '@weir/proxy/src/limits/ledger.ts';
import { MemoryLedger } from '@weir/proxy/src/limits/memory-ledger.ts';
import { RedisLedger, type RedisLedgerOptions } from '@weir/proxy/src/limits/redis-ledger.ts';
import { frameAt } from '@weir/proxy/src/limits/window.ts';
import { until } from '../support/deadline.ts';
import { startRedis, whyNoRedis, type TestRedis } from '../support/redis.ts';
import { at, atOnce, ledgerCases, makeAsk, takenOf } from './ledger-cases.ts';

if (whyNoRedis !== null) console.log(`SKIPPED limits/redis-ledger: ${whyNoRedis}.`);

describe.skipIf(whyNoRedis !== null)('in Redis', () => {
  let redis: TestRedis;
  let open: RedisLedger[] = [];
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterEach(async () => {
    await Promise.all(open.map((ledger) => ledger.stop()));
    open = [];
  });
  afterAll(() => redis.stop());

  const join = async (more: Partial<RedisLedgerOptions> = {}): Promise<RedisLedger> => {
    const ledger = new RedisLedger({
      url: redis.url,
      self: `${open.length}`,
      away: 'closed',
      arrived: () => true,
      ...more,
    });
    open.push(ledger);
    await ledger.start();
    expect(ledger.awaySince).toBeNull();
    return ledger;
  };
  const fresh = async (more: Partial<RedisLedgerOptions> = {}): Promise<RedisLedger> => {
    await redis.command('FLUSHALL');
    return join(more);
  };
  /** What a count holds, without asking for more. */
  const sumOf = async (ledger: RedisLedger, ask: Ask, moment = at): Promise<number | undefined> =>
    (await ledger.add([{ ...ask, amount: 0 }], moment))[0]?.sum;
  const back = (ledger: RedisLedger): Promise<true> =>
    until(10_000, 'Redis is back', () => (ledger.awaySince === null ? true : undefined));

  ledgerCases(fresh);

  test('any sequence of decisions has the answers that memory gives', async () => {
    const step = fc.record({
      what: fc.constantFrom('take', 'take', 'take', 'settle', 'add'),
      after: fc.integer({ min: 0, max: 20_000 }),
      counts: fc.uniqueArray(fc.constantFrom('a', 'b', 'at once', 'day'), { minLength: 1, maxLength: 3 }),
      quota: fc.integer({ min: 0, max: 40 }),
      amount: fc.option(fc.integer({ min: 0, max: 20 }), { freq: 5 }),
      hard: fc.boolean(),
      which: fc.nat(),
      used: fc.integer({ min: 0, max: 25 }),
    });
    const window = { a: { seconds: 60 }, b: { seconds: 7 }, day: { calendar: 'day', zone: 'UTC' }, 'at once': null };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        const [memory, shared] = [new MemoryLedger(), await fresh()];
        const taken: { id: string; asks: Ask[]; amounts: number[] }[] = [];
        let now = at;
        for (const [index, { what, after, counts, quota, amount, hard, which, used }] of steps.entries()) {
          now += after;
          const asks = counts.map((count): Ask => {
            const frame = frameAt(window[count as keyof typeof window] as Parameters<typeof frameAt>[0], now);
            const unit = count === 'at once' ? 'concurrent' : 'tokens';
            return { count, unit, frame, quota, amount: count === 'at once' ? 1 : amount, hard };
          });
          if (what === 'settle') {
            const [one] = taken.splice(which % Math.max(1, taken.length), 1);
            if (one === undefined) continue;
            const parts = one.asks.map((ask, part) => takenOf(ask, one.amounts[part] ?? 0));
            const amounts = one.asks.map(({ count }) => (count === 'at once' ? 0 : used));
            for (const ledger of [memory, shared]) ledger.settle(one.id, parts, amounts);
          } else if (what === 'add') {
            const timed = asks.filter(({ count }) => count !== 'at once').map((ask) => ({ ...ask, amount: used }));
            expect(await shared.add(timed, now)).toEqual(memory.add(timed, now));
          } else {
            const decision: Decision = await shared.take(`call-${index}`, asks, now);
            expect(decision).toEqual(memory.take(`call-${index}`, asks, now));
            if (decision.refused === null) taken.push({ id: `call-${index}`, asks, amounts: decision.amounts });
          }
        }
        await shared.stop();
      }),
      { numRuns: 60 },
    );
  });

  test('several proxies share one count', async () => {
    const proxies = [await fresh(), await join(), await join(), await join()];
    const decisions = await Promise.all(
      Array.from({ length: 400 }, (_, n) => proxies[n % 4]?.take(`${n}`, [makeAsk('c', 100, 3)], at)),
    );
    expect(decisions.filter((one) => one?.refused === null)).toHaveLength(33);
    expect(await sumOf(proxies[0] as RedisLedger, makeAsk('c', 100, 0))).toBe(99);
  });

  test('what was taken comes back once, whoever tells of it and however often', async () => {
    const [one, other] = [await fresh(), await join()];
    const ask = makeAsk('c', 100, 80);
    await one.take('1', [ask], at);
    for (const ledger of [one, other, one]) ledger.settle('1', [takenOf(ask, 80)], [30]);
    await until(5_000, 'it is back', async () => ((await sumOf(other, ask)) === 30 ? true : undefined));
    await sumOf(one, ask);
    expect(await sumOf(other, ask)).toBe(30);
    // Nor is one given back that was never taken.
    other.settle('never', [takenOf(ask, 80)], [0]);
    expect(await sumOf(other, ask)).toBe(30);
    expect(await redis.command('EXISTS', '{weir}:taken:1')).toBe(':0');
  });

  test('what a process took that died is known to the next one of its name, and to no other', async () => {
    const [dead, other] = [await fresh({ self: 'one' }), await join({ self: 'other' })];
    const ask = makeAsk('c', 200, 40);
    for (const id of ['1', '2', '3']) await dead.take(id, [ask, makeAsk('once', 9, 1, atOnce)], at);
    dead.settle('3', [takenOf(ask, 40)], [5]);
    await dead.stop();
    expect(await other.leftovers('2')).toEqual([]);
    const next = await join({ self: 'one' });
    const [left, ...more] = await next.leftovers('2');
    expect(more).toEqual([]);
    expect(left).toMatchObject({ id: '1', parts: [{ key: '{weir}:limit:c', unit: 'tokens', amount: 40 }] });
    if (left !== undefined) await next.settleLeftover(left, [7]);
    expect(await sumOf(other, ask)).toBe(52);
    expect(await next.leftovers('9')).toMatchObject([{ id: '2' }]);
  });

  test('the calls at once of a proxy that died end by themselves; those of one that lives do not', async () => {
    const leaseMs = 3_500;
    const [dead, alive] = [await fresh({ leaseMs }), await join({ leaseMs })];
    const ask = makeAsk('c', 3, 1, atOnce);
    await dead.take('1', [ask], at);
    await dead.take('2', [ask], at);
    await alive.take('3', [ask], at);
    expect((await alive.take('4', [ask], at)).refused).toBe(0);
    await dead.stop();
    const first = Date.now();
    await until(15_000, 'the leases of the dead end', async () => ((await sumOf(alive, ask)) === 1 ? true : undefined));
    // Twice as long as a lease, it is still held.
    await until(15_000, 'two leases later', () => (Date.now() > first + 2 * leaseMs ? true : undefined));
    expect(await sumOf(alive, ask)).toBe(1);
    alive.settle('3', [takenOf(ask, 1)], [0]);
    expect(await sumOf(alive, ask)).toBe(0);
  });

  test('everything in Redis ends by itself', async () => {
    const ledger = await fresh();
    const frame = frameAt({ seconds: 60 }, at);
    await ledger.claim('rule', at);
    await ledger.restore('rule', new Map([['rule', new Map([[frame.slot, 1]])]]), frame);
    await ledger.claim('other', at);
    await ledger.take('1', [makeAsk('rule', 9, 1), makeAsk('c', 9, 1), makeAsk('once', 9, 1, atOnce)], at);
    const keys = (await redis.command('KEYS', '*')).split('\r\n').filter((line) => line.startsWith('{'));
    expect(keys.sort()).toEqual(
      [
        'claim:other',
        'epoch',
        'limit:c',
        'limit:once',
        'limit:rule',
        'open:0',
        'since:other',
        'taken:1',
        'told:rule',
      ].map((name) => `{weir}:${name}`),
    );
    for (const key of keys) {
      const ms = Number((await redis.command('PTTL', key)).slice(1));
      if (key === '{weir}:epoch') expect(ms).toBe(-1);
      else expect(ms).toBeGreaterThan(0);
      if (key === '{weir}:limit:c') expect(ms).toBeLessThanOrEqual(61_000 + 60_000);
    }
  });

  describe('a rule’s past', () => {
    const frame = frameAt({ seconds: 60 }, at);
    const sums = (amount: number): Map<string, Map<number, number>> =>
      new Map([['rule', new Map([[frame.slot, amount]])]]);

    test('is told by one, while the others wait', async () => {
      const [one, other] = [await fresh(), await join()];
      expect(await one.claim('rule', at)).toBe(at);
      expect([await other.claim('rule', at + 1), other.isTold('rule')]).toEqual([null, false]);
      await one.restore('rule', sums(5), frame);
      expect([await other.claim('rule', at + 2), other.isTold('rule')]).toEqual([null, true]);
    });

    test('is told by another where the first died, from the same moment on, and counted once', async () => {
      const [one, other] = [await fresh({ claimMs: 500 }), await join({ claimMs: 500 })];
      expect(await one.claim('rule', at)).toBe(at);
      const since = await until(5_000, 'the claim ends', async () => (await other.claim('rule', at + 9)) ?? undefined);
      expect(since).toBe(at);
      await expect(one.restore('rule', sums(5), frame)).rejects.toThrow('told by another');
      await other.restore('rule', sums(5), frame);
      expect(await sumOf(other, makeAsk('rule', 9, 0))).toBe(5);
    });

    test('in many parts is there whole', async () => {
      const ledger = await fresh();
      const users = Array.from({ length: 5_000 }, (_, n) => `rule ["${n}"]`);
      await ledger.claim('rule', at);
      await ledger.restore('rule', new Map(users.map((name, n) => [name, new Map([[frame.slot, n + 1]])])), frame);
      expect(await sumOf(ledger, makeAsk(users[4_999] ?? '', 9, 0))).toBe(5_000);
    });
  });

  describe('while Redis is away', () => {
    const own: { redis: TestRedis | null } = { redis: null };
    afterEach(async () => {
      await own.redis?.stop();
    });
    const joinOwn = async (away: 'open' | 'closed'): Promise<{ server: TestRedis; ledger: RedisLedger }> => {
      const server = await startRedis('secret-of-redis');
      own.redis = server;
      return { server, ledger: await join({ url: server.url, away }) };
    };
    const asleep = (ledger: RedisLedger): Promise<true> =>
      until(10_000, 'it is away', () => (ledger.awaySince !== null ? true : undefined));

    test('closed: calls are refused as overloaded, at once', async () => {
      const { server, ledger } = await joinOwn('closed');
      await server.kill();
      await asleep(ledger);
      const began = performance.now();
      await expect(ledger.take('1', [makeAsk('c', 9, 1)], at)).rejects.toMatchObject({
        code: 'overloaded',
        status: 503,
      });
      expect(performance.now() - began).toBeLessThan(100);
      await server.restart();
      await back(ledger);
      expect((await ledger.take('2', [makeAsk('c', 9, 1)], at)).refused).toBeNull();
    });

    test('frozen: a decision waits a quarter of a second, the next one not at all; what was taken late goes back', async () => {
      const { server, ledger } = await joinOwn('closed');
      const ask = makeAsk('c', 9, 5);
      server.freeze();
      let began = performance.now();
      await expect(ledger.take('1', [ask], at)).rejects.toMatchObject({ code: 'overloaded' });
      expect(performance.now() - began).toBeLessThan(500);
      began = performance.now();
      await expect(ledger.take('2', [ask], at)).rejects.toMatchObject({ code: 'overloaded' });
      expect(performance.now() - began).toBeLessThan(100);
      server.thaw();
      await back(ledger);
      await until(5_000, 'nothing is stuck', async () => ((await sumOf(ledger, ask)) === 0 ? true : undefined));
    });

    test('open: each counts by itself from nothing; what was used is added when Redis is back, once', async () => {
      const { server, ledger } = await joinOwn('open');
      const other = await join({ url: server.url });
      const ask = makeAsk('c', 100, 10, { frame: frameAt({ seconds: 600 }, Date.now()) });
      const now = Date.now();
      await ledger.take('before', [ask], now);
      await ledger.take('open', [ask], now);
      server.freeze();
      await Promise.all(['1', '2', '3'].map((id) => ledger.take(id, [ask], now)));
      expect(ledger.awaySince).not.toBeNull();
      ledger.settle('before', [takenOf(ask, 10)], [4]);
      ledger.settle('1', [takenOf(ask, 10)], [3]);
      const small = { ...ask, quota: 25 };
      expect(await ledger.take('4', [small], now)).toMatchObject({ refused: 0 });
      await ledger.add([{ ...ask, amount: 7 }], now);
      server.thaw();
      await back(ledger);
      // before 4, open 10, 1 was 3, 2 and 3 hold 10 each, 7 were added.
      await until(5_000, 'all is told', async () => ((await sumOf(other, ask, now)) === 44 ? true : undefined));
      for (const id of ['open', '2', '3']) ledger.settle(id, [takenOf(ask, 10)], [1]);
      await until(5_000, 'all is settled', async () => ((await sumOf(other, ask, now)) === 17 ? true : undefined));
      expect(ledger.waiting).toBe(0);
    });

    test('one that comes back empty is told what is open, and its rules’ past again from the log', async () => {
      const { server, ledger } = await joinOwn('closed');
      let lost = 0;
      ledger.onLost = () => void lost++;
      const now = Date.now();
      const frame = frameAt({ seconds: 600 }, now);
      const ask = makeAsk('rule', 100, 10, { frame });
      expect(await ledger.claim('rule', now)).toBe(now);
      await ledger.restore('rule', new Map(), frame);
      await ledger.take('open', [ask], now);
      await ledger.take('over', [ask], now);
      await server.kill();
      await asleep(ledger);
      ledger.settle('over', [takenOf(ask, 10)], [6]);
      await server.restart();
      await back(ledger);
      expect([lost, ledger.isTold('rule')]).toEqual([1, false]);
      // Its row, should it be written before the log is asked, is not counted beside it.
      expect(await ledger.recounted()).toEqual(['open']);
      expect(await sumOf(ledger, ask, now)).toBe(10);
      // What was asked long ago must not leave out what happened since.
      const since = await ledger.claim('rule', now);
      expect(since).toBeGreaterThan(now);
      await ledger.restore('rule', new Map([['rule', new Map([[frame.slot, 6]])]]), frame);
      ledger.settle('open', [takenOf(ask, 10)], [1]);
      expect(await sumOf(ledger, ask, now)).toBe(7);
    });

    test('the log is not read before every proxy’s rows are in the store', async () => {
      let shipped = false;
      const { server, ledger } = await joinOwn('closed');
      await join({ url: server.url, arrived: () => shipped });
      await server.command('FLUSHALL');
      await until(5_000, 'the loss is noticed', async () =>
        (await server.command('EXISTS', '{weir}:behind')) === ':1' ? true : undefined,
      );
      const now = Date.now();
      expect(await ledger.claim('rule', now)).toBeNull();
      shipped = true;
      await until(5_000, 'they have arrived', async () => (await ledger.claim('rule', now)) ?? undefined);
    });

    test('one that lost everything without a word is noticed', async () => {
      const { server, ledger } = await joinOwn('open');
      let lost = 0;
      ledger.onLost = () => void lost++;
      await server.command('FLUSHALL');
      expect((await ledger.take('1', [makeAsk('c', 9, 1)], at)).refused).toBeNull();
      await until(5_000, 'it is noticed', () => (lost > 0 ? true : undefined));
    });

    test('one that is not there at the start is used when it comes; one that lets nobody in stays away', async () => {
      const server = await startRedis('secret-of-redis');
      own.redis = server;
      await server.kill();
      const wrong = new RedisLedger({
        url: server.url.replace('secret-', 'wrong-secret-'),
        self: 'a',
        away: 'open',
        arrived: () => true,
      });
      const right = new RedisLedger({ url: server.url, self: 'b', away: 'open', arrived: () => true });
      open.push(wrong, right);
      await Promise.all([wrong.start(), right.start()]);
      for (const ledger of [wrong, right]) {
        expect((await ledger.take('1', [makeAsk('c', 9, 1)], at)).refused).toBeNull();
      }
      await server.restart();
      await back(right);
      expect(wrong.awaySince).not.toBeNull();
      expect((await wrong.take('2', [makeAsk('c', 9, 1)], at)).refused).toBeNull();
    });
  });
});
