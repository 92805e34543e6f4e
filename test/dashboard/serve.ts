/** A store with a history, and the built dashboard before it, on ports of their own. `tsx dashboard/serve.ts [requests]` runs it by hand. */
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Db, openDb } from '@weir/schema/db';
import { migrate } from '@weir/schema/migrate';
import { startStore } from '@weir/schema/store/spawn';
import { within } from '../support/deadline.ts';
import { insertRows, makeRows } from './seed.ts';

export interface Served {
  url: string;
  db: Db;
  storeUrl: string;
  stop(): Promise<void>;
}

/** The dashboard as built, a process of its own. @param settings on top of its store and of a proxy that is not there. */
export async function startDashboard(
  clickhouseUrl: string,
  settings: Record<string, string> = {},
): Promise<{ url: string; stop(): Promise<void> }> {
  const home = dirname(createRequire(import.meta.url).resolve('@weir/dashboard/package.json'));
  const child = fork(join(home, 'server.js'), [], {
    env: {
      ...process.env,
      HOST: '127.0.0.1',
      PORT: '0',
      CLICKHOUSE_URL: clickhouseUrl,
      WEIR_PROXY_URL: 'http://127.0.0.1:9',
      ...settings,
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await within(
    90_000,
    'the dashboard listens',
    Promise.race([
      new Promise<string>((resolve) => child.once('message', (message: { url: string }) => resolve(message.url))),
      exited.then(() => Promise.reject(new Error('the dashboard ended'))),
    ]),
  );
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await within(30_000, 'the dashboard stops', exited);
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
  const dashboard = await startDashboard(store.adminUrl, { PORT: String(port) });
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
