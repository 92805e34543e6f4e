import { openDb, type Db } from '@weir/schema/db';
import { env } from './env.ts';

let opened: Db | undefined;

/** One pool for the process; nothing is sent before the first query. */
export function store(): Db {
  opened ??= openDb(env.CLICKHOUSE_URL, { application: 'weir-dashboard', timeoutMs: 15_000 });
  return opened;
}
