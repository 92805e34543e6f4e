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
