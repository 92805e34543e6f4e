/** The store of this machine's settings, whether Weir runs or not. */
import { resolve } from 'node:path';
import { openDb } from '@weir/schema/db';
import { startStore } from '@weir/schema/store/spawn';
import type { Settings } from '../env.ts';
import { storeUrlOf } from './store-url.ts';

/** The store that runs, or, when none does, the data directory's own for as long as this takes. */
export async function openOwnStore(settings: Settings): Promise<{ url: string; close: () => Promise<void> }> {
  const url = storeUrlOf(settings);
  const db = openDb(url, { application: 'weir-cli', timeoutMs: 5_000 });
  const { success } = await db.ping();
  await db.close();
  if (success || settings.CLICKHOUSE_URL !== undefined) return { url, close: () => Promise.resolve() };
  const store = await startStore({ dataDir: resolve(settings.WEIR_DATA_DIR), port: 0, log: 'warn', deadline: 120_000 });
  return { url: store.adminUrl, close: () => store.stop() };
}
