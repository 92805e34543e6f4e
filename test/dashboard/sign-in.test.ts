/** Who gets to see the dashboard, and the ways round its door that others' have had (ANCHORS.md §3, Security). */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { localPath } from '../../dashboard/src/lib/server/session/local-path.ts';
import { SESSION_MS, Sessions } from '../../dashboard/src/lib/server/session/sessions.ts';
import { startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startDashboard } from './serve.ts';
import { cookieName, sessionsOf, signIn, tokenOf, visit, type Seen } from './signed-in.ts';

const password = 'correct horse';
const home = dirname(createRequire(import.meta.url).resolve('@weir/dashboard/package.json'));
const dataDir = mkdtempSync(join(tmpdir(), 'weir-sign-in-'));
/** What a store would be asked: nothing, by whoever has not signed in. */
let store: ScriptedProvider;
let dashboard: { url: string; stop(): Promise<void> };
let settings: Record<string, string>;
let storeUrl = '';

beforeAll(async () => {
  store = await startProvider((_, response) => response.writeHead(503).end());
  storeUrl = `${store.url}/weir`;
  // Each test is a caller of its own: attempts are counted by address.
  settings = { WEIR_DATA_DIR: dataDir, WEIR_ADMIN_PASSWORD: password, ADDRESS_HEADER: 'x-caller' };
  dashboard = await startDashboard(storeUrl, settings);
});
afterAll(async () => {
  await dashboard.stop();
  await store.close();
  rmSync(dataDir, { recursive: true, force: true });
});
beforeEach(() => {
  store.seen.length = 0;
});

const caller = (name: string): Record<string, string> => ({ 'x-caller': name });
const tryPassword = (given: string, from: string, to = ''): Promise<Seen> =>
  visit(dashboard.url, `/sign-in${to}`, { form: { password: given }, headers: caller(from) });
async function cookieOf(from: string): Promise<string> {
  return (await tryPassword(password, from)).cookie ?? '';
}

/** Every path that there is, as its files say: one that is added is tried too. */
function paths(folder = join(home, 'src/routes'), path = ''): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) {
      const name = entry.name.startsWith('[') ? '0199aaaa-0000-7000-8000-000000000000' : entry.name;
      return paths(join(folder, entry.name), `${path}/${name}`);
    }
    if (entry.name === '+server.ts') return [path];
    return entry.name === '+page.svelte' || entry.name === '+page.server.ts'
      ? [path === '' ? '/' : path, `${path}/__data.json`]
      : [];
  });
}
const open = new Set(['/sign-in', '/sign-in/__data.json', '/health']);
const closed = [...new Set(paths())].filter((path) => !open.has(path));

/** All that a page's script is told. */
const toSignIn = /^\{"type":"redirect","location":"\/sign-in[^"]*"\}$/;

describe('without a session', () => {
  test('the paths are found', () => {
    expect(closed).toEqual(expect.arrayContaining(['/', '/overview', '/overview/__data.json', '/api/newest']));
  });

  test.each(closed)('%s shows nothing, and asks the store nothing', async (path) => {
    const now = Date.now();
    const own = sessionsOf(dataDir, password);
    const right = own.begin(now);
    const [id, until] = right.split('.');
    const cookies: Record<string, string | undefined> = {
      none: undefined,
      empty: '',
      nonsense: 'a.b.c',
      'without a signature': `${id}.${until}.`,
      'with a longer life': `${id}.${(now + 10 * SESSION_MS).toString(36)}.${right.split('.')[2]}`,
      'with a part too many': `${right}.x`,
      'of another secret': new Sessions(Buffer.alloc(32), password).begin(now),
      'of another password': sessionsOf(dataDir, 'another password').begin(now),
      expired: own.begin(now - SESSION_MS - 1000),
    };
    for (const [what, cookie] of Object.entries(cookies)) {
      for (const method of ['GET', 'HEAD']) {
        const seen = await visit(dashboard.url, path, { cookie, method });
        const answer = `${what}: ${seen.status} ${seen.text.slice(0, 300)}`;
        if (path.startsWith('/api/')) expect(seen.status, answer).toBe(401);
        else if (path.endsWith('/__data.json') && method === 'GET') {
          expect(seen.text, answer).toMatch(toSignIn);
        } else if (!path.endsWith('/__data.json')) {
          expect(seen.status, answer).toBe(303);
          expect(seen.location).toMatch(/^\/sign-in/);
          expect(seen.text).toBe('');
        }
        expect(seen.cookie, answer).toBeUndefined();
      }
    }
    expect(store.seen.length).toBe(0);
  });

  test.each(closed)('%s changes nothing', async (path) => {
    for (const action of ['', '?/create', '?/change', '?/rotate', '?/disable', '?/add', '?/replace', '?/remove']) {
      const seen = await visit(dashboard.url, path + action, { form: { token: 'x', name: 'x' } });
      if (path.endsWith('/__data.json')) expect(seen.text).toMatch(toSignIn);
      else expect([303, 401], `${action} ${seen.status}`).toContain(seen.status);
    }
    expect(store.seen.length).toBe(0);
  });

  test('a path written in another way is no way in', async () => {
    for (const path of [
      '/sign-in/../overview',
      '/%6fverview',
      '//overview',
      '/overview/',
      '/sign-in/%2e%2e/overview',
      '/health/../requests',
      '/overview?/sign-in',
      '/overview#/sign-in',
      '/nothing',
      '/_app/remote/x',
    ]) {
      const seen = await visit(dashboard.url, path);
      if (seen.status === 200) expect(seen.text, path).toMatch(toSignIn);
      else expect([303, 308, 404, 400], `${path}: ${seen.status}`).toContain(seen.status);
    }
    expect(store.seen.length).toBe(0);
  });

  test('the sign-in page and the health path answer, and say nothing of Weir', async () => {
    const page = await visit(dashboard.url, '/sign-in');
    expect([page.status, page.text.includes('name="password"')]).toEqual([200, true]);
    expect(page.text).not.toMatch(/token|spool|overhead|127\.0\.0\.1:9/);
    expect((await visit(dashboard.url, '/sign-in/__data.json')).text).not.toMatch(/token|spool/);
    expect((await visit(dashboard.url, '/health')).text).toBe('{"status":"ok"}');
    expect(store.seen.length).toBe(0);
  });
});

describe('signing in', () => {
  test('gives a cookie that scripts cannot read and other sites do not send', async () => {
    const seen = await tryPassword(password, 'a');
    const set = seen.headers.getSetCookie().join();
    expect([seen.status, seen.location]).toEqual([303, '/']);
    expect(set).toMatch(new RegExp(`^${cookieName}=\\S+; Max-Age=43200; Path=/; HttpOnly; SameSite=Lax$`));
    expect((await visit(dashboard.url, '/overview', { cookie: seen.cookie })).status).toBe(200);
    expect((await visit(dashboard.url, '/overview/__data.json', { cookie: seen.cookie })).text).toContain('"token"');
    expect((await visit(dashboard.url, '/api/newest', { cookie: seen.cookie })).status).toBe(503);
    expect(store.seen.length).toBeGreaterThan(0);
  });

  test('behind TLS the cookie is for https alone', async () => {
    const seen = await visit(dashboard.url, '/sign-in', {
      form: { password },
      headers: { ...caller('tls'), origin: dashboard.url.replace('http:', 'https:'), 'x-forwarded-proto': 'https' },
    });
    expect(seen.headers.getSetCookie().join()).toContain('; Secure');
  });

  test('a session goes on while it is used, and its page leads on from the sign-in page', async () => {
    const own = sessionsOf(dataDir, password);
    const old = own.begin(Date.now() - SESSION_MS / 2);
    const seen = await visit(dashboard.url, '/connect', { cookie: old });
    expect(own.read(seen.cookie, Date.now() + SESSION_MS - 60_000)).not.toBeNull();
    const young = own.begin(Date.now());
    expect((await visit(dashboard.url, '/connect', { cookie: young })).cookie).toBeUndefined();
    const again = await visit(dashboard.url, '/sign-in?to=/requests', { cookie: young });
    expect([again.status, again.location]).toEqual([303, '/requests']);
  });

  test('a wrong password is refused, and said to be', async () => {
    for (const wrong of ['', 'correct', `${password} `, 'CORRECT HORSE']) {
      const seen = await tryPassword(wrong, `wrong ${wrong}`);
      expect([seen.status, seen.cookie]).toEqual([401, undefined]);
      expect(seen.text).toContain(wrong === '' ? 'Give the password.' : 'This is not the password.');
    }
  });

  test('leads back to a path of the dashboard, and nowhere else', async () => {
    const own = sessionsOf(dataDir, password).begin(Date.now());
    for (const [to, lands] of [
      ['/requests?f=user+is+alice', '/requests?f=user+is+alice'],
      ['/requests/1#x', '/requests/1#x'],
      ['https://evil.example/', '/'],
      ['//evil.example', '/'],
      ['///evil.example', '/'],
      ['/\\evil.example', '/'],
      ['\\\\evil.example', '/'],
      ['/\t/evil.example', '/'],
      ['/\n/evil.example', '/'],
      ['/.//evil.example', '/'],
      ['/..//evil.example', '/'],
      ['/x/..//evil.example', '/'],
      ['/x/%2e%2e//evil.example', '/'],
      ['javascript:alert(1)', '/'],
      ['evil.example', '/'],
      ['http:/evil.example', '/'],
      ['/sign-in?to=/sign-in', '/'],
      ['/sign-out', '/'],
      ['', '/'],
    ] as const) {
      const query = `?${new URLSearchParams({ to }).toString()}`;
      const seen = await visit(dashboard.url, `/sign-in${query}`, { cookie: own });
      expect([seen.status, seen.location], JSON.stringify(to)).toEqual([303, lands]);
      expect(new URL(seen.location ?? '', dashboard.url).origin).toBe(dashboard.url);
    }
    expect((await tryPassword(password, 'redirect', '?to=//evil.example')).location).toBe('/');
    expect((await tryPassword(password, 'redirect', '?to=/requests')).location).toBe('/requests');
    const asked = await visit(dashboard.url, '/requests?f=user+is+alice');
    expect(asked.location).toBe('/sign-in?to=%2Frequests%3Ff%3Duser%2Bis%2Balice');
  });
});

test('whatever is asked for, a browser that follows stays here', () => {
  const piece = fc.constantFrom(
    '/',
    '//',
    '\\',
    '.',
    '..',
    '\t',
    '\n',
    ' ',
    '%2e',
    '%2f',
    ':',
    '@',
    '?',
    '#',
    'x',
    'evil.example',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.constantFrom('http:', 'https:'), (pieces, scheme) => {
      const path = localPath(pieces.join(''));
      const own = `${scheme}//weir.example:8788`;
      if (path !== undefined) expect(new URL(path, own).origin).toBe(own);
    }),
    { numRuns: 20_000 },
  );
});

describe('the end of a session', () => {
  test('signing out ends it, also for a copy of its cookie', async () => {
    const cookie = await cookieOf('out');
    const token = tokenOf((await visit(dashboard.url, '/overview', { cookie })).text);
    expect((await visit(dashboard.url, '/sign-out', { cookie })).status).toBe(405);
    const out = await visit(dashboard.url, '/sign-out', { cookie, form: { token } });
    expect([out.status, out.location, out.cookie]).toEqual([303, '/sign-in', '']);
    expect((await visit(dashboard.url, '/overview', { cookie })).status).toBe(303);
  });

  test('a restart does not end it, another password does', async () => {
    const cookie = await cookieOf('restart');
    const again = await startDashboard(storeUrl, settings);
    expect((await visit(again.url, '/connect', { cookie })).status).toBe(200);
    await again.stop();
    const changed = await startDashboard(storeUrl, { ...settings, WEIR_ADMIN_PASSWORD: 'battery staple' });
    expect((await visit(changed.url, '/connect', { cookie })).status).toBe(303);
    expect((await visit(changed.url, '/connect', { cookie: await signIn(changed.url, 'battery staple') })).status).toBe(
      200,
    );
    await changed.stop();
  });

  test('what signs is for the owner of the data directory alone', () => {
    expect(statSync(join(dataDir, 'session.secret')).mode & 0o777).toBe(0o600);
  });
});
