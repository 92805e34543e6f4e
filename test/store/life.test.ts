import { fork, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { getPriority } from 'node:os';
import { dirname, join } from 'node:path';
import { startStore } from '@weir/schema/store/spawn';
import { expect, test, vi } from 'vitest';
import { isAlive } from '../support/alive.ts';
import { makeDataDir, openStore, rows, until } from './support.ts';
import type { TestStore } from './support.ts';

// A deadline that only a hang reaches: the machine may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const table = `CREATE TABLE IF NOT EXISTS d (id UInt64, name String) ENGINE = MergeTree ORDER BY id
  SETTINGS non_replicated_deduplication_window = 10000`;

async function insert(store: TestStore, token: string): Promise<void> {
  const clickhouse_settings = {
    insert_deduplication_token: token,
    async_insert: 0 as const,
    deduplicate_blocks_in_dependent_materialized_views: 1 as const,
  };
  await store.client.insert({
    table: 'd',
    values: [{ id: 1, name: 'x' }],
    columns: ['id', 'name'],
    format: 'JSONEachRow',
    clickhouse_settings,
  });
}

async function count(store: TestStore, from = 'd'): Promise<number> {
  return (await rows<{ n: number }>(store.client, `SELECT toUInt32(count()) AS n FROM ${from}`))[0]!.n;
}

test('a token is inserted once, also after a restart and after kill -9; other tokens insert the same rows again', async () => {
  const dataDir = makeDataDir();
  const opening = performance.now();
  let store = await openStore(dataDir);
  const first = performance.now() - opening;
  await store.client.command({ query: table });
  await insert(store, 'one');
  await insert(store, 'one');
  expect(await count(store)).toBe(1);
  await insert(store, 'two');
  expect(await count(store)).toBe(2);

  await store.stop();
  store = await openStore(dataDir);
  await insert(store, 'one');
  expect(await count(store)).toBe(2);
  await insert(store, 'three');

  process.kill(store.pid, 'SIGKILL');
  await until('the store is dead', async () => !isAlive(store.pid));
  const started = performance.now();
  store = await openStore(dataDir);
  expect(await count(store)).toBe(3);
  // Under 2 s on a quiet machine (schema/README.md). Here against the time that an empty store took: no scan of the data.
  expect(performance.now() - started).toBeLessThan(5 * first + 2_000);
  await insert(store, 'three');
  await insert(store, 'four');
  expect(await count(store)).toBe(4);
  await store.remove();
});

const hasChrt = spawnSync('chrt', ['--version']).status === 0;

test('keeps its password and its files to their owner, and stands back behind the proxy', async () => {
  const store = await openStore();
  expect(getPriority(store.pid)).toBe(19);
  // proc(5): the 41st field of a thread's stat is its policy; 5 is SCHED_IDLE.
  const policies = readdirSync(`/proc/${store.pid}/task`).map(
    (task) =>
      readFileSync(`/proc/${store.pid}/task/${task}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')[38],
  );
  if (hasChrt) expect(new Set(policies)).toEqual(new Set(['5']));
  else console.log('SKIPPED: the policy of the store’s threads; util-linux’s chrt is not here.');
  const mode = (path: string): number => statSync(path).mode & 0o777;
  expect([mode(store.dataDir), mode(join(store.dataDir, 'store.password'))]).toEqual([0o700, 0o600]);
  const again = store.password;
  await store.stop();
  const second = await openStore(store.dataDir);
  expect(second.password).toBe(again);
  await second.remove();
});

test('says in one sentence that the data directory, or the port, is taken', async () => {
  const store = await openStore();
  await expect(startStore({ dataDir: store.dataDir, port: 0 })).rejects.toThrow(
    /Another store \(process \d+\) has this data directory open/,
  );
  await expect(startStore({ dataDir: makeDataDir(), port: Number(new URL(store.url).port) })).rejects.toThrow(
    "The store's port is in use",
  );
  await store.remove();
});

test('finishes the insert in flight when it is told to stop', async () => {
  const store = await openStore();
  await store.client.command({
    query:
      'CREATE TABLE slow (id UInt64, waited UInt8 MATERIALIZED sleepEachRow(0.002)) ENGINE = MergeTree ORDER BY id',
  });
  // Nearly three seconds, which is the most that the engine lets a block sleep: long enough to be seen.
  const values = Array.from({ length: 1_400 }, (_, id) => ({ id }));
  const inserted = store.client.insert({ table: 'slow', values, format: 'JSONEachRow' });
  inserted.catch(() => undefined);
  const running = async (): Promise<boolean> => {
    const sql = "SELECT count() AS n FROM system.processes WHERE query LIKE 'INSERT%'";
    return (await rows<{ n: number }>(store.client, sql))[0]!.n > 0;
  };
  await until('the insert runs', running, 60_000);
  await store.stop();
  await inserted;
  const again = await openStore(store.dataDir);
  expect(await count(again, 'slow')).toBe(1_400);
  await again.remove();
});

test('does not outlive its parent', async () => {
  const program = join(
    dirname(createRequire(import.meta.url).resolve('@weir/schema/package.json')),
    'dist',
    'store.js',
  );
  const code = `const c = require('node:child_process').fork(${JSON.stringify(program)}, [], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    c.stdout.on('data', (line) => process.send({ pid: c.pid, line: String(line) }));`;
  const env = { ...process.env, WEIR_DATA_DIR: makeDataDir(), WEIR_STORE_PORT: '0' };
  const parent = fork('-e', [code], {
    env,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execPath: process.execPath,
  });
  const { pid } = await new Promise<{ pid: number }>((resolve) =>
    parent.once('message', (message) => resolve(message as { pid: number })),
  );
  expect(isAlive(pid)).toBe(true);
  parent.kill('SIGKILL');
  await until('the store has ended', async () => !isAlive(pid));
});
