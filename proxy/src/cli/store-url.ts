/** Where the store is, for commands that run beside a started Weir. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ClickHouseError } from '@weir/schema/db';
import { readPassword } from '@weir/schema/store/password';
import { z } from 'zod';
import { isLoopbackName, type Settings } from '../env.ts';

/** A store's address as an option says it. */
export const storeUrl = z.url({ protocol: /^https?$/, error: 'expected http(s)://user:password@host:8123/database' });

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

const networkCodes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name could not be looked up',
  EHOSTUNREACH: 'no way there',
  ENETUNREACH: 'no way there',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  ETIMEDOUT: 'no connection in time',
};

/** What to say of a failed statement: one sentence, with ClickHouse's own words where it said some. */
export function failure(url: string, error: unknown): Error {
  if (error instanceof ClickHouseError) {
    const words = error.message.replace(/\s+/g, ' ').trim().replace(/\.$/, '');
    return new Error(`ClickHouse: ${words} (${error.type ?? 'error'}, code ${error.code}).`, { cause: error });
  }
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  const why = networkCodes[code];
  if (why === undefined) return error instanceof Error ? error : new Error(String(error));
  const { origin, hostname } = new URL(url);
  const hint = isLoopbackName(hostname) ? ' Is Weir running (npm start)?' : '';
  return new Error(`The store does not answer at ${origin}: ${why} (${code}).${hint}`, { cause: error });
}
