/** Saved routes: changed by whoever may, kept in every version, in force everywhere within two seconds, and explained by a dry run. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { insertRows } from '@weir/schema/insert';
import type { DryRunAnswer, RouteView } from '@weir/schema/settings/route-desk';
import { ask, firstKey, makeKey, type Answered } from '../support/administration.ts';
import { runCli } from '../support/cli.ts';
import { until } from '../support/deadline.ts';
import { startProxy, startWeir, reachesStore, type ProxyProcess, type TestWeir } from '../support/weir.ts';
import { mkdtempSync, rmSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let weir: TestWeir;
let other: ProxyProcess;
let otherDir = '';
let admin = '';
beforeAll(async () => {
  weir = await startWeir({}, { OPENAI_API_KEY: 'sk-of-the-test' });
  admin = firstKey(weir.dataDir);
  otherDir = mkdtempSync(join(tmpdir(), 'weir-test-'));
  other = await startProxy(otherDir, { CLICKHOUSE_URL: weir.clickhouseUrl });
  await reachesStore(other.url);
});
afterAll(async () => {
  await other.stop();
  await weir.stop();
  rmSync(otherDir, { recursive: true, force: true });
});

const by = (method: string, path: string, body?: unknown, key: string | null = admin): Promise<Answered> =>
  ask(weir.proxy.url, key, method, path, body);
const errorOf = (got: Answered): { code: string; message: string; fields?: { field: string; message: string }[] } =>
  got.json.error as ReturnType<typeof errorOf>;
const fieldsOf = (got: Answered): string[] => (errorOf(got).fields ?? []).map(({ field }) => field);
const view = (got: Answered): RouteView => got.json as unknown as RouteView;
const plan = (got: Answered): DryRunAnswer => got.json as unknown as DryRunAnswer;

const checkout = {
  name: 'checkout',
  split: {
    name: 'checkout',
    by: 'user',
    to: [
      { target: 'openai/gpt-5', weight: 80 },
      { target: 'openai/gpt-5-mini', weight: 20 },
    ],
  },
  fallback: { to: ['azure:my-resource/gpt-5'] },
  retry: { retries: 1 },
};

describe('a saved route', () => {
  test('is made, shown, changed as a whole, switched off and removed; each change of it is a version', async () => {
    const made = await by('POST', '/routes', checkout);
    expect([made.status, view(made).version, view(made).enabled]).toEqual([201, 1, true]);
    expect(view(made).settings?.split?.to.map(({ weight }) => weight)).toEqual([80, 20]);
    const again = await by('POST', '/routes', checkout);
    expect([again.status, errorOf(again).code, fieldsOf(again)]).toEqual([400, 'bad_request', ['name']]);

    const second = await by('PATCH', '/routes/checkout', { settings: { name: 'checkout', target: 'openai/gpt-5' } });
    expect([second.status, view(second).version, view(second).settings?.split]).toEqual([200, 2, null]);
    const same = await by('PATCH', '/routes/checkout', { settings: { name: 'checkout', target: 'openai/gpt-5' } });
    expect(view(same).version).toBe(2);
    const off = await by('PATCH', '/routes/checkout', { enabled: false });
    expect([view(off).version, view(off).enabled]).toEqual([2, false]);

    const restored = await by('POST', '/routes/checkout/restore', { version: 1 });
    expect([restored.status, view(restored).version, view(restored).enabled]).toEqual([200, 3, false]);
    expect(view(restored).settings).toEqual(view(made).settings);
    expect(view(await by('GET', '/routes/checkout'))).toEqual(view(restored));

    const { json } = await by('GET', '/routes/checkout/versions');
    const versions = json.versions as {
      version: number;
      actor_name: string;
      at: string;
      settings: RouteView['settings'];
    }[];
    expect(versions.map(({ version, actor_name }) => [version, actor_name])).toEqual([
      [3, 'first key'],
      [2, 'first key'],
      [1, 'first key'],
    ]);
    expect(versions.map(({ settings }) => settings?.target ?? settings?.split?.name)).toEqual([
      'checkout',
      'openai/gpt-5',
      'checkout',
    ]);
    expect(Date.now() - Date.parse(versions[0]?.at ?? '')).toBeLessThan(120_000);

    expect((await by('DELETE', '/routes/checkout', {})).status).toBe(200);
    for (const [method, path, body] of [
      ['GET', '/routes/checkout'],
      ['PATCH', '/routes/checkout', { enabled: true }],
      ['DELETE', '/routes/checkout', {}],
      ['POST', '/routes/checkout/restore', { version: 1 }],
      ['GET', '/routes/nobody/versions'],
    ] as const) {
      const got = await by(method, path, body);
      expect([got.status, errorOf(got).code], `${method} ${path}`).toEqual([404, 'not_found']);
    }
    const later = await by('POST', '/routes', { name: 'checkout', target: 'openai/gpt-5' });
    expect([later.status, view(later).version]).toEqual([201, 4]);

    const { json: audit } = await by('GET', '/audit?limit=100');
    const changes = (audit.entries as { kind: string; id: string; action: string }[]).filter(
      ({ kind }) => kind === 'route',
    );
    expect(changes.map(({ action, id }) => `${action} ${id}`)).toEqual([
      'create checkout',
      'delete checkout',
      'restore checkout',
      'disable checkout',
      'update checkout',
      'update checkout',
      'create checkout',
    ]);
  });

  test('is read by viewers and changed by editors', async () => {
    const keyOf = async (role: string): Promise<string> =>
      (await makeKey(weir.proxy.url, admin, { role, project: 'shop', name: role || 'calls' })).key;
    const [viewer, editor, caller] = [await keyOf('viewer'), await keyOf('editor'), await keyOf('')];
    await by('POST', '/routes', { name: 'roles', target: 'openai/gpt-5' });
    const reads = [
      ['GET', '/routes'],
      ['GET', '/routes/roles'],
      ['GET', '/routes/roles/versions'],
      ['POST', '/routes/dry-run', { route: 'roles' }],
    ] as const;
    const writes = [
      ['POST', '/routes', { name: 'made', target: 'openai/gpt-5' }],
      ['PATCH', '/routes/roles', { enabled: false }],
      ['PATCH', '/routes/roles', { enabled: true }],
      ['POST', '/routes/roles/restore', { version: 1 }],
      ['DELETE', '/routes/made', {}],
    ] as const;
    for (const [method, path, body] of [...reads, ...writes]) {
      expect((await by(method, path, body, caller)).status, `${method} ${path}`).toBe(403);
      expect((await by(method, path, body, null)).status).toBe(401);
    }
    for (const [method, path, body] of reads) expect((await by(method, path, body, viewer)).status, path).toBe(200);
    for (const [method, path, body] of writes) expect((await by(method, path, body, viewer)).status, path).toBe(403);
    for (const [method, path, body] of writes)
      expect((await by(method, path, body, editor)).status, path).toBeLessThan(202);
  });

  test('that is wrong is refused by a sentence that names the field, and nothing is saved', async () => {
    const arm = (target: string, more: object = {}): object => ({ target, ...more });
    for (const [body, field, sentence] of [
      [{ target: 'openai/gpt-5' }, 'name', ''],
      [{ name: 'a b', target: 'openai/gpt-5' }, 'name', 'expected letters, digits'],
      [{ name: 'x', target: 'gpt-5' }, 'target', 'expected provider/model'],
      [{ name: 'x', target: 'opnai/gpt-5' }, 'target', 'no target is at "opnai"; known: '],
      [{ name: 'x', target: 'azure/gpt-5' }, 'target', 'expected a resource'],
      [{ name: 'x', target: 'openai/a', split: { to: [arm('openai/b')] } }, 'target', 'expected one of target, split'],
      [
        { name: 'x', split: { by: 'user', to: [arm('openai/a')] } },
        'split.name',
        'expected a name, unless by is request',
      ],
      [{ name: 'x', split: { to: [arm('openai/a', { weight: 0.5 })] } }, 'split.to.0.weight', ''],
      [{ name: 'x', split: { to: [arm('openai/a', { weight: 0 })] } }, 'split.to', 'expected a weight above 0'],
      [{ name: 'x', split: { to: [arm('openai/a'), arm('openai/a')] } }, 'split.to', 'variants of different names'],
      [{ name: 'x', fallback: { to: ['openai/a', 'nobody/b'] } }, 'fallback.to.1', 'no target is at "nobody"'],
      [
        { name: 'x', fallback: { to: ['openai/a'], on: [400] } },
        'fallback.on.0',
        'expected a status other than 400, 401',
      ],
      [{ name: 'x', retry: { min: 10, max: 5 } }, 'retry.max', 'expected at least min'],
      [{ name: 'x', timeout: { head: 3 } }, 'timeout', 'has a field that is not known'],
      [{ name: 'x', rules: [{ when: { hours: { from: '8:00', to: '09:00' } } }] }, 'rules.0.when.hours.from', '08:30'],
      [
        { name: 'x', rules: [{ when: {}, balance: { to: [arm('nobody/a')] } }] },
        'rules.0.balance.to.0.target',
        'nobody',
      ],
      [
        { name: 'x', rules: [{ when: {}, split: { to: [arm('openai/a'), arm('nobody/b')] } }] },
        'rules.0.split.to.1.target',
        'nobody',
      ],
    ] as const) {
      const got = await by('POST', '/routes', body);
      expect([got.status, fieldsOf(got)], JSON.stringify(body)).toEqual([400, [field]]);
      expect(errorOf(got).message).toContain(`${field}: `);
      expect(errorOf(got).message).toContain(sentence);
    }
    expect((await by('GET', '/routes/x')).status).toBe(404);
    await by('POST', '/routes', { name: 'keeps', target: 'openai/gpt-5' });
    for (const [body, field] of [
      [{ settings: { name: 'other', target: 'openai/gpt-5' } }, 'settings.name'],
      [{ settings: { name: 'keeps', fallback: { to: ['nobody/x'] } } }, 'settings.fallback.to.0'],
      [{ version: 7, enabled: false }, 'version'],
    ] as const) {
      const got = await by('PATCH', '/routes/keeps', body);
      expect([got.status, fieldsOf(got)]).toEqual([400, [field]]);
    }
    expect((await by('PATCH', '/routes/keeps', {})).status).toBe(400);
    expect((await by('POST', '/routes/keeps/restore', { version: 9 })).status).toBe(404);
    expect(view(await by('GET', '/routes/keeps'))).toMatchObject({ version: 1, enabled: true });
  });

  test('is in force at once here, and in another proxy within two seconds; so is the end of it', async () => {
    const otherAdmin = firstKey(otherDir);
    const target = async (url: string, key: string): Promise<string | null | undefined> => {
      const got = await ask(url, key, 'POST', '/routes/dry-run', { route: 'live' });
      return got.status === 404 ? undefined : plan(got).targets[0]?.target;
    };
    const within2 = async (expected: string | undefined): Promise<void> => {
      expect(await target(weir.proxy.url, admin)).toBe(expected);
      const began = Date.now();
      await until(10_000, 'the other proxy has taken it', async () =>
        (await target(other.url, otherAdmin)) === expected ? true : undefined,
      );
      expect(Date.now() - began).toBeLessThan(2_500);
    };
    await by('POST', '/routes', { name: 'live', target: 'openai/gpt-5' });
    await within2('openai/gpt-5');
    await by('PATCH', '/routes/live', { settings: { name: 'live', target: 'openai/gpt-5-mini' } });
    await within2('openai/gpt-5-mini');
    await by('PATCH', '/routes/live', { enabled: false });
    await within2(undefined);
    await by('PATCH', '/routes/live', { enabled: true });
    await within2('openai/gpt-5-mini');
    await by('DELETE', '/routes/live', {});
    await within2(undefined);
  });

  test('is found by a proxy that starts while its store is away', async () => {
    await by('POST', '/routes', { name: 'kept', target: 'openai/gpt-5' });
    const alone = mkdtempSync(join(tmpdir(), 'weir-test-'));
    mkdirSync(alone, { recursive: true });
    copyFileSync(join(weir.dataDir, 'settings.json'), join(alone, 'settings.json'));
    const proxy = await startProxy(alone, { CLICKHOUSE_URL: 'http://127.0.0.1:9/weir' });
    try {
      const got = await ask(proxy.url, firstKey(alone), 'POST', '/routes/dry-run', { route: 'kept' });
      expect([got.status, plan(got).targets[0]?.target, plan(got).route_version]).toEqual([200, 'openai/gpt-5', '1']);
      const health = (await (await fetch(`${proxy.url}/weir/health`)).json()) as { stale: boolean };
      expect(health.stale).toBe(true);
    } finally {
      await proxy.stop();
      rmSync(alone, { recursive: true, force: true });
    }
  });

  test('of another version of Weir is not in force, is counted in health, and may be replaced', async () => {
    const health = async (): Promise<{ status: string; routes: { unreadable: number } }> =>
      (await (await fetch(`${weir.proxy.url}/weir/health`)).json()) as Awaited<ReturnType<typeof health>>;
    expect((await health()).routes.unreadable).toBe(0);
    const at = '2026-01-01 00:00:00.000000';
    const row = {
      version: 1,
      enabled: true,
      deleted: false,
      created_at: at,
      created_by: 'x',
      updated_at: at,
      updated_by: 'x',
    };
    await insertRows(weir.db, 'routes', [
      { ...row, name: 'newer', settings: '{"name":"newer","target":"openai/gpt-5","quantum":true}' },
      { ...row, name: 'foreign', settings: '{"name":"foreign","target":"provider-of-2031/gpt-9"}' },
      { ...row, name: 'unlit', settings: '{', enabled: false },
    ]);
    await until(10_000, 'they are counted', async () => ((await health()).routes.unreadable === 2 ? true : undefined));
    expect((await health()).status).toBe('degraded');
    expect((await by('POST', '/routes/dry-run', { route: 'foreign' })).status).toBe(404);
    expect(view(await by('GET', '/routes/newer')).settings).toBeNull();
    for (const name of ['newer', 'foreign']) {
      const settings = { name, target: 'openai/gpt-5' };
      expect(view(await by('PATCH', `/routes/${name}`, { settings })).version).toBe(2);
    }
    expect((await health()).routes.unreadable).toBe(0);
  });
});

describe('a dry run', () => {
  test('tells rule, variant and order with reasons, as they would be', async () => {
    const settings = {
      ...{ name: 'told', split: checkout.split, fallback: checkout.fallback, retry: checkout.retry },
      timeout: { headers: 10_000 },
      rules: [{ when: { properties: { tier: 'free*' } }, target: 'anthropic/claude-haiku-4-5' }],
    };
    const run = async (request: object, more: object = {}): Promise<DryRunAnswer> => {
      const got = await by('POST', '/routes/dry-run', { settings, request, ...more });
      expect(got.status, got.text).toBe(200);
      return plan(got);
    };
    const alice = await run({ user: 'alice' });
    expect(alice).toMatchObject({
      ...{ route: 'told', route_version: null, rule: null, retry: { retries: 1, min: 500, max: 8000 } },
      assignment: { split: 'checkout', split_unit: 'user:alice' },
      fallback: { on: [429, 'server-error', 'timeout', 'network'] },
      timeout: { headers: 10_000, idle: 0 },
    });
    const first = alice.assignment?.variant;
    expect(['openai/gpt-5', 'openai/gpt-5-mini']).toContain(first);
    expect(alice.targets.map(({ target, why, provider, place }) => [target, why, provider, place])).toEqual([
      [first, `variant ${first}, assigned by user:alice`, 'openai', ''],
      ['azure:my-resource/gpt-5', 'fallback', 'azure', 'my-resource'],
    ]);
    expect(alice.targets[0]).toMatchObject({ variant: first, circuit: 'closed', warnings: [], calls_in_flight: 0 });
    expect(alice.targets[0]?.price_usd).toBeGreaterThan(0);
    expect(alice.targets[1]?.warnings).toEqual(['Weir holds no key for azure at my-resource.']);
    expect((await run({ user: 'alice' })).assignment).toEqual(alice.assignment);
    expect((await run({})).targets[0]?.why).toContain('assigned by itself: it has no user');

    const free = await run({ user: 'alice', properties: { Tier: 'free-2' } });
    expect([free.rule, free.assignment, free.targets[0]?.target]).toEqual([0, null, 'anthropic/claude-haiku-4-5']);
    expect(free.targets[0]?.warnings).toEqual([
      'anthropic has no chat of its own: only calls to /v1/… are translated for it.',
      'Weir holds no key for anthropic.',
    ]);
    expect((await run({ properties: { tier: 'free' }, operation: 'messages' })).targets[0]?.warnings).toHaveLength(1);

    const headers = { 'Weir-Retry': 'retries=0', 'Weir-Fallback': 'to=(openai/o3)' };
    const brought = await run({ user: 'alice', bytes: 17 * 1024 ** 2 }, { headers });
    expect(brought.retry?.retries).toBe(0);
    expect(brought.targets.map(({ target }) => target)).toEqual([first, 'openai/o3']);
    expect(brought.warnings[0]).toContain('WEIR_REPLAY_LIMIT');
  });

  test('of a wrong request names the field', async () => {
    for (const [body, field] of [
      [{ route: 'a', settings: { name: 'a' } }, 'route'],
      [{ settings: { name: 'a', target: 'nobody/a' } }, 'settings.target'],
      [{ headers: { 'Weir-Retry': 'retries=x' } }, 'headers.Weir-Retry'],
      [{ headers: { 'Weir-User': 'x' } }, 'headers'],
      [{ request: { operation: 'chatting' } }, 'request.operation'],
      [{ request: { at: 'soon' } }, 'request.at'],
    ] as const) {
      const got = await by('POST', '/routes/dry-run', body);
      expect([got.status, fieldsOf(got)], JSON.stringify(body)).toEqual([400, [field]]);
    }
    const got = await by('POST', '/routes/dry-run', { route: 'nobody' });
    expect([got.status, errorOf(got).code]).toEqual([404, 'unknown_route']);
  });
});

test('the routes of an import are saved: made the first time, changed the second', async () => {
  const file = join(weir.dataDir, 'portkey.json');
  const config = (weight: number): void =>
    writeFileSync(
      file,
      JSON.stringify({
        strategy: { mode: 'loadbalance' },
        targets: [
          { provider: 'openai', weight, override_params: { model: 'gpt-5' } },
          { provider: 'groq', weight: 1, override_params: { model: 'llama-3.3-70b-versatile' } },
        ],
      }),
    );
  for (const [weight, said] of [
    [1, 'brought is made.'],
    [3, 'brought is changed.'],
  ] as const) {
    config(weight);
    const ended = await runCli(['import', 'portkey', file, '--name', 'brought', '--apply', '--weir', weir.proxy.url], {
      WEIR_KEY: admin,
    });
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringContaining(said)]);
    const { json } = await by('GET', '/routes/brought');
    expect(json.settings).toMatchObject({ balance: { to: [{ target: 'openai/gpt-5', weight }, { weight: 1 }] } });
  }
});
