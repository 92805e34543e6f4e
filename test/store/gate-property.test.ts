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
    'CREATE VIEW peek AS SELECT user_id, tokens, [user_id] AS tags FROM hidden.t',
    `CREATE FUNCTION leak AS x -> file('${file}')`,
  ]) {
    await store.client.command({ query });
  }
});
afterAll(async () => {
  await store.remove();
  rmSync(home, { recursive: true, force: true });
});

/**
 * Statements of the right types: every expression is a String, every table has the same three columns, so that the engine would
 * run whatever the gate lets through. Pieces that may not be read stand among the others, about one in every second statement.
 */
const grammar = fc.letrec<Record<'select' | 'expression' | 'condition' | 'table', string>>((tie) => {
  const of = (...parts: (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> =>
    fc.tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part))).map((all) => all.join(''));
  const gap = fc.constantFrom('', '', ' ', '/* x */', '\n');
  const call = (name: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    of(name, gap, '(', value, ')');
  const expression = tie('expression');
  return {
    expression: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      { arbitrary: fc.constantFrom('user_id', "'a'", 'toString(tokens)', 'tags[1]', '`user_id`'), weight: 30 },
      { arbitrary: call(fc.constantFrom('upper', 'reverse', 'toString', 'lower'), expression), weight: 12 },
      { arbitrary: of('if(', tie('condition'), ', ', expression, ', ', expression, ')'), weight: 5 },
      { arbitrary: of('arrayStringConcat(arrayMap(x -> concat(x, ', expression, '), tags))'), weight: 5 },
      { arbitrary: of('(SELECT max(', expression, ') FROM ', tie('table'), ')'), weight: 5 },
      { arbitrary: call(fc.constantFrom('file', 'FILE', '`file`', 'leak', 'getSetting'), expression), weight: 1 },
      {
        arbitrary: fc.constantFrom(
          `file('${file}')`,
          `leak('${file}')`,
          "toString(arrayMap(leak, ['a']))",
          `arrayStringConcat(arrayMap(x -> file('${file}'), tags))`,
          "dictGet('hidden.d', 'tokens', 1)",
          'hostName()',
        ),
        weight: 1,
      },
    ),
    condition: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      { arbitrary: fc.constantFrom('1', 'tokens > 1', 'has(tags, user_id)'), weight: 4 },
      { arbitrary: of(expression, fc.constantFrom(' = ', ' < ', ' LIKE '), expression), weight: 4 },
      { arbitrary: of(tie('condition'), fc.constantFrom(' AND ', ' OR '), tie('condition')), weight: 2 },
      {
        arbitrary: of(
          expression,
          fc.constantFrom(' IN ', ' NOT IN ', ' GLOBAL IN '),
          '(SELECT user_id FROM ',
          tie('table'),
          ')',
        ),
        weight: 3,
      },
      { arbitrary: of('exists(SELECT 1 FROM ', tie('table'), ')'), weight: 1 },
    ),
    table: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      { arbitrary: fc.constantFrom('requests', 'weir.requests', '`requests`', 'weir . requests'), weight: 30 },
      { arbitrary: of('(', tie('select'), ')'), weight: 12 },
      {
        arbitrary: fc.constantFrom(
          'hidden.t',
          '`hidden`.`t`',
          'provider_keys',
          '"provider_keys"',
          'weir.provider_keys',
          `file('${file}', 'LineAsString')`,
          "merge('hidden', '.*')",
          "merge('we.*', 'provider.*')",
          'view(SELECT * FROM hidden.t)',
          "cluster('default', hidden.t)",
          "remote('127.0.0.1', hidden.t)",
          "(SELECT name AS user_id, 1 AS tokens, ['a'] AS tags FROM system.tables)",
          'peek',
        ),
        weight: 2,
      },
    ),
    select: fc
      .record({
        start: fc.constantFrom('SELECT', 'select', 'SELECT DISTINCT', 'SELECT /* x */'),
        user: expression,
        table: tie('table'),
        where: fc.option(tie('condition'), { freq: 2, nil: null }),
        join: fc.option(tie('table'), { freq: 5, nil: null }),
        more: fc.option(fc.tuple(fc.constantFrom('UNION ALL', 'EXCEPT', 'INTERSECT'), tie('select')), {
          freq: 6,
          nil: null,
        }),
      })
      .map(({ start, user, table, where, join, more }) =>
        [
          `${start} ${user} AS user_id, 1 AS tokens, ['x'] AS tags FROM ${table} AS t`,
          join === null ? '' : `SEMI JOIN (SELECT user_id AS other FROM ${join}) AS j ON t.user_id = j.other`,
          where === null ? '' : `WHERE ${where}`,
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
    // As many as fit into a minute: on a slow machine fewer, never longer.
    { numRuns: 200, endOnFailure: true, interruptAfterTimeLimit: 60_000 },
  );
  // A generator whose statements were all refused, or all let through, would show nothing.
  const runs = seen.answered + seen.refused + seen.failed;
  expect(seen.answered / runs, JSON.stringify(seen)).toBeGreaterThan(0.1);
  expect(seen.refused / runs, JSON.stringify(seen)).toBeGreaterThan(0.2);
}, 280_000);
