/** Who gets to see the dashboard, and the ways round its door that others' have had (ANCHORS.md §3, Security). */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Attempts } from '../../dashboard/src/lib/server/session/attempts.ts';
import { localPath } from '../../dashboard/src/lib/server/session/local-path.ts';
import { SESSION_MS, Sessions } from '../../dashboard/src/lib/server/session/sessions.ts';
import { within } from '../support/deadline.ts';
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

describe('a page elsewhere', () => {
  const elsewhere: [string, Record<string, string>][] = [
    ['of another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['of another port', { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' }],
    ['of the same host by https', { origin: 'https://127.0.0.1' }],
    ['that hides itself', { origin: 'null' }],
    ['whose browser says only where it stands', { origin: '', 'sec-fetch-site': 'cross-site' }],
  ];
  test.each(elsewhere)('%s can neither sign in nor change anything', async (_, headers) => {
    const cookie = await cookieOf(`csrf ${headers['origin']}`);
    const token = tokenOf((await visit(dashboard.url, '/overview', { cookie })).text);
    expect(token).not.toBe('');
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'application/json']) {
      for (const path of ['/sign-in', '/sign-out', '/keys?/create']) {
        const seen = await visit(dashboard.url, path, {
          cookie,
          form: { password, token },
          headers: { ...headers, 'content-type': type },
        });
        expect(seen.status, `${path} ${type}`).toBe(403);
      }
    }
    expect((await visit(dashboard.url, '/connect', { cookie })).status).toBe(200);
  });

  test('a form without the token of its session is refused', async () => {
    const cookie = await cookieOf('token');
    const other = await cookieOf('token');
    const tokens = await Promise.all(
      [cookie, other].map(async (one) => tokenOf((await visit(dashboard.url, '/overview', { cookie: one })).text)),
    );
    expect(tokens[0]).not.toBe(tokens[1]);
    for (const form of [{}, { token: '' }, { token: 'x' }, { token: tokens[1] ?? '' }] as Record<string, string>[]) {
      expect((await visit(dashboard.url, '/sign-out', { cookie, form })).status).toBe(403);
    }
    expect((await visit(dashboard.url, '/connect', { cookie })).status).toBe(200);
  });

  test('that has pointed its name here is refused, and none may frame what is here', async () => {
    const own = dashboard.url.replace('127.0.0.1', 'evil.example');
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(dashboard.url).port) });
    socket.end(`GET /sign-in HTTP/1.1\r\nHost: ${new URL(own).host}\r\nConnection: close\r\n\r\n`);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await within(30_000, 'an answer', once(socket, 'close'));
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 403 /);
    const seen = await visit(dashboard.url, '/sign-in');
    expect(seen.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  });
});

describe('too many attempts', () => {
  test('by one address are put off, with the right password too; others may still try', async () => {
    const one = await startDashboard(storeUrl, settings);
    const from = (name: string, given: string): Promise<Seen> =>
      visit(one.url, '/sign-in', { form: { password: given }, headers: caller(name) });
    for (let tries = 0; tries < 5; tries++) expect((await from('mallory', 'wrong')).status).toBe(401);
    for (const given of ['wrong', password]) {
      const seen = await from('mallory', given);
      expect([seen.status, seen.cookie]).toEqual([429, undefined]);
      const wait = Number(seen.headers.get('retry-after'));
      expect(wait).toBeGreaterThan(30);
      expect(wait).toBeLessThanOrEqual(60);
      expect(seen.text).toContain(`Too many attempts. The next may be made in ${wait} s.`);
    }
    expect((await from('alice', password)).status).toBe(303);
    await one.stop();
  });

  test('are forgotten after a minute, and never more are remembered than may be made', () => {
    const attempts = new Attempts({ perAddress: 2, overall: 3, windowMs: 60_000 });
    expect([attempts.take('a', 0), attempts.take('a', 30_000), attempts.take('a', 31_000)]).toEqual([0, 0, 29]);
    expect([attempts.take('b', 31_000), attempts.take('c', 32_000)]).toEqual([0, 28]);
    for (let at = 33_000; at < 59_000; at++) expect(attempts.take(`bot ${at}`, at)).toBeGreaterThan(0);
    expect([attempts.take('a', 60_000), attempts.take('a', 60_000)]).toEqual([0, 30]);
    attempts.forget('a');
    expect(attempts.take('a', 60_000)).toBe(0);
  });

  test('by many addresses are put off together', async () => {
    const one = await startDashboard(storeUrl, settings);
    const statuses: number[] = [];
    for (let address = 0; address < 40; address++) {
      const form = { password: 'wrong' };
      statuses.push((await visit(one.url, '/sign-in', { form, headers: caller(`bot ${address}`) })).status);
    }
    expect(statuses).toEqual([...Array<number>(30).fill(401), ...Array<number>(10).fill(429)]);
    await one.stop();
  });
});

describe('without a password', () => {
  test('the dashboard is open on loopback, and still refuses what a page elsewhere sends', async () => {
    const one = await startDashboard(storeUrl, { WEIR_ADMIN_PASSWORD: '', WEIR_DATA_DIR: '' });
    const page = await visit(one.url, '/overview');
    expect(page.status).toBe(200);
    expect(page.text).not.toContain('Sign out');
    expect((await visit(one.url, '/sign-in?to=/requests')).location).toBe('/requests');
    const post = { form: { token: 'x' }, headers: { origin: 'https://evil.example' } };
    expect((await visit(one.url, '/sign-out', post)).status).toBe(403);
    expect((await visit(one.url, '/sign-out', { form: { token: 'x' } })).status).toBe(403);
    await one.stop();
  });

  test('it does not start where others could reach it', async () => {
    const child = fork(join(home, 'server.js'), [], {
      env: { PATH: process.env['PATH'], HOST: '0.0.0.0', PORT: '0', CLICKHOUSE_URL: storeUrl },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await within(60_000, 'it ends', once(child, 'exit'))) as [number];
    expect([code, said.trim()]).toEqual([
      78,
      'HOST is an address that others can reach: set WEIR_ADMIN_PASSWORD, or leave HOST at 127.0.0.1.',
    ]);
  });
});
