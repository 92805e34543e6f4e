/** One store for all test files that do not need to break it; `TEST_CLICKHOUSE_URL` names a server to use instead. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '@weir/schema/migrate';
import { startStore } from '@weir/schema/store/spawn';

export default async function setup(): Promise<() => Promise<void>> {
  const server = process.env.TEST_CLICKHOUSE_URL;
  if (server !== undefined) {
    process.env.TEST_STORE_URL = server;
    return async () => undefined;
  }
  const dataDir = mkdtempSync(join(tmpdir(), 'weir-test-store-'));
  // The tests load every core, and wait for it: it takes its share.
  const store = await startStore({ dataDir, port: 0, deadline: 240_000, stepBack: false });
  // The first statements of an engine read half a gigabyte of code from disk: no test should wait for that.
  await migrate(store.adminUrl, { retainDays: 400, retainBodiesDays: 30 });
  process.env.TEST_STORE_URL = store.adminUrl;
  return async () => {
    await store.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
}
