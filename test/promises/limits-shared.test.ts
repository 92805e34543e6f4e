/** Several proxies share every limit through Redis: together they never pass one, and neither the death of a proxy nor of Redis changes that. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, firstKey, makeKey, type MadeKey } from '../support/administration.ts';
import { until } from '../support/deadline.ts';
import { rawRequest, type RawResponse } from '../support/http.ts';
import { chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startRedis, whyNoRedis, type TestRedis } from '../support/redis.ts';
import { reachesStore, startProxy, startWeir, type ProxyProcess, type TestWeir } from '../support/weir.ts';

if (whyNoRedis !== null) console.log(`SKIPPED promises/limits-shared: ${whyNoRedis}.`);

/** 1,000 tokens in and 1,000 out: at gpt-4o's 2.5 and 10 dollars a million, one and a quarter cents. */
const usage = { prompt_tokens: 1000, completion_tokens: 1000, total_tokens: 2000 };
const nanosOfCall = 12_500_000;
const dollar = 1_000_000_000;
const password = 'secret-of-redis';

interface Health {
  status: string;
  limits: { shared: boolean; away: boolean };
}

describe.skipIf(whyNoRedis !== null)('limits of several proxies', () => {
  let redis: TestRedis;
  let provider: ScriptedProvider;
  let weir: TestWeir;
  let admin = '';
  let environment: Record<string, string> = {};
  /** One shares its store with the others, each has a data directory. */
  let proxies: ProxyProcess[] = [];
  const dataDirs: string[] = [];
  /** What the provider billed, by the end user that its requests name. */
  const billed = new Map<string, number>();
  const release: (() => void)[] = [];

  beforeAll(async () => {
    redis = await startRedis(password);
    provider = await startProvider(async (seen, response) => {
      const { user } = JSON.parse(seen.body.toString()) as { user: string };
      if (seen.body.includes('"Hold"')) await new Promise<void>((resolve) => release.push(resolve));
      billed.set(user, (billed.get(user) ?? 0) + nanosOfCall);
      json(response, { ...chatCompletion('gpt-4o'), usage });
    });
    const shared = { OPENAI_API_KEY: 'sk-held', REDIS_URL: redis.url, WEIR_LIMITS_AWAY: 'closed' };
    weir = await startWeir({ openai: provider.url }, shared);
    environment = { ...shared, CLICKHOUSE_URL: weir.clickhouseUrl, WEIR_UPSTREAM_OPENAI: provider.url };
    admin = firstKey(weir.dataDir);
    proxies = [weir.proxy];
    for (let n = 1; n < 4; n++) proxies.push(await another());
  });
  afterAll(async () => {
    for (const one of release) one();
    await Promise.all(proxies.slice(1).map((proxy) => proxy.stop()));
    await weir.stop();
    await provider.close();
    await redis.stop();
    for (const directory of dataDirs) rmSync(directory, { recursive: true, force: true });
  });

  async function another(settings: Record<string, string> = {}): Promise<ProxyProcess> {
    const directory = mkdtempSync(join(tmpdir(), 'weir-test-'));
    dataDirs.push(directory);
    const proxy = await startProxy(directory, { ...environment, ...settings });
    await reachesStore(proxy.url);
    return proxy;
  }

  /** A key that all of them know. */
  async function make(limits: object[], among: readonly ProxyProcess[] = proxies): Promise<MadeKey> {
    const made = await makeKey(weir.proxy.url, admin, { limits });
    for (const { url } of among) {
      await until(20_000, 'every proxy knows the key', async () =>
        (await ask(url, made.key, 'GET', '/requests/none')).status === 401 ? undefined : true,
      );
    }
    return made;
  }

  function call({ url }: ProxyProcess, { key, key_id }: MadeKey, content = 'Hi'): Promise<RawResponse> {
    const messages = [{ role: 'user', content }];
    return rawRequest(url, {
      path: '/openai/v1/chat/completions',
      body: JSON.stringify({ model: 'gpt-4o', max_tokens: 1000, user: key_id, messages }),
      headers: [
        ['Weir-Key', key],
        ['Content-Type', 'application/json'],
      ],
    });
  }

  const health = async ({ url }: ProxyProcess): Promise<Health> =>
    (await (await fetch(`${url}/weir/health`)).json()) as Health;
  const areAway = (away: boolean, among: readonly ProxyProcess[]): Promise<unknown> =>
    until(30_000, `the proxies say that Redis is ${away ? 'away' : 'back'}`, async () => {
      const all = await Promise.all(among.map(health));
      return all.every(({ limits }) => limits.shared && limits.away === away) ? all : undefined;
    });

  /** One call after the other, until each proxy has refused one. @returns the last refusal. */
  async function useUp(key: MadeKey, among: readonly ProxyProcess[]): Promise<RawResponse> {
    let last: RawResponse | undefined;
    for (const proxy of among) {
      last = await until(60_000, 'the budget is used up', async () => {
        const got = await call(proxy, key);
        expect([200, 429, 503]).toContain(got.status);
        return got.status === 429 ? got : undefined;
      });
    }
    return last as RawResponse;
  }

  /** What was let through came as near to a dollar as one more call allows, and not past it. */
  function expectUsedUp({ key_id }: MadeKey, besides = 0): void {
    const spent = (billed.get(key_id) ?? 0) + besides;
    expect(spent).toBeLessThanOrEqual(dollar);
    expect(spent).toBeGreaterThan(dollar - 2 * nanosOfCall);
  }

  test('200 clients on four proxies against one dollar: never passed, used up, and the refusal names it', async () => {
    const key = await make([{ name: 'day', unit: 'usd', quota: 1, window: { calendar: 'day' } }]);
    const statuses = await Promise.all(
      Array.from({ length: 200 }, async (_, n) => (await call(proxies[n % 4] as ProxyProcess, key)).status),
    );
    const answered = statuses.filter((status) => status === 200).length;
    expect(statuses.filter((status) => status === 429)).toHaveLength(200 - answered);
    expect(billed.get(key.key_id)).toBe(answered * nanosOfCall);
    const refusal = await useUp(key, proxies);
    expect(refusal.body.toString()).toMatch(/The limit day is reached: 0\.9\d+ of 1 usd are taken; this call may come/);
    expect(Number(refusal.header('retry-after'))).toBeGreaterThan(0);
    expectUsedUp(key);
    expect(await health(proxies[0] as ProxyProcess)).toMatchObject({ limits: { shared: true, away: false } });
  });

  test('kill -9 of one among 200 clients: the dollar holds, places come back, and nothing is stuck after its return', async () => {
    const key = await make([
      { name: 'day', unit: 'usd', quota: 1, window: { calendar: 'day' } },
      { name: 'at once', unit: 'concurrent', quota: 60 },
    ]);
    const victim = await another();
    const dataDir = dataDirs.at(-1) as string;
    await until(20_000, 'it knows the key', async () =>
      (await ask(victim.url, key.key, 'GET', '/requests/none')).status === 401 ? undefined : true,
    );
    const five = [victim, ...proxies];
    // Ten are in flight when it dies.
    const held = Array.from({ length: 10 }, () => call(victim, key, 'Hold').catch(() => undefined));
    await until(20_000, 'ten are held', () => (release.length === 10 ? true : undefined));
    let sent = 0;
    const clients = Array.from({ length: 200 }, async (_, n) => {
      const got = await call(five[n % 5] as ProxyProcess, key).catch(() => undefined);
      if (++sent === 20) await victim.kill();
      return got?.status;
    });
    await Promise.all([...clients, ...held]);
    for (const one of release.splice(0)) one();
    expect(billed.get(key.key_id)).toBeLessThanOrEqual(dollar);
    // The dead proxy's places come back by themselves; ten of sixty are in the way until then.
    const places = async (): Promise<number> => {
      const got = await call(proxies[0] as ProxyProcess, key);
      return Number(/"at once";r=(\d+)/.exec(got.header('ratelimit') ?? '')?.[1] ?? 0);
    };
    await until(60_000, 'all places are back', async () => ((await places()) >= 59 ? true : undefined));

    // What it had taken for calls that nobody can tell of stands, as in the log; no record of a call is left.
    const again = await startProxy(dataDir, environment);
    proxies.push(again);
    await reachesStore(again.url);
    await until(60_000, 'every call is settled', async () =>
      (await redis.command('KEYS', '{weir}:taken:*')) === '*0' ? true : undefined,
    );
    await useUp(key, proxies);
    // Every proxy ships its rows by itself: the log is whole once what it knows and what it does not come to the dollar.
    const logged = await until(60_000, 'the calls of all proxies are in the log', async () => {
      const [row] = await weir.query<{ taken: string; nanos: string }>(
        `SELECT countIf(limit_usd IS NOT NULL) AS taken,
                sum(toInt64(ifNull(limit_usd, ifNull(cost_usd, 0)) * 1000000000)) AS nanos
         FROM requests WHERE key_id = '${key.key_id}'`,
      );
      const nanos = Number(row?.nanos);
      return Number(row?.taken) >= 10 && nanos > dollar - 3 * nanosOfCall ? nanos : undefined;
    });
    expect(billed.get(key.key_id)).toBeLessThanOrEqual(dollar);
    expect(logged).toBeLessThanOrEqual(dollar);
  });

  test('closed, Redis killed in the middle: what limits count is refused until it is back; then the log has told it what was spent', async () => {
    const key = await make([{ name: 'day', unit: 'usd', quota: 1, window: { calendar: 'day' } }]);
    const free = await make([]);
    for (let n = 0; n < 40; n++) expect((await call(proxies[n % 4] as ProxyProcess, key)).status).toBe(200);
    // Five are in flight while it is away.
    const held = Array.from({ length: 5 }, (_, n) => call(proxies[n % 4] as ProxyProcess, key, 'Hold'));
    await until(20_000, 'five are held', () => (release.length === 5 ? true : undefined));
    await redis.kill();
    await areAway(true, proxies);
    for (const proxy of proxies) {
      const refused = await call(proxy, key);
      expect([refused.status, refused.header('weir-error')]).toEqual([503, 'overloaded']);
      expect(Number(refused.header('retry-after'))).toBeGreaterThan(0);
      expect(refused.body.toString()).toContain('WEIR_LIMITS_AWAY is closed');
      expect((await call(proxy, free)).status).toBe(200);
      expect((await health(proxy)).status).toBe('degraded');
      expect(await (await fetch(`${proxy.url}/weir/metrics`)).text()).toContain('\nweir_limits_redis_away 1\n');
    }
    for (const one of release.splice(0, 2)) one();
    await redis.restart();
    await areAway(false, proxies);
    const statuses = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => (await call(proxies[n % 4] as ProxyProcess, key)).status),
    );
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(35);
    for (const one of release.splice(0)) one();
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    await useUp(key, proxies);
    const spent = billed.get(key.key_id) ?? 0;
    console.log(`after Redis came back empty, ${spent / dollar} of 1 dollar was let through`);
    expect(spent).toBeLessThanOrEqual(dollar);
    // What ended while it was away may be counted twice until its window is over, never not at all.
    expect(spent).toBeGreaterThan(dollar - 7 * nanosOfCall);
    expect(proxies.flatMap(({ log }) => log).join('\n')).not.toContain(password);
  });

  test('open, Redis killed in the middle: each counts by itself meanwhile; what was let through counts when it is back', async () => {
    const two = [await another({ WEIR_LIMITS_AWAY: 'open' }), await another({ WEIR_LIMITS_AWAY: 'open' })] as const;
    proxies.push(...two);
    const key = await make([{ name: 'hour', quota: 6, window: { seconds: 3600 } }], two);
    for (const proxy of two) expect((await call(proxy, key)).status).toBe(200);
    await redis.kill();
    await areAway(true, two);
    for (const proxy of two) {
      const statuses: number[] = [];
      for (let n = 0; n < 8; n++) statuses.push((await call(proxy, key)).status);
      expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 429, 429]);
      expect((await health(proxy)).status).toBe('degraded');
    }
    await redis.restart();
    await areAway(false, two);
    // While the log is slow to tell what was spent, open lets pass; that counts too.
    let passed = 14;
    for (const proxy of two) {
      const refused = await until(60_000, 'what was let through is counted', async () => {
        const got = await call(proxy, key);
        if (got.status === 200) passed++;
        return got.status === 429 ? got : undefined;
      });
      expect(refused.body.toString()).toContain(`The limit hour is reached: ${passed} of 6 requests are taken.`);
    }
  });

  test('a wrong REDIS_URL is a sentence that names it, and nothing of its password', async () => {
    const wrong = another({ REDIS_URL: `http://:${password}@127.0.0.1:6379` });
    const error = await wrong.then(
      () => new Error('it started'),
      (reason: unknown) => reason as Error,
    );
    expect(error.message).toContain('REDIS_URL is wrong: expected redis(s)://user:password@host:6379.');
    expect(error.message).not.toContain(password);
  });
});
