/** The rows declared once in code are the tables that the migrations make. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDb, type Db } from '@weir/schema/db';
import { insertLines, insertRows } from '@weir/schema/insert';
import { migrate, readMigrations } from '@weir/schema/migrate';
import { columns, tables, timeText, type Table } from '@weir/schema/records';
import { z } from 'zod';
import { sharedDatabase } from '../support/weir.ts';

const retention = { retainDays: 400, retainBodiesDays: 30 };
let url = '';
let db: Db;
beforeAll(async () => {
  url = sharedDatabase();
  await migrate(url, retention);
  db = openDb(url);
});
afterAll(() => db.close());

async function ask<T>(query: string): Promise<T[]> {
  return (await db.query({ query, format: 'JSONEachRow' })).json<T>();
}

for (const table of Object.keys(tables) as Table[]) {
  test(`${table}: names, order and nullability are those of DESCRIBE TABLE`, async () => {
    const described = await ask<{ name: string; type: string }>(`DESCRIBE TABLE ${table}`);
    expect(columns(table)).toEqual(described.map(({ name }) => name));
    for (const { name, type } of described) {
      const field = (tables[table].shape as Record<string, z.ZodType>)[name];
      expect(field?.safeParse(null).success, `${name} ${type}`).toBe(type.startsWith('Nullable'));
    }
  });
}

test('migrations are applied once, by checksum, and a second run changes nothing', async () => {
  await migrate(url, retention);
  const applied = await ask<{ name: string }>('SELECT name FROM schema_migrations FINAL ORDER BY name');
  expect(applied.map(({ name }) => name)).toEqual((await readMigrations()).map(({ name }) => name));
});

test('a retention that was changed is the one in force', async () => {
  await migrate(url, { retainDays: 90, retainBodiesDays: 7 });
  const [row] = await ask<{ engine_full: string }>(
    `SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = 'bodies'`,
  );
  expect(row?.engine_full).toContain('toIntervalDay(7)');
});

test('the same token with the same rows is inserted once; other rows under another token are too', async () => {
  // Recent: a row older than the retention would be gone at once.
  const at = timeText(Date.now() * 1000 + 456);
  const row = (id: string): object => ({
    score_id: id,
    request_id: '01a20378-3870-70d2-a764-01bff1c770da',
    project: 'p',
    request_started_at: at,
    name: 'n',
    value: 1,
    label: '',
    comment: '',
    source: '',
    scored_at: at,
  });
  await insertRows(db, 'scores', [row('a')]);
  const attempt = (index: number): Buffer =>
    Buffer.from(
      `${JSON.stringify({ request_id: '01a20378-3870-70d2-a764-01bff1c770da', attempt_index: index, started_at: timeText(Date.now() * 1000) })}\n`,
    );
  const lines = attempt(0);
  await insertLines(db, 'attempts', lines, 'token-1');
  await insertLines(db, 'attempts', lines, 'token-1');
  await insertLines(db, 'attempts', attempt(1), 'token-2');
  const [count] = await ask<{ n: string }>('SELECT count() AS n FROM attempts');
  expect(Number(count?.n)).toBe(2);
  const [score] = await ask<{ request_started_at: string }>('SELECT request_started_at FROM scores');
  expect(score?.request_started_at).toBe(at);
});
