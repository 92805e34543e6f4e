/** Who may administer what, and the ways in which others' gateways were got round (ANCHORS.md §3, Security). */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { roles, type Role } from '@weir/schema/records';
import { isEnough } from '../../proxy/src/api/endpoint.ts';
import { endpoints } from '../../proxy/src/api/endpoints.ts';
import { ask, firstKey, makeKey, type Answered } from '../support/administration.ts';
import { rawRequest } from '../support/http.ts';
import { chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
let elsewhere: ScriptedProvider;
let admin = '';
const keys: Record<Role, string> = { '': '', viewer: '', editor: '', admin: '' };
beforeAll(async () => {
  provider = await startProvider((_, response) => json(response, chatCompletion()));
  elsewhere = await startProvider((_, response) => json(response, chatCompletion()));
  weir = await startWeir(
    { openai: provider.url, azure: provider.url },
    {
      WEIR_SECRET: 'a master secret of the test',
      WEIR_ALLOW_TARGETS: [provider, elsewhere].map(({ url }) => new URL(url).host).join(),
    },
  );
  admin = firstKey(weir.dataDir);
  for (const role of roles)
    keys[role] = (await makeKey(weir.proxy.url, admin, { role, project: 'shop', name: role || 'calls' })).key;
});
beforeEach(() => {
  provider.seen.length = 0;
  elsewhere.seen.length = 0;
});
afterAll(async () => {
  await weir.stop();
  await provider.close();
  await elsewhere.close();
});

const by = (key: string | null, method: string, path: string, body?: unknown): Promise<Answered> =>
  ask(weir.proxy.url, key, method, path, body);
const codeOf = (got: Answered): unknown => (got.json.error as { code?: unknown } | undefined)?.code;
const messageOf = (got: Answered): string => String((got.json.error as { message?: unknown } | undefined)?.message);

describe('role × endpoint', () => {
  for (const { method, path, needs } of endpoints) {
    test(`${method} ${path} needs ${needs}`, async () => {
      for (const role of [null, ...roles]) {
        const got = await by(
          role === null ? null : keys[role],
          method,
          path.replace('{id}', 'nothing'),
          method === 'GET' ? undefined : {},
        );
        const refused = got.status === 401 || got.status === 403;
        expect(refused, `${role ?? 'nobody'}: ${got.status}`).toBe(!isEnough(needs, role, false));
        if (refused)
          expect([got.status, codeOf(got)]).toEqual(role === null ? [401, 'unauthorized'] : [403, 'forbidden_role']);
      }
    });
  }

  test('what changes something takes an editor at least, and provider keys an administrator', () => {
    for (const { method, path, needs } of endpoints) {
      // It changes nothing: what is asked does not fit into a query.
      if (method === 'GET' || path === '/routes/dry-run') continue;
      expect(/^\/(keys|routes)/.test(path) ? ['editor', 'admin'] : ['admin'], path).toContain(needs);
    }
    const open = endpoints.filter(({ needs }) => needs === 'nobody').map(({ path }) => path);
    expect(open).toEqual(['/health', '/metrics', '/openapi.json']);
  });

  test('the description has every path, with its parameters and schemas', async () => {
    const { json: document } = await by(null, 'GET', '/openapi.json');
    const paths = document.paths as Record<string, Record<string, { requestBody?: object; responses: object }>>;
    const listed = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(listed.sort()).toEqual(endpoints.map(({ method, path }) => `${method.toLowerCase()} /weir${path}`).sort());
    expect(JSON.stringify(paths['/weir/keys']?.post)).toContain('"providers"');
    expect(JSON.stringify(paths['/weir/provider-keys']?.get)).not.toContain('"secret"');
  });
});

describe('a write', () => {
  test('is refused by a sentence that names the field and what was expected, and repeats nothing', async () => {
    for (const [body, sentence] of [
      [{ providers: ['opnai'] }, 'providers.0: '],
      [{ limits: [{ name: 'rpm', quota: 1.5, window: { seconds: 60 } }] }, 'limits.0.quota: expected a whole number'],
      [
        { limits: [{ name: 'rpm', quota: 1, window: { seconds: 60 }, burst: 3 }] },
        'limits.0: has a field that is not known',
      ],
      [{ expires_at: 'soon' }, 'expires_at: expected a time such as'],
      [{ project: 'a b' }, 'project: expected letters'],
      [{ 'CANARY-field': 1 }, 'the body: has a field that is not known; known are name, project'],
      [{ name: '' }, 'name: expected a name'],
    ] as const) {
      const got = await by(admin, 'POST', '/keys', body);
      expect([got.status, codeOf(got)]).toEqual([400, 'bad_request']);
      expect(messageOf(got)).toContain(sentence);
      expect(got.text).not.toContain('CANARY');
    }
  });

  test('that a page of another origin could send without asking is refused', async () => {
    const send = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${weir.proxy.url}/weir/keys`, { method: 'POST', headers: { 'Weir-Key': admin, ...headers }, body: '{}' });
    expect((await send({ 'Content-Type': 'text/plain' })).status).toBe(400);
    expect((await send({ 'Content-Type': 'application/json', Origin: 'https://evil.example' })).status).toBe(403);
    expect((await send({ 'Content-Type': 'application/json; charset=utf-8' })).status).toBe(201);
  });

  test('may come in chunks; one of more than a megabyte is refused, in whatever way it comes', async () => {
    const send = async (text: string, inChunks: boolean): Promise<number> => {
      const body = inChunks ? new Blob([text]).stream() : text;
      const headers = { 'Weir-Key': admin, 'Content-Type': 'application/json' };
      const init = { method: 'POST', headers, body, duplex: 'half' } as RequestInit;
      return (await fetch(`${weir.proxy.url}/weir/keys`, init)).status;
    };
    const long = JSON.stringify({ name: 'x'.repeat(1024 ** 2) });
    for (const inChunks of [false, true]) {
      expect(await send('{"name":"in chunks"}', inChunks)).toBe(201);
      expect(await send(long, inChunks)).toBe(400);
    }
  });

  test('is written down: who, what, before and after, and no secret', async () => {
    const made = await makeKey(weir.proxy.url, admin, { name: 'noted', project: 'noted' });
    await by(admin, 'PATCH', `/keys/${made.key_id}`, { models: ['gpt-4o'] });
    const { json: rotated } = await by(admin, 'POST', `/keys/${made.key_id}/rotate`, {});
    await by(admin, 'POST', `/keys/${made.key_id}/disable`);
    const first = await by(admin, 'GET', '/audit?limit=2');
    const second = await by(admin, 'GET', `/audit?limit=2&after=${encodeURIComponent(String(first.json.next))}`);
    const entries = [first, second].flatMap(({ json: page }) => page.entries as Record<string, unknown>[]);
    expect(entries.map(({ action, kind, id }) => [action, kind, id])).toEqual(
      ['disable', 'rotate', 'update', 'create'].map((action) => [action, 'key', made.key_id]),
    );
    expect(entries[2]).toMatchObject({
      actor_name: 'first key',
      before: { models: [] },
      after: { models: ['gpt-4o'] },
    });
    expect(entries[3]?.before).toBeNull();
    for (const secret of [made.key, String(rotated.key), 'hash']) expect(JSON.stringify(entries)).not.toContain(secret);
    const bound = await by(keys.viewer, 'GET', '/audit?limit=1000');
    expect((bound.json.entries as { project: string }[]).every(({ project }) => project === 'shop')).toBe(true);
  });

  test('of two administrators at once leaves both changes written down, and a disabled key disabled', async () => {
    const made = await makeKey(weir.proxy.url, admin, {});
    await by(admin, 'POST', `/keys/${made.key_id}/disable`);
    await by(keys.admin, 'PATCH', `/keys/${made.key_id}`, { owner: 'somebody' });
    const { json: key } = await by(admin, 'GET', `/keys/${made.key_id}`);
    expect([key.disabled, key.owner]).toEqual([true, 'somebody']);
  });
});

describe('an editor', () => {
  test('makes and changes calling keys of their project, and sees no other', async () => {
    const made = await by(keys.editor, 'POST', '/keys', { name: 'mine' });
    expect([made.status, made.json.project, made.json.role]).toEqual([201, 'shop', '']);
    const id = String(made.json.key_id);
    expect((await by(keys.editor, 'PATCH', `/keys/${id}`, { models: ['gpt-4o'] })).status).toBe(200);
    const foreign = await makeKey(weir.proxy.url, admin, { project: 'other' });
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['POST', '/rotate'],
      ['POST', '/disable'],
    ] as const) {
      const got = await by(keys.editor, method, `/keys/${foreign.key_id}${path}`, method === 'GET' ? undefined : {});
      expect([got.status, codeOf(got)]).toEqual([404, 'not_found']);
    }
    const { json: list } = await by(keys.viewer, 'GET', '/keys');
    expect((list.keys as { project: string }[]).every(({ project }) => project === 'shop')).toBe(true);
    expect((await by(keys.editor, 'POST', '/keys', { project: 'other' })).status).toBe(403);
  });
});

describe('security classes', () => {
  test('a key put into SQL text (CVE-2026-42208): names and keys with quotes are only names and keys', async () => {
    const before = await weir.query<{ n: string }>('SELECT count() AS n FROM keys FINAL WHERE disabled');
    for (const text of ["' OR 1=1 --", "key_' UNION SELECT * FROM keys --", '\\', '%27%3B'] as const) {
      const path = `/keys/${encodeURIComponent(text)}`;
      expect((await by(admin, 'GET', path)).status).toBe(404);
      expect((await by(admin, 'POST', `${path}/disable`)).status).toBe(404);
      expect((await by(admin, 'PATCH', path, { name: text })).status).toBe(404);
      const call = await rawRequest(weir.proxy.url, {
        path: '/openai/v1/models',
        method: 'GET',
        headers: [['Weir-Key', `wk_${text}`]],
      });
      expect(call.status).toBe(401);
      const made = await makeKey(weir.proxy.url, admin, { name: text, owner: text });
      const { json: kept } = await by(admin, 'GET', `/keys/${made.key_id}`);
      expect([kept.name, kept.owner]).toEqual([text, text]);
    }
    expect(await weir.query('SELECT count() AS n FROM keys FINAL WHERE disabled')).toEqual(before);
  });

  test('stored key sent to a caller-chosen host (CVE-2024-6587, CVE-2025-66405)', async () => {
    const secret = 'sk-for-one-host-0123';
    const store = (body: object): Promise<Answered> => by(admin, 'POST', '/provider-keys', { secret, ...body });
    expect((await store({ provider: 'openai' })).status).toBe(201);
    expect((await store({ provider: 'custom', host: provider.url })).status).toBe(201);
    expect((await store({ provider: 'azure', place: 'mine' })).status).toBe(201);
    const to = (path: string, target?: string): ReturnType<typeof rawRequest> =>
      rawRequest(weir.proxy.url, {
        path,
        body: JSON.stringify({ model: 'm' }),
        headers: [
          ['Weir-Key', admin],
          ...(target === undefined ? [] : [['Weir-Target-Url', target] as [string, string]]),
        ],
      });
    expect((await to('/custom/v1/chat/completions', elsewhere.url)).status).toBe(401);
    expect((await to('/azure/theirs/openai/v1/chat/completions')).status).toBe(401);
    expect((await to('/openai/v1/chat/completions', elsewhere.url)).status).toBe(400);
    expect([provider.seen.length, elsewhere.seen.length]).toEqual([0, 0]);
    for (const [path, target] of [
      ['/custom/v1/chat/completions', provider.url],
      ['/azure/mine/openai/v1/chat/completions'],
      ['/openai/v1/chat/completions'],
    ] as [string, string?][]) {
      expect((await to(path, target)).status, path).toBe(200);
    }
    expect(provider.seen.map(({ headers }) => headers.join(' ').includes(secret))).toEqual([true, true, true]);
    expect(elsewhere.seen).toHaveLength(0);
    for (const body of [
      { provider: 'openai', host: elsewhere.url },
      { provider: 'custom' },
      { provider: 'custom', host: 'https://u:p@x/y' },
    ]) {
      expect([(await store(body)).status, messageOf(await store(body)).startsWith('host: ')]).toEqual([400, true]);
    }
  });

  test('`evil.com#` in an Azure resource name', async () => {
    for (const place of ['evil.com#', 'x.evil.com', 'x/../y', 'X', '']) {
      const got = await by(admin, 'POST', '/provider-keys', { provider: 'azure', place, secret: 'sk-0123456789' });
      expect([got.status, messageOf(got).startsWith('place: expected the resource')], place).toEqual([400, true]);
    }
    const got = await rawRequest(weir.proxy.url, {
      path: '/azure/evil.com%23/openai/v1/models',
      method: 'GET',
      headers: [['Weir-Key', admin]],
    });
    expect([got.status, provider.seen.length]).toEqual([404, 0]);
  });

  test('keys echoed in response headers (Bifrost #3954)', async () => {
    const made = await by(admin, 'POST', '/keys', {});
    const call = await rawRequest(weir.proxy.url, {
      path: '/openai/v1/chat/completions',
      body: '{}',
      headers: [
        ['Weir-Key', admin],
        ['Authorization', 'Bearer sk-own-CANARY'],
      ],
    });
    const all = [...made.headers].join() + call.headers.join();
    for (const secret of [admin, String(made.json.key), 'CANARY']) expect(all).not.toContain(secret);
    expect(made.headers.get('cache-control')).toBe('no-store');
  });

  test('a key that grants more than its creator has (CVE-2026-47101)', async () => {
    const narrow = {
      role: 'admin',
      providers: ['openai'],
      models: ['gpt-4o*'],
      operations: ['chat'],
      expires_at: '2027-06-01T00:00:00Z',
    };
    const limits = [{ name: 'day', unit: 'usd', quota: 5, window: { calendar: 'day' } }];
    const creator = await makeKey(weir.proxy.url, admin, { ...narrow, limits });
    const tries: [object, string][] = [
      [{ providers: ['openai', 'azure'] }, 'providers: your key allows openai; not azure'],
      [{ models: ['*'] }, 'models: your key allows gpt-4o*; not *'],
      [{ operations: ['chat', 'embeddings'] }, 'operations: '],
      [{ expires_at: '2027-06-02T00:00:00Z' }, 'expires_at: expected 2027-06-01T00:00:00.000Z or earlier'],
      [{ limits: [{ ...limits[0], quota: 6 }] }, 'limits: day is a limit of your own key'],
    ];
    for (const [asked, sentence] of tries) {
      const got = await by(creator.key, 'POST', '/keys', asked);
      expect([got.status, codeOf(got)]).toEqual([403, 'forbidden_role']);
      expect(messageOf(got)).toContain(sentence);
      expect((await by(creator.key, 'PATCH', `/keys/${creator.key_id}`, asked)).status).toBe(403);
    }
    const child = await by(creator.key, 'POST', '/keys', {
      limits: [{ name: 'rpm', quota: 3, window: { seconds: 60 } }],
    });
    expect(child.json).toMatchObject({
      providers: ['openai'],
      models: ['gpt-4o*'],
      operations: ['chat'],
      expires_at: '2027-06-01T00:00:00.000Z',
    });
    expect((child.json.limits as { name: string }[]).map(({ name }) => name)).toEqual(['rpm', 'day']);
    const wide = await makeKey(weir.proxy.url, admin, { role: 'admin' });
    for (const path of [`/keys/${wide.key_id}/rotate`, `/keys/${wide.key_id}`]) {
      const got = await by(creator.key, path.endsWith('rotate') ? 'POST' : 'PATCH', path, {});
      expect([got.status, codeOf(got)]).toEqual([403, 'forbidden_role']);
    }
    expect((await by(keys.editor, 'POST', '/keys', { role: 'editor' })).status).toBe(403);
    expect(
      (
        await by(creator.key, 'POST', '/provider-keys', {
          provider: 'custom',
          host: elsewhere.url,
          secret: 'sk-0123456789',
        })
      ).status,
    ).toBe(403);
  });

  test('fail-open administration, and test-connection endpoints without a role (CVE-2026-42271)', async () => {
    for (const key of [null, 'wk_', 'wk_unknown', 'sk-own', '']) {
      for (const [method, path] of [
        ['GET', '/keys'],
        ['POST', '/keys'],
        ['GET', '/audit'],
        ['POST', '/provider-keys'],
      ] as const) {
        expect((await by(key, method, path, method === 'GET' ? undefined : {})).status).toBe(401);
      }
    }
    expect((await by(admin, 'POST', '/provider-keys/test', {})).status).toBe(404);
    expect([provider.connections, elsewhere.seen.length]).toEqual([provider.connections, 0]);
  });

  test('templates evaluated (CVE-2026-42203): what looks like one stays text', async () => {
    const text = '${process.env.WEIR_SECRET} {{7*7}} #{7*7}';
    const { key_id } = await makeKey(weir.proxy.url, admin, { name: text, properties: { a: text } });
    const { json: kept } = await by(admin, 'GET', `/keys/${key_id}`);
    expect([kept.name, kept.properties]).toEqual([text, { a: text }]);
  });

  test('redirects are not followed with a key', async () => {
    provider.script = (_, response) =>
      response.writeHead(307, { location: `${elsewhere.url}/v1/chat/completions` }).end();
    try {
      const got = await rawRequest(weir.proxy.url, {
        path: '/openai/v1/chat/completions',
        body: '{}',
        headers: [['Authorization', 'Bearer sk-own']],
      });
      expect([got.status, elsewhere.seen.length]).toEqual([307, 0]);
    } finally {
      provider.script = (_, response) => json(response, chatCompletion());
    }
  });
});
