/** What the gate lets through never reads outside `weir.*`, whatever it is put together from. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from './support.ts';
import type { TestStore } from './support.ts';

const canary = 'canary-4711';
const home = mkdtempSync(join(tmpdir(), 'weir-gate-'));
const file = join(home, 'secret.csv');
let store: TestStore;

beforeAll(async () => {
  writeFileSync(file, `${canary}\n`);
  store = await openStore();
  for (const query of [
    'CREATE TABLE requests (user_id String, tokens Nullable(UInt32), tags Array(String)) ENGINE = MergeTree ORDER BY user_id',
    "INSERT INTO requests SELECT toString(number), number, ['x', 'y'] FROM numbers(5)",
    'CREATE TABLE provider_keys (user_id String, tokens UInt32) ENGINE = Memory',
    `INSERT INTO provider_keys VALUES ('${canary}', 1)`,
    'CREATE DATABASE hidden',
    'CREATE TABLE hidden.t (user_id String, tokens UInt32) ENGINE = Memory',
    `INSERT INTO hidden.t VALUES ('${canary}', 1)`,
    `CREATE FUNCTION leak AS x -> file('${file}')`,
  ]) {
    await store.client.command({ query });
  }
});
afterAll(async () => {
  await store.remove();
  rmSync(home, { recursive: true, force: true });
});

/** Pieces that may be read, and pieces that may not; about one statement in three is built of the former only. */
const grammar = fc.letrec<Record<'select' | 'expression' | 'table', string>>((tie) => {
  const sub = tie('select').map((text) => `(${text})`);
  const call = (names: string[]): fc.Arbitrary<string> =>
    fc
      .tuple(fc.constantFrom(...names), fc.constantFrom('', ' ', '/**/', '\n'), tie('expression'))
      .map(([name, gap, of]) => `${name}${gap}(${of})`);
  return {
    expression: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      { arbitrary: fc.constantFrom('user_id', 'tokens', '1', "'a'", 'NULL', 'tags[1]'), weight: 6 },
      { arbitrary: call(['toString', 'upper', 'length', 'max', 'any', 'toTypeName', 'groupArray']), weight: 4 },
      { arbitrary: call(['file', 'FILE', '`file`', 'leak', 'getSetting', 'hostName']), weight: 1 },
      {
        arbitrary: fc.constantFrom(
          `file('${file}')`,
          `arrayMap(leak, tags)`,
          `arrayMap(x -> file('${file}'), tags)`,
          'COLUMNS(1) APPLY(leak)',
        ),
        weight: 1,
      },
      { arbitrary: sub, weight: 1 },
      {
        arbitrary: fc
          .tuple(tie('expression'), fc.constantFrom('IN', 'NOT IN', 'GLOBAL IN', '=', 'OR', '||'), tie('table'))
          .map((all) => all.join(' ')),
        weight: 1,
      },
    ),
    table: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      { arbitrary: fc.constantFrom('requests', 'weir.requests', '`requests`', 'numbers(3)'), weight: 7 },
      {
        arbitrary: fc.constantFrom(
          'hidden.t',
          '`hidden`.`t`',
          'provider_keys',
          'weir.Provider_Keys',
          'system.tables',
          `file('${file}', 'LineAsString')`,
          "merge('hidden', '.*')",
          'view(SELECT * FROM hidden.t)',
          "cluster('default', hidden.t)",
          "remote('127.0.0.1', hidden.t)",
        ),
        weight: 2,
      },
      { arbitrary: sub, weight: 2 },
    ),
    select: fc
      .record({
        start: fc.constantFrom('SELECT', 'select', 'SELECT DISTINCT', 'SELECT /* x */'),
        what: fc.array(fc.oneof(tie('expression'), fc.constantFrom('*', 'count()')), { minLength: 1, maxLength: 3 }),
        from: tie('table'),
        join: fc.option(tie('table'), { freq: 4, nil: null }),
        where: fc.option(tie('expression'), { freq: 2, nil: null }),
        order: fc.option(tie('expression'), { freq: 4, nil: null }),
        more: fc.option(fc.tuple(fc.constantFrom('UNION ALL', 'EXCEPT', 'INTERSECT'), tie('select')), {
          freq: 6,
          nil: null,
        }),
      })
      .map(({ start, what, from, join, where, order, more }) =>
        [
          `${start} ${what.join(', ')} FROM ${from}`,
          join === null ? '' : `CROSS JOIN ${join}`,
          where === null ? '' : `WHERE ${where}`,
          order === null ? '' : `ORDER BY ${order}`,
          more === null ? '' : more.join(' '),
        ].join(' '),
      ),
  };
});

test('no statement that is answered holds what lies outside', async () => {
  const seen = { answered: 0, refused: 0, failed: 0 };
  await fc.assert(
    fc.asyncProperty(grammar.select, async (query) => {
      const response = await fetch(`${store.url}/?default_format=JSONEachRow&max_execution_time=5`, {
        method: 'POST',
        body: query,
      });
      const text = await response.text();
      if (response.status === 200) seen.answered++;
      else if (response.status === 403) seen.refused++;
      else seen.failed++;
      expect(text).not.toContain(canary);
      // The names of other databases' tables are outside too.
      if (response.status === 200) expect(text).not.toMatch(/"hidden"|query_log|asynchronous_metrics/);
    }),
    { numRuns: 400, endOnFailure: true },
  );
  // A generator whose statements were all refused, or all let through, would show nothing.
  expect(seen.answered, JSON.stringify(seen)).toBeGreaterThan(20);
  expect(seen.refused, JSON.stringify(seen)).toBeGreaterThan(60);
}, 280_000);
