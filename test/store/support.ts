import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import type { ClickHouseClient } from '@clickhouse/client';
import { startStore } from '@weir/schema/store/spawn';
import type { RunningStore } from '@weir/schema/store/spawn';

/** A store of its own, a client for it, and the way to ask it as curl would. */
export interface TestStore extends RunningStore {
  readonly dataDir: string;
  readonly password: string;
  readonly client: ClickHouseClient;
  /** Ends the store and removes its data. */
  remove(): Promise<void>;
}

export function makeDataDir(): string {
  return mkdtempSync(join(tmpdir(), 'weir-store-'));
}

export async function openStore(dataDir = makeDataDir()): Promise<TestStore> {
  const store = await startStore({ dataDir, port: 0, log: 'error', memoryLimit: 1024 ** 3 });
  const client = createClient({ url: store.adminUrl, log: { level: 127 } });
  const remove = async (): Promise<void> => {
    await client.close();
    await store.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
  return { ...store, dataDir, password: new URL(store.adminUrl).password, client, remove };
}

/** What a test of ClickHouse's interface asks: a store of its own, or the server that TEST_CLICKHOUSE_URL names. */
export interface Target {
  readonly url: string;
  readonly adminUrl: string;
  readonly user: string;
  readonly password: string;
  /** User and password as headers. */
  readonly headers: Readonly<Record<string, string>>;
  readonly client: ClickHouseClient;
  /** Of the embedded store only. */
  readonly dataDir?: string;
  remove(): Promise<void>;
}

export async function openTarget(): Promise<Target> {
  const server = process.env['TEST_CLICKHOUSE_URL'];
  const store = server === undefined ? await openStore() : undefined;
  const admin = new URL(store?.adminUrl ?? server!);
  admin.pathname = '/weir';
  const user = decodeURIComponent(admin.username) || 'default';
  const password = decodeURIComponent(admin.password);
  const client = store?.client ?? createClient({ url: admin.href, log: { level: 127 } });
  if (!store)
    await post(
      { url: admin.origin, headers: asHeaders(user, password) },
      'CREATE DATABASE IF NOT EXISTS weir',
      '',
      {},
      'default',
    );
  return {
    url: admin.origin,
    adminUrl: admin.href,
    user,
    password,
    headers: asHeaders(user, password),
    client,
    ...(store ? { dataDir: store.dataDir } : {}),
    remove: store?.remove ?? (() => client.close()),
  };
}

function asHeaders(user: string, password: string): Record<string, string> {
  return { 'x-clickhouse-user': user, 'x-clickhouse-key': password };
}

/** Sends a statement, or its data, as a POST. */
export function post(
  to: Pick<Target, 'url' | 'headers'>,
  body: string | Buffer,
  more = '',
  headers: Record<string, string> = {},
  database = 'weir',
): Promise<Response> {
  return fetch(`${to.url}/?database=${database}${more}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : new Uint8Array(body),
    headers: { ...to.headers, ...headers },
  });
}

export async function rows<Row>(client: ClickHouseClient, query: string, more: object = {}): Promise<Row[]> {
  const result = await client.query({ query, format: 'JSONEachRow', ...more });
  return result.json<Row>();
}

/** Waits for something to become true, by asking, with a deadline that has a name. */
export async function until(what: string, ask: () => Promise<boolean>, deadline = 10_000): Promise<void> {
  const end = Date.now() + deadline;
  while (!(await ask())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${deadline} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
