/**
 * `npx tsx test/bench/growth.ts --rows 10000000`: what the pages' own questions read in a large store, and how long they take
 * beside a plain sum over the same days. Options: `--rows`, `--bodies` (requests that have bodies, the newest), `--runs`.
 * The figures stand in schema/README.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDb } from '@weir/schema/db';
import type { Filters } from '@weir/schema/filters';
import { migrate } from '@weir/schema/migrate';
import * as overview from '@weir/schema/queries/overview';
import { one } from '@weir/schema/queries/request';
import { list } from '@weir/schema/queries/requests';
import { counts, strip } from '@weir/schema/queries/shell';
import { startStore } from '@weir/schema/store/spawn';
import { customRange, toSqlTime, type Range } from '@weir/schema/time';
import { ask, costOf } from './ask.ts';
import { fillHistory } from './fill.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    bodies: { type: 'string', default: '100000' },
    runs: { type: 'string', default: '3' },
  },
});
const runs = Number(values.runs);
const day = 86_400_000;

interface Question {
  page: string;
  what: string;
  sql: string;
  /** What it is measured against: one column of the same stretch of time, added up. */
  range: Range;
}

const dataDir = mkdtempSync(join(tmpdir(), 'weir-growth-'));
const store = await startStore({ dataDir, port: 0, deadline: 120_000, log: 'error' });
const db = openDb(store.adminUrl, { application: 'weir-bench', timeoutMs: 3_600_000 });
try {
  await migrate(store.adminUrl, { retainDays: 400, retainBodiesDays: 400 });
  const started = performance.now();
  await fillHistory(db, Number(values.rows), ['requests']);
  console.log(`filled in ${Math.round((performance.now() - started) / 1000)} s`);
  await fillBodies(Number(values.bodies));
  await reportSizes();
  const questions = await makeQuestions();
  const results: object[] = [];
  for (const question of questions) results.push(await measure(question));
  console.table(results);
} finally {
  await db.close();
  await store.stop();
  rmSync(dataDir, { recursive: true, force: true });
}

/** 1.3 KB of words from a list of 64 for each of the newest requests; one in a thousand holds the word that is looked for. */
async function fillBodies(many: number): Promise<void> {
  const words = `arrayMap(i -> lower(hex(cityHash64(bitAnd(cityHash64(request_id, i), 63)))), range(75))`;
  await db.command({
    query: `INSERT INTO bodies (request_id, started_at, project, request, response)
      SELECT request_id, started_at, project,
        concat('{"messages":[{"role":"user","content":"', arrayStringConcat(${words}, ' '),
          if(cityHash64(request_id) % 1000 = 0, ' needle', ''), '"}]}'), '{"choices":[]}'
      FROM requests ORDER BY started_at DESC LIMIT ${many}`,
  });
}

async function reportSizes(): Promise<void> {
  console.table(
    await ask(
      db,
      `SELECT table, sum(parts.rows) AS rows, count() AS parts, round(sum(bytes_on_disk) / sum(parts.rows), 1) AS bytes_a_row
      FROM system.parts WHERE active AND database = currentDatabase() AND parts.rows > 0 GROUP BY table ORDER BY table`,
    ),
  );
}

async function makeQuestions(): Promise<Question[]> {
  const now = Date.now();
  const [picked] = await ask<{ id: string; at: string; user: string; rare: string; team: string }>(
    db,
    `SELECT toString(request_id) AS id, toString(started_at) AS at, user_id AS user, properties['team'] AS team,
        (SELECT argMin(u, c) FROM (SELECT user_id AS u, count() AS c FROM requests WHERE u != '' GROUP BY u)) AS rare
      FROM requests WHERE user_id != '' AND team != '' AND started_at < now() - INTERVAL 7 DAY
      ORDER BY cityHash64(request_id) LIMIT 1`,
  );
  if (picked === undefined) throw new Error('there are no rows');
  const hour = customRange(now - day / 24, now);
  const today = customRange(now - day, now);
  const fortnight = customRange(now - 14 * day, now);
  const none: Filters = [];
  const user = (name: string): Filters => [{ kind: 'text', field: 'user', op: 'is', values: [name] }];
  const property: Filters = [{ kind: 'property', name: 'team', op: 'is', values: [picked.team] }];
  const text: Filters = [{ kind: 'body', text: 'needle' }];
  const newest = { key: 'time', down: true } as const;
  const deep = { key: picked.at, started_at: picked.at, request_id: picked.id };
  const all = (range: Range, filters = none): Question[] =>
    Object.entries({
      series: overview.series,
      providers: overview.byProvider,
      'latency cells': overview.latencyCells,
      'cost by model': overview.costByModel,
      models: overview.models,
      users: overview.users,
      concentration: overview.concentration,
      counts,
      strip,
    }).map(([what, query]) => ({ page: 'Overview', what, sql: query.text({ range, filters }), range }));
  const page = (
    what: string,
    range: Range,
    filters: Filters,
    more: Partial<Parameters<typeof list.text>[0]> = {},
  ): Question => ({
    page: 'Requests',
    what,
    sql: list.text({ range, filters, sort: newest, ...more }),
    range,
  });
  return [
    ...all(today),
    ...all(fortnight),
    page('first page', fortnight, none),
    page('deep page', fortnight, none, { at: deep }),
    page('slowest first', fortnight, none, { sort: { key: 'duration', down: true } }),
    page('an ordinary user', fortnight, user(picked.user)),
    page('the rarest user', fortnight, user(picked.rare)),
    page('a property', fortnight, property),
    page('text in bodies', hour, text),
    page('text in bodies', today, text),
    { page: 'Request', what: 'by id and time', sql: one.text({ request_id: picked.id }), range: fortnight },
  ];
}

async function measure({ page, what, sql, range }: Question): Promise<object> {
  const bounds = `started_at >= '${toSqlTime(range.from)}' AND started_at < '${toSqlTime(range.to)}'`;
  const plain = await costOf(db, `SELECT sum(duration_ms) FROM requests WHERE ${bounds}`, runs);
  const { ms, rows, bytes } = await costOf(db, sql, runs);
  return {
    page,
    what,
    days: Math.round(((range.to - range.from) / day) * 100) / 100,
    'rows read': rows,
    'MB read': Math.round(bytes / 1e5) / 10,
    ms: Math.round(ms),
    '÷ a sum': Math.round((10 * ms) / plain.ms) / 10,
  };
}
