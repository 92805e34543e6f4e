/**
 * `npx tsx test/bench/reopen.ts --rows 1000000 --runs 5`: how long a store that died by `kill -9` in the middle of inserts
 * takes until it answers again, beside one without rows. Times are of a shared machine: read them together. The figures stand
 * in schema/README.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDb } from '@weir/schema/db';
import { migrate } from '@weir/schema/migrate';
import { startStore, type RunningStore } from '@weir/schema/store/spawn';
import { isAlive } from '../support/alive.ts';
import { until } from '../support/deadline.ts';
import { ask } from './ask.ts';
import { fillHistory } from './fill.ts';

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '1000000' }, runs: { type: 'string', default: '5' } },
});
const runs = Number(values.runs);

const dataDir = mkdtempSync(join(tmpdir(), 'weir-reopen-'));
const start = (): Promise<RunningStore> => startStore({ dataDir, port: 0, deadline: 120_000, log: 'error' });
const insert = `INSERT INTO scores (score_id, request_started_at)
  SELECT toString(generateUUIDv4()), now64(6) FROM numbers(1000)`;
const lines: object[] = [];
let store = await start();
try {
  await migrate(store.adminUrl, { retainDays: 400, retainBodiesDays: 400 });
  lines.push(await reopenings('without rows'));
  const db = openDb(store.adminUrl, { application: 'weir-bench', timeoutMs: 3_600_000 });
  await fillHistory(db, Number(values.rows), ['requests', 'attempts']);
  await db.close();
  lines.push(await reopenings('with rows'));
} finally {
  await store.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
console.table(lines);

async function reopenings(what: string): Promise<object> {
  const listening: number[] = [];
  const answering: number[] = [];
  let found: { rows: string; parts: string } | undefined;
  for (let run = 0; run < runs; run++) {
    await dieWhileWriting();
    const began = performance.now();
    store = await start();
    listening.push(performance.now() - began);
    const db = openDb(store.adminUrl, { application: 'weir-bench' });
    [found] = await ask(db, 'SELECT count() AS rows, uniqExact(_part) AS parts FROM requests');
    answering.push(performance.now() - began);
    await db.close();
  }
  const spread = (all: number[]): string => `${Math.round(Math.min(...all))} to ${Math.round(Math.max(...all))}`;
  return { store: what, ...found, 'ms until it listens': spread(listening), 'ms until it answers': spread(answering) };
}

/** Ends the store by force with inserts under way. */
async function dieWhileWriting(): Promise<void> {
  const db = openDb(store.adminUrl, { application: 'weir-bench' });
  let inserted = 0;
  const writing = Array.from({ length: 4 }, async () => {
    for (;;) {
      await db.command({ query: insert });
      inserted += 1;
    }
  });
  const died = Promise.allSettled(writing);
  await until(60_000, 'inserts are under way', () => (inserted > 8 ? true : undefined));
  process.kill(store.pid, 'SIGKILL');
  await died;
  await until(10_000, 'the store is dead', () => (isAlive(store.pid) ? undefined : true));
  await db.close();
}
