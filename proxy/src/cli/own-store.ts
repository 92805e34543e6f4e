/** The store of this machine's settings, whether Weir runs or not. */
import { resolve } from 'node:path';
import { openDb, type Db } from '@weir/schema/db';
import { migrate } from '@weir/schema/migrate';
import { startStore } from '@weir/schema/store/spawn';
import type { Settings } from '../env.ts';
import { WeirError } from '../errors.ts';
import { readSettings } from './start.ts';
import { failure, storeUrlOf } from './store-url.ts';

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

/** Does some work on that store, with its tables up to date. @throws with one sentence. */
export async function withOwnStore(
  application: string,
  work: (db: Db, settings: Settings) => Promise<void>,
): Promise<void> {
  const settings = readSettings();
  const store = await openOwnStore(settings);
  const db = openDb(store.url, { application });
  try {
    await migrate(store.url, {
      retainDays: settings.WEIR_RETAIN_DAYS,
      retainBodiesDays: settings.WEIR_RETAIN_BODIES_DAYS,
    });
    await work(db, settings);
  } catch (error) {
    // What the store said is for whoever has its password.
    const cause = error instanceof WeirError ? (error.cause ?? error) : error;
    throw failure(store.url, cause);
  } finally {
    await db.close();
    await store.close();
  }
}
