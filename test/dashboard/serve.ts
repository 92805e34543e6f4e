/** A store with a history, and the built dashboard before it, on ports of their own. `tsx dashboard/serve.ts [requests]` runs it by hand. */
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Db, openDb } from '@weir/schema/db';
import { migrate } from '@weir/schema/migrate';
import { startStore } from '@weir/schema/store/spawn';
import { insertRows, makeRows } from './seed.ts';

export interface Served {
  url: string;
  db: Db;
  storeUrl: string;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export async function startDashboard(clickhouseUrl: string, port = 0): Promise<{ url: string; stop(): Promise<void> }> {
  const chosen = port === 0 ? await freePort() : port;
  const home = dirname(createRequire(import.meta.url).resolve('@weir/dashboard/package.json'));
  const child = fork(join(home, 'build', 'index.js'), [], {
    env: {
      ...process.env,
      HOST: '127.0.0.1',
      PORT: String(chosen),
      CLICKHOUSE_URL: clickhouseUrl,
      WEIR_PROXY_URL: 'http://127.0.0.1:9',
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${chosen}`;
  for (let tries = 0; ; tries += 1) {
    try {
      await fetch(`${url}/favicon.svg`);
      break;
    } catch (error) {
      if (tries > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
  };
  return { url, stop };
}

export async function serve({
  requests,
  days,
  now = Date.now(),
  port = 0,
}: {
  requests: number;
  days: number;
  now?: number;
  port?: number;
}): Promise<Served> {
  const dataDir = await mkdtemp(join(tmpdir(), 'weir-dashboard-'));
  const store = await startStore({ dataDir, port: 0, log: 'warn' });
  await migrate(store.adminUrl, { retainDays: 400, retainBodiesDays: 30 });
  const db = openDb(store.adminUrl);
  if (requests > 0) await insertRows(db, makeRows({ now, days, requests }));
  const dashboard = await startDashboard(store.adminUrl, port);
  const stop = async (): Promise<void> => {
    await dashboard.stop();
    await db.close();
    await store.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { url: dashboard.url, db, storeUrl: store.adminUrl, stop };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const served = await serve({
    requests: Number(process.argv[2] ?? 300_000),
    days: 14,
    port: Number(process.env['PORT'] ?? 0),
  });
  console.log(`dashboard ${served.url}\nstore ${served.storeUrl}`);
  process.once('SIGINT', () => void served.stop());
  process.once('SIGTERM', () => void served.stop());
}
