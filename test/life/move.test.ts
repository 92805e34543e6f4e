/** Moving to another ClickHouse: every row, verified; broken off, run again, and with rows that came meanwhile. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copiedTables, copySpan, differingDays, type CopiedTable, type Span } from '@weir/schema/copy';
import { openDb } from '@weir/schema/db';
import { insertRows } from '@weir/schema/insert';
import { migrate } from '@weir/schema/migrate';
import { startStore } from '@weir/schema/store/spawn';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeStored } from '../../proxy/src/prices/stored.ts';
import { sharedDatabase } from '../support/weir.ts';
import { runCli } from '../support/cli.ts';
import { fill, one } from './rows.ts';

const retention = { retainDays: 400, retainBodiesDays: 30 };
const urls = [sharedDatabase(), sharedDatabase()] as const;
const ends = { source: openDb(urls[0]), target: openDb(urls[1]) };
const requests = copiedTables.find(({ table }) => table === 'requests') as CopiedTable;

beforeAll(async () => {
  for (const url of urls) await migrate(url, retention);
});
afterAll(() => Promise.all([ends.source.close(), ends.target.close()]));

async function days(): Promise<Span[]> {
  return (await differingDays(ends, requests, 0n)).days;
}

test('a copy is whole in pieces of any size; a second one finds nothing to do', async () => {
  await fill(ends.source, 3, 400);
  const spans = await days();
  expect(spans.length).toBe(3);
  // Pieces far smaller than a day: each day is halved until they fit.
  for (const span of spans) {
    expect(await copySpan(ends, { ...requests, pieceRows: 60 }, span)).toEqual({
      copied: 400,
      missing: 0,
      differing: 0,
    });
  }
  expect(await differingDays(ends, requests, 0n)).toEqual({ days: [], equal: 3 });
  const sums = `SELECT count() AS n, sum(cost_usd) AS cost, countIf(input_tokens IS NULL) AS unknown,
    groupUniqArray(properties['team']) AS teams FROM requests`;
  expect(await one(ends.target, sums)).toEqual(await one(ends.source, sums));
});

test('rows that came on either side are told apart: only what is missing is copied, nothing is overwritten', async () => {
  await fill(ends.source, 1, 30, 'b');
  await fill(ends.target, 1, 20, 'c');
  const [span] = (await days()) as [Span];
  expect(await copySpan(ends, requests, span, true)).toEqual({ copied: 0, missing: 30, differing: 0 });
  expect(await copySpan(ends, requests, span)).toEqual({ copied: 30, missing: 0, differing: 0 });
  expect(await copySpan(ends, requests, span)).toEqual({ copied: 0, missing: 0, differing: 0 });
  expect(
    await one(ends.target, 'SELECT toUInt32(count()) AS n, toUInt32(uniq(request_id)) AS ids FROM requests'),
  ).toEqual({ n: 1250, ids: 1250 });
});

test('a row whose NULL became 0 on the way is found', async () => {
  await ends.target.command({
    query: `ALTER TABLE requests UPDATE input_tokens = 0 WHERE request_id = (SELECT min(request_id) FROM requests WHERE input_tokens IS NULL AND request_model = 'm0') SETTINGS mutations_sync = 2`,
  });
  const [span] = (await days()).slice(-1) as [Span];
  const found = await Promise.all((await days()).map((day) => copySpan(ends, requests, day, true)));
  expect(span).toBeDefined();
  expect(found.reduce((sum, { differing }) => sum + differing, 0)).toBe(1);
});

test('weir move: beside a running store, then again from the data directory of a stopped one', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'weir-move-'));
  const to = sharedDatabase();
  const store = await startStore({ dataDir, port: 0, deadline: 120_000 });
  const environment = { WEIR_DATA_DIR: dataDir, WEIR_STORE_PORT: new URL(store.url).port };
  const db = openDb(store.adminUrl);
  try {
    await migrate(store.adminUrl, retention);
    await fill(db, 2, 100);
    await writeStored(db, 'own', [{ provider: 'custom', model: 'x', prices: { input_mtok: '1' } }]);
    const at = '2027-01-01 00:00:00.000000';
    const route = { name: 'checkout', version: 2, settings: '{}', enabled: true, created_at: at, updated_at: at };
    await insertRows(db, 'routes', [route]);
    await insertRows(
      db,
      'route_versions',
      [1, 2].map((version) => ({ name: 'checkout', version, settings: '{}', at })),
    );
    await insertRows(db, 'limits', [{ limit_id: 'lim_1', policy: '{}', created_at: at, updated_at: at }]);
    const first = await runCli(['move', '--to', to], environment);
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout.toString()).toContain(
      'requests: 200 rows copied, 2 days equal by count and checksum, 0 rows missing, 0 differing',
    );
    expect(first.stdout.toString()).toContain('scores: 20 rows copied');
    for (const [table, rows] of Object.entries({ prices: 1, limits: 1, routes: 1, route_versions: 2 })) {
      expect(first.stdout.toString()).toContain(`${table}: ${rows} copied`);
    }
    await fill(db, 1, 10, 'd');
    await store.stop();
    const again = await runCli(['move', '--to', to], environment);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stdout.toString()).toContain('requests: 10 rows copied, 2 days equal');
  } finally {
    await db.close();
    await store.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}, 280_000);

test.for([
  [[], 'Usage: npm run weir -- move --to'],
  [['--to', 'ftp://x'], '--to: expected http(s)://'],
] as const)('weir move %j says what it needs', async ([words, sentence]) => {
  const ran = await runCli(['move', ...words], { WEIR_DATA_DIR: '/nonexistent' });
  expect(ran.code).toBe(2);
  expect(ran.stderr).toContain(sentence);
});
