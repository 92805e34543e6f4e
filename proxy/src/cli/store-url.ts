/** Where the store is, for commands that run beside a started Weir. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readPassword } from '@weir/schema/store/password';
import type { Settings } from '../env.ts';

/** The store's address with credentials. @throws with a sentence when there is none yet. */
export function storeUrlOf(settings: Settings): string {
  if (settings.CLICKHOUSE_URL !== undefined) return settings.CLICKHOUSE_URL;
  const dataDir = resolve(settings.WEIR_DATA_DIR);
  if (!existsSync(join(dataDir, 'store.password'))) {
    throw new Error(`There is no store in ${settings.WEIR_DATA_DIR} yet: npm start makes one.`);
  }
  const url = new URL(`http://127.0.0.1:${settings.WEIR_STORE_PORT}/weir`);
  url.username = 'weir';
  url.password = readPassword(dataDir);
  return url.href;
}

/** What to say when the store does not answer. */
export function unreachable(url: string, error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code;
  if (code !== 'ECONNREFUSED') return error instanceof Error ? error : new Error(String(error));
  return new Error(`The store does not answer at ${new URL(url).origin}: is Weir running (npm start)?`);
}
