/** Weir as its users run it: the built store and proxy as processes of their own, on free ports and a data directory that goes away. */
import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openDb, type Db } from '@weir/schema/db';
import { nodeFlags } from '@weir/proxy/src/node-flags.ts';
import type { AttemptRow, BodyRow, RequestRow } from '@weir/schema/records';
import { startStore, type RunningStore } from '@weir/schema/store/spawn';
import { until, within } from './deadline.ts';

const proxyHome = dirname(createRequire(import.meta.url).resolve('@weir/proxy/package.json'));

export interface ProxyProcess {
  url: string;
  child: ChildProcess;
  /** Lines that it wrote on stderr. */
  log: string[];
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** Starts the built proxy. @param environment settings on top of a free port and the data directory. */
export async function startProxy(dataDir: string, environment: Record<string, string>): Promise<ProxyProcess> {
  const log: string[] = [];
  const child = fork(join(proxyHome, 'dist', 'main.js'), [], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      WEIR_DATA_DIR: dataDir,
      WEIR_PROXY_PORT: '0',
      ...environment,
    },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [...nodeFlags],
  });
  child.stderr?.on('data', (chunk: Buffer) => log.push(...chunk.toString().split('\n').filter(Boolean)));
  const exited = once(child, 'exit');
  const url = await within(
    90_000,
    'the proxy listens',
    Promise.race([
      new Promise<string>((resolve) => child.on('message', (message: { url: string }) => resolve(message.url))),
      exited.then(() => Promise.reject(new Error(`the proxy ended: ${log.join('\n')}`))),
    ]),
  );
  return {
    url,
    child,
    log,
    stop: async () => {
      child.kill('SIGTERM');
      await within(30_000, 'the proxy stops', exited);
    },
    kill: async () => {
      child.kill('SIGKILL');
      await within(5_000, 'the proxy is dead', exited);
    },
  };
}

export interface TestWeir {
  dataDir: string;
  /** Its own store; for tests that kill it. Others share one, each with a database of its own. */
  store: RunningStore | null;
  clickhouseUrl: string;
  db: Db;
  proxy: ProxyProcess;
  /** Starts the proxy again, on the same data. */
  restartProxy(): Promise<void>;
  /** The row of a call; waits until it is in the store. */
  request(id: string): Promise<RequestRow>;
  attempts(id: string): Promise<AttemptRow[]>;
  body(id: string): Promise<BodyRow>;
  query<T>(sql: string): Promise<T[]>;
  stop(): Promise<void>;
}

/** A database of its own in the store that all test files share (`global-setup.ts`): starting an engine takes seconds. */
export function sharedDatabase(): string {
  const url = new URL(process.env.TEST_STORE_URL ?? '');
  url.pathname = `/test_${randomBytes(6).toString('hex')}`;
  return url.href;
}

/** @param upstreams provider name → URL. */
export async function startWeir(
  upstreams: Record<string, string>,
  settings: Record<string, string> = {},
  options: { ownStore?: boolean } = {},
): Promise<TestWeir> {
  const dataDir = mkdtempSync(join(tmpdir(), 'weir-test-'));
  const store = options.ownStore === true ? await startStore({ dataDir, port: 0, deadline: 120_000 }) : null;
  const clickhouseUrl = store?.adminUrl ?? sharedDatabase();
  const db = openDb(clickhouseUrl);
  const environment = {
    CLICKHOUSE_URL: clickhouseUrl,
    ...Object.fromEntries(Object.entries(upstreams).map(([name, url]) => [`WEIR_UPSTREAM_${name.toUpperCase()}`, url])),
    ...settings,
  };
  const query = async <T>(sql: string): Promise<T[]> => {
    const result = await db.query({ query: sql, format: 'JSONEachRow' });
    return result.json<T>();
  };
  const rows = async <T>(table: string, id: string, order = '1'): Promise<T[]> =>
    until(90_000, `${id} is in ${table}`, async () => {
      const found = await query<T>(`SELECT * FROM ${table} WHERE request_id = '${id}' ORDER BY ${order}`).catch(
        () => [],
      );
      return found.length > 0 ? found : undefined;
    });
  const weir: TestWeir = {
    dataDir,
    store,
    clickhouseUrl,
    db,
    proxy: await startProxy(dataDir, environment),
    restartProxy: async () => {
      weir.proxy = await startProxy(dataDir, environment);
    },
    request: async (id) => (await rows<RequestRow>('requests', id))[0] as RequestRow,
    attempts: (id) => rows<AttemptRow>('attempts', id, 'attempt_index'),
    body: async (id) => (await rows<BodyRow>('bodies', id))[0] as BodyRow,
    query,
    stop: async () => {
      await weir.proxy.stop();
      await db.close();
      await weir.store?.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
  await reachesStore(weir.proxy.url);
  return weir;
}

/** Waits until a proxy has reached its store, and follows it. */
export async function reachesStore(url: string): Promise<void> {
  await until(180_000, 'the proxy has reached its store', async () => {
    const health = (await (await fetch(`${url}/weir/health`)).json()) as {
      stale: boolean;
      store: { reachable: boolean };
    };
    return health.store.reachable && !health.stale ? true : undefined;
  });
}
