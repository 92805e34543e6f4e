/** A backup taken from a running store comes back whole in a new data directory, and the next start goes on from there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDb, type Db } from '@weir/schema/db';
import { migrate } from '@weir/schema/migrate';
import { startStore, type RunningStore } from '@weir/schema/store/spawn';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { fill, one } from './rows.ts';

const home = mkdtempSync(join(tmpdir(), 'weir-backup-'));
const dataDir = join(home, 'data');
const retention = { retainDays: 400, retainBodiesDays: 30 };
const sums = `SELECT toUInt32(count()) AS n, toString(sum(cityHash64(tuple(*)))) AS sum FROM requests`;
let store: RunningStore;
let db: Db;
let environment: Record<string, string>;

beforeAll(async () => {
  store = await startStore({ dataDir, port: 0, deadline: 120_000 });
  environment = { WEIR_DATA_DIR: dataDir, WEIR_STORE_PORT: new URL(store.url).port };
  await migrate(store.adminUrl, retention);
  db = openDb(store.adminUrl);
  await fill(db, 2, 100);
});
afterAll(async () => {
  await db.close();
  await store.stop();
  rmSync(home, { recursive: true, force: true });
});

test('a backup, a second one on top of it, and the restored rows', async () => {
  const first = await runCli(['backup', '--to', join(home, 'one')], environment);
  expect(first.code, first.stderr).toBe(0);
  expect(first.stdout.toString()).toMatch(/one: \d+ files, [\d.]+ kB/);
  await fill(db, 1, 50, 'b');
  const second = await runCli(['backup', '--to', join(home, 'two'), '--base', join(home, 'one')], environment);
  expect(second.code, second.stderr).toBe(0);

  const restored = join(home, 'restored');
  const back = await runCli(['restore', join(home, 'two')], { WEIR_DATA_DIR: restored });
  expect(back.code, back.stderr).toBe(0);
  expect(back.stdout.toString()).toContain('250 requests, 250 attempts, 250 bodies');
  const other = await startStore({ dataDir: restored, port: 0, deadline: 120_000 });
  const there = openDb(other.adminUrl);
  try {
    await migrate(other.adminUrl, retention);
    expect(await one(there, sums)).toEqual(await one(db, sums));
  } finally {
    await there.close();
    await other.stop();
  }
});

test('a backup never writes over a folder; a restore never over tables; what is no backup is said', async () => {
  const taken = await runCli(['backup', '--to', home], environment);
  expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining('exists already') as string });
  const none = await runCli(['restore', home], { WEIR_DATA_DIR: join(home, 'new') });
  expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('is no backup') as string });
  const server = await runCli(['backup'], { ...environment, CLICKHOUSE_URL: store.adminUrl });
  expect(server).toMatchObject({ code: 1, stderr: expect.stringContaining('ClickHouse server') as string });
});
