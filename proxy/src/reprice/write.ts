/**
 * Writes the new costs of one day. Rows are changed where they are, by a mutation that looks the new values up in a table
 * made for it: what arrives meanwhile is not touched, and nothing is ever deleted. A mutation either has been taken by
 * the store, which then finishes it even after a restart, or has not; running everything again finds only what is left.
 */
import { randomBytes } from 'node:crypto';
import { ClickHouseError, type Db } from '@weir/schema/db';
import { z } from 'zod';
import type { Change } from './change.ts';

/** Changes that one mutation makes: the lookup is held in memory. */
export const changesPerMutation = 200_000;
const prefix = 'reprice_values_';
/** Rows of the lookup that go in one statement. */
const insertRowsAtOnce = 20_000;
/** After this a lookup that nobody uses is what a broken-off run left. */
const leftAfterSeconds = 3_600;

const decimals = [
  'cost_usd',
  'input_cost_usd',
  'output_cost_usd',
  'cache_read_cost_usd',
  'cache_write_cost_usd',
  'other_cost_usd',
  'retry_cost_usd',
  'list_cost_usd',
] as const;

/** @param day `YYYY-MM-DD`, the day of all the changes. */
export async function writeChanges(db: Db, day: string, changes: readonly Change[]): Promise<void> {
  const first = changes[0];
  const last = changes.at(-1);
  if (first === undefined || last === undefined) return;
  const table = prefix + randomBytes(8).toString('hex');
  await db.command({
    query: `CREATE TABLE ${table} (request_id UUID, changed UInt8, price_id String, last_attempt UInt8,
      attempt_cost_usd Nullable(Decimal(18, 9)), ${decimals.map((name) => `${name} Nullable(Decimal(18, 9))`).join(', ')})
      ENGINE = Join(ANY, LEFT, request_id)`,
  });
  try {
    await fill(db, table, changes);
    const database = await nameOfDatabase(db);
    const value = (column: string): string => `joinGet('${database}.${table}', '${column}', request_id)`;
    const found = `${value('changed')} = 1`;
    const span = `started_at >= {from:DateTime64(6, 'UTC')} AND started_at <= {to:DateTime64(6, 'UTC')}`;
    const set = [...decimals, 'price_id'].map((column) => `${column} = ${value(column)}`);
    // Attempts first: a run that is broken off between the two is found by the requests, which still differ.
    const attempt = [
      `price_id = ${value('price_id')}`,
      `cost_usd = ${value('attempt_cost_usd')}`,
      `warnings = arrayFilter(warning -> warning != 'unknown_attempt_cost', warnings)`,
    ];
    for (const partition of [day, dayAfter(day)]) {
      // The last attempt of a call from before midnight may have begun after it.
      await mutate(
        db,
        table,
        `ALTER TABLE attempts UPDATE ${attempt.join(', ')} IN PARTITION ${partition.replaceAll('-', '')}
         WHERE ${found} AND attempt_index = ${value('last_attempt')}`,
        {},
      );
    }
    await mutate(
      db,
      table,
      `ALTER TABLE requests UPDATE ${set.join(', ')} IN PARTITION ${day.replaceAll('-', '')} WHERE ${span} AND ${found}`,
      { from: first.started_at, to: last.started_at },
    );
  } finally {
    // A mutation that was taken and is not done needs its lookup: then the table stays, and a later run takes it away.
    if (!(await isUsed(db, table))) await db.command({ query: `DROP TABLE IF EXISTS ${table}` });
  }
}

/** Waits for mutations of a run that was broken off, and takes away what it left. */
export async function finishEarlierRuns(db: Db, deadlineMs: number): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (await isUsed(db, prefix)) {
    if (Date.now() > deadline)
      throw new Error('An earlier repricing is still being written: try again when it is done.');
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const result = await db.query({
    query: `SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, {prefix:String})
      AND metadata_modification_time < now() - {age:UInt32}`,
    query_params: { prefix, age: leftAfterSeconds },
    format: 'JSONEachRow',
  });
  for (const { name } of z.array(z.object({ name: z.string() })).parse(await result.json()))
    await db.command({ query: `DROP TABLE IF EXISTS ${name}` });
}

async function fill(db: Db, table: string, changes: readonly Change[]): Promise<void> {
  for (let from = 0; from < changes.length; from += insertRowsAtOnce) {
    const values = changes.slice(from, from + insertRowsAtOnce).map((change) => ({
      request_id: change.request_id,
      changed: 1,
      price_id: change.price_id,
      last_attempt: change.last_attempt,
      attempt_cost_usd: change.attempt_cost_usd,
      ...Object.fromEntries(decimals.map((name) => [name, change[name]])),
    }));
    await db.insert({ table, values, format: 'JSONEachRow' });
  }
}

async function mutate(db: Db, table: string, query: string, query_params: Record<string, string>): Promise<void> {
  try {
    await db.command({
      query,
      query_params,
      // The lookup does not change while the mutation runs, whatever the store knows of it.
      clickhouse_settings: { mutations_sync: '2', allow_nondeterministic_mutations: 1 },
    });
  } catch (error) {
    // One that the store refuses would be tried again for ever; one that we only lost sight of goes on.
    if (error instanceof ClickHouseError) {
      await db.command({
        query: 'KILL MUTATION WHERE database = currentDatabase() AND position(command, {table:String}) > 0 SYNC',
        query_params: { table },
      });
    }
    throw error;
  }
}

async function isUsed(db: Db, table: string): Promise<boolean> {
  const result = await db.query({
    query: `SELECT count() AS n FROM system.mutations
      WHERE database = currentDatabase() AND NOT is_done AND position(command, {table:String}) > 0`,
    query_params: { table },
    format: 'JSONEachRow',
  });
  const [row] = z.tuple([z.object({ n: z.coerce.number() })]).parse(await result.json());
  return row.n > 0;
}

async function nameOfDatabase(db: Db): Promise<string> {
  const result = await db.query({ query: 'SELECT currentDatabase() AS name', format: 'JSONEachRow' });
  const [row] = z.tuple([z.object({ name: z.string() })]).parse(await result.json());
  return row.name;
}

function dayAfter(day: string): string {
  return new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
}
