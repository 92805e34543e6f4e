/** What the dashboard refuses: pages elsewhere, forms without their session's token, and too many attempts. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Attempts } from '../../dashboard/src/lib/server/session/attempts.ts';
import { within } from '../support/deadline.ts';
import { startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startDashboard } from './serve.ts';
import { signIn, tokenOf, visit, type Seen } from './signed-in.ts';

const password = 'correct horse';
const home = dirname(createRequire(import.meta.url).resolve('@weir/dashboard/package.json'));
const dataDir = mkdtempSync(join(tmpdir(), 'weir-sign-in-'));
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

const caller = (name: string): Record<string, string> => ({ 'x-caller': name });

describe('a page elsewhere', () => {
  const elsewhere: [string, Record<string, string>][] = [
    ['of another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['of another port', { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' }],
    ['of the same host by https', { origin: 'https://127.0.0.1' }],
    ['that hides itself', { origin: 'null' }],
    ['whose browser says only where it stands', { origin: '', 'sec-fetch-site': 'cross-site' }],
  ];
  test.each(elsewhere)('%s can neither sign in nor change anything', async (_, headers) => {
    const cookie = await signIn(dashboard.url, password);
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
    const cookie = await signIn(dashboard.url, password);
    const other = await signIn(dashboard.url, password);
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
