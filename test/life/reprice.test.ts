/** Prices that change: set, taken by what runs, and what is recorded priced again. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDb } from '@weir/schema/db';
import { insertRows } from '@weir/schema/insert';
import { migrate } from '@weir/schema/migrate';
import type { RequestRow } from '@weir/schema/records';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeBook } from '../../proxy/src/prices/book.ts';
import { builtInList } from '../../proxy/src/prices/list.ts';
import { billedCalls } from '../../proxy/src/reprice/rows.ts';
import { planReprice, writeReprice } from '../../proxy/src/reprice/run.ts';
import { attemptRow, requestRow } from '../dashboard/seed.ts';
import { hasTerminal, runCli, runOnTerminal, type Ended } from '../support/cli.ts';
import { sharedDatabase } from '../support/weir.ts';
import { one } from './rows.ts';

const url = sharedDatabase();
const db = openDb(url);
const scratch = mkdtempSync(join(tmpdir(), 'weir-reprice-'));
const environment = { CLICKHOUSE_URL: url, WEIR_DATA_DIR: scratch };
const weir = (...words: string[]): Promise<Ended> => runCli(words, environment);
const MIDNIGHT = Date.UTC(2026, 10, 10);
const id = (number: number): string => `01a20378-3870-70d2-a764-${String(number).padStart(12, '0')}`;
const own = (rules: object[]): string => {
  const path = join(scratch, 'own.json');
  writeFileSync(path, JSON.stringify(rules));
  return path;
};
const range = { from: '2026-11-09 00:00:00.000000', to: '2026-11-11 00:00:00.000000', model: undefined };

const priced = {
  input_tokens: 1000,
  output_tokens: 100,
  price_id: 'genai-prices@0.1.0/openai/gpt-5',
  cost_usd: '0.001',
  input_cost_usd: '0.0005',
  output_cost_usd: '0.0005',
  cache_read_cost_usd: '0',
  cache_write_cost_usd: '0',
  other_cost_usd: '0',
  retry_cost_usd: '0',
};
const house = { request_model: 'house', response_model: 'house', provider: 'custom' };

const rows: RequestRow[] = [
  requestRow(MIDNIGHT - 7_200_000, id(1), priced),
  requestRow(MIDNIGHT + 1000, id(2), { ...priced, attempts: 2, retry_cost_usd: '0.25', cost_usd: '0.251' }),
  requestRow(MIDNIGHT + 2000, id(3), { ...house, input_tokens: 1000, output_tokens: 100 }),
  requestRow(MIDNIGHT + 3000, id(4), { usage_source: 'none' }),
  requestRow(MIDNIGHT + 4000, id(5), { ...priced, cache: 'hit', cost_usd: '0' }),
  requestRow(MIDNIGHT + 5000, id(6), { ...priced, request_model: 'gone', response_model: 'gone' }),
  requestRow(MIDNIGHT + 6000, id(7), {
    ...priced,
    provider: 'xai',
    request_model: 'grok-4',
    response_model: 'grok-4-0709',
    price_id: 'reported',
    input_cost_usd: null,
    output_cost_usd: null,
    cache_read_cost_usd: null,
    cache_write_cost_usd: null,
    cost_usd: '0.01',
    other_cost_usd: '0.01',
  }),
  // Its last attempt begins on the next day.
  requestRow(MIDNIGHT - 1, id(8), { ...priced, attempts: 1 }),
];

beforeAll(async () => {
  await migrate(url, { retainDays: 400, retainBodiesDays: 30 });
  const attempts = rows.flatMap((row) => [
    ...(row.attempts === 2 ? [attemptRow(row, { attempt_index: 0, cost_usd: '0.25' })] : []),
    attemptRow(row, {
      attempt_index: row.attempts - 1,
      cost_usd: row.cost_usd === null ? null : '0.001',
      warnings: row.cost_usd === null ? ['unknown_attempt_cost'] : [],
      ...(row.request_id === id(8) ? { started_at: '2026-11-10 00:00:00.000001' } : {}),
    }),
  ]);
  await insertRows(db, 'attempts', attempts);
  await insertRows(db, 'requests', rows);
});
afterAll(async () => {
  await db.close();
  rmSync(scratch, { recursive: true, force: true });
});

const costs = (): Promise<{ ids: string[]; costs: (string | null)[] }> =>
  one(
    db,
    `SELECT groupArray(n) AS ids, groupArray(cost) AS costs FROM
    (SELECT toString(request_id) AS n, ifNull(toString(cost_usd), 'unknown') AS cost FROM requests ORDER BY request_id)`,
  );
const newCosts = ['0.00225', '0.25225', 'unknown', 'unknown', '0', '0.001', '0.01', '0.00225'];

test('shows old and new totals, and writes nothing unless told to', async () => {
  const before = await costs();
  const shown = await weir('reprice', '--from', '2026-11-09', '--to', '2026-11-10');
  expect(shown.code, shown.stderr).toBe(1);
  const text = shown.stdout.toString();
  expect(text).toContain('openai/gpt-5-2025-08-07: 3 of 3 requests change, $0.253000000 → $0.256750000');
  expect(text).toContain('without a price 1 → 1');
  expect(text).toContain('Nothing was written.');
  expect(await costs()).toEqual(before);
}, 240_000);

test.skipIf(!hasTerminal)(
  'asks on a terminal, and writes nothing when it is told no',
  async () => {
    const before = await costs();
    const words = ['reprice', '--from', '2026-11-09', '--to', '2026-11-10'];
    const refused = await runOnTerminal(words, environment, { question: 'Write this? [y/N] ', answer: 'n' });
    expect(refused.screen).toContain('3 of 3 requests change');
    expect(refused.screen).toContain('Nothing was written.');
    expect(refused.code).toBe(1);
    expect(await costs()).toEqual(before);
    expect(await one(db, 'SELECT toUInt32(count()) AS n FROM revisions')).toEqual({ n: 0 });
  },
  240_000,
);

test('writes what changes: request and last attempt, the parts and retries adding up', async () => {
  const ran = await weir('reprice', '--from', '2026-11-09', '--to', '2026-11-10', '--yes');
  expect(ran.code, ran.stderr).toBe(0);
  expect(ran.stdout.toString()).toContain('4 requests have their new cost.');
  expect((await costs()).costs).toEqual(newCosts);
  expect(
    await one(
      db,
      `SELECT toUInt32(countIf(cost_usd != input_cost_usd + output_cost_usd + cache_read_cost_usd + cache_write_cost_usd + other_cost_usd + retry_cost_usd
         AND price_id LIKE 'genai-prices@0.1.8%')) AS wrong,
       toString(anyIf(list_cost_usd, provider = 'xai')) AS list, toString(anyIf(input_cost_usd, provider = 'xai')) AS input FROM requests`,
    ),
  ).toEqual({ wrong: 0, list: '0.0045', input: '0.003' });
  expect(
    await one(
      db,
      `SELECT groupArray(concat(toString(attempt_index), ' ', toString(cost_usd))) AS costs FROM
       (SELECT * FROM attempts WHERE request_id IN ('${id(2)}', '${id(8)}') ORDER BY request_id, attempt_index)`,
    ),
  ).toEqual({ costs: ['0 0.25', '1 0.00225', '0 0.00225'] });
  expect(
    await one(
      db,
      `SELECT toUInt32(count()) AS days, toUInt32(sum(changed)) AS changed, toString(sum(cost_before_usd)) AS before,
       toString(sum(cost_after_usd)) AS after, groupUniqArray(state) AS states, any(who) != '' AS named FROM revisions FINAL`,
    ),
  ).toEqual({ days: 2, changed: 4, before: '0.264', after: '0.26775', states: ['done'], named: 1 });
}, 240_000);

test('a second time nothing changes, and nothing is left behind', async () => {
  const again = await weir('reprice', '--from', '2026-11-09', '--to', '2026-11-10', '--yes');
  expect(again.code, again.stderr).toBe(0);
  expect(again.stdout.toString()).toContain('Nothing changes: ');
  expect(
    await one(
      db,
      "SELECT toUInt32(count()) AS n FROM system.tables WHERE database = currentDatabase() AND name LIKE 'reprice%'",
    ),
  ).toEqual({ n: 0 });
  expect(await one(db, 'SELECT toUInt32(count()) AS n FROM revisions FINAL')).toEqual({ n: 2 });
}, 240_000);

test('a model whose price is set later gets its cost, and only that model', async () => {
  const set = await weir(
    'prices',
    'set',
    own([
      { ...{ provider: 'custom', model: 'house' }, prices: { input_mtok: '1', output_mtok: '2' } },
      { provider: 'openai', model: 'gpt-5', prices: { input_mtok: '9' } },
    ]),
  );
  expect(set.code, set.stderr).toBe(0);
  const ran = await weir('reprice', '--from', '2026-11-10', '--model', 'house', '--yes');
  expect(ran.code, ran.stderr).toBe(0);
  expect(ran.stdout.toString()).toContain(
    'custom/house: 1 of 1 requests change, unknown → $0.001200000; without a price 1 → 0',
  );
  expect((await costs()).costs).toEqual(newCosts.with(2, '0.0012'));
  expect(
    await one(db, `SELECT warnings, toString(cost_usd) AS cost FROM attempts WHERE request_id = '${id(3)}'`),
  ).toEqual({
    warnings: [],
    cost: '0.0012',
  });
}, 240_000);

test('a run that is broken off between days is finished by the next', async () => {
  const book = makeBook(builtInList, [{ provider: 'openai', model: 'gpt-5', prices: { input_mtok: '3' } }]);
  const plan = await planReprice(db, range, book);
  expect(plan.all.changed).toBe(3);
  const stop = new Error('broken off');
  const onDay = (): never => {
    throw stop;
  };
  await expect(writeReprice(db, { plan, book, who: 'a', onDay })).rejects.toBe(stop);
  const rest = await planReprice(db, range, book);
  expect([...rest.days.keys()]).toEqual(['2026-11-10']);
  await writeReprice(db, { plan: rest, book, who: 'a', onDay: () => undefined });
  expect((await planReprice(db, range, book)).all.changed).toBe(0);
  let calls = 0;
  for await (const call of billedCalls(db, range)) calls += call.cost_usd === null ? 0 : 1;
  expect(calls).toBe(6);
}, 240_000);

const listText = async (): Promise<{ id: string; models: { id: string; prices: unknown }[] }[]> => {
  const library = createRequire(join(import.meta.dirname, '../../proxy/package.json')).resolve(
    '@pydantic/genai-prices',
  );
  const { waitForUpdate } = (await import(library)) as { waitForUpdate: () => Promise<never> };
  return structuredClone(await waitForUpdate());
};

test('a newer list is compared, shown, taken from an address and given back; half a list is refused', async () => {
  const list = await listText();
  const openai = list.find(({ id: name }) => name === 'openai') as (typeof list)[number];
  const gpt5 = openai.models.find(({ id: name }) => name === 'gpt-5') as (typeof openai.models)[number];
  gpt5.prices = { ...(gpt5.prices as object), input_mtok: 1 };
  openai.models = [
    ...openai.models.filter(({ id: name }) => name !== 'davinci'),
    { ...gpt5, id: 'gpt-7', match: { equals: 'gpt-7' } } as never,
  ];
  const server = createServer((_, response) => response.end(JSON.stringify(list)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const taken = await weir(
      'prices',
      'update',
      `http://127.0.0.1:${(server.address() as AddressInfo).port}/data.json`,
    );
    expect(taken.code, taken.stderr).toBe(0);
    const text = taken.stdout.toString();
    expect(text).toContain('+ openai/gpt-7');
    expect(text).toContain('- openai/davinci');
    expect(text).toContain('~ openai/gpt-5: input_mtok 1.25 → 1');
    expect(text).toMatch(/In force: genai-prices@\d{4}-\d\d-\d\d-[0-9a-f]{8}/);
  } finally {
    server.close();
  }
  const half = join(scratch, 'half.json');
  writeFileSync(
    half,
    JSON.stringify(
      list.map((provider) => ({ ...provider, models: provider.models.slice(0, provider.models.length / 2 - 1) })),
    ),
  );
  const refused = await weir('prices', 'update', half);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('Refused: ');
  const given = await weir('prices', 'built-in');
  expect(given.stdout.toString()).toContain('In force: genai-prices@0.1.8');
}, 240_000);

test.for([
  [['reprice'], 2, 'Usage: npm run weir -- reprice --from DAY'],
  [['reprice', '--from', 'yesterday'], 2, '--from: expected a day'],
  [['reprice', '--from', '2026-11-02', '--to', '2026-11-01'], 2, '--to: expected a time after --from'],
  [['prices', 'set'], 2, 'Usage: npm run weir -- prices'],
  [['prices', 'set', '/nonexistent.json'], 1, '/nonexistent.json cannot be read: ENOENT'],
] as const)('%j says what it needs', async ([words, code, sentence]) => {
  const ran = await weir(...words);
  expect(ran.stderr).toContain(sentence);
  expect(ran.code).toBe(code);
});

test('a price that is wrong is named, and nothing is taken', async () => {
  const ran = await weir('prices', 'set', own([{ provider: 'openai', model: 'x', prices: { input_mtok: 'dear' } }]));
  expect(ran.code).toBe(1);
  expect(ran.stderr).toContain('own.json: [0].prices.input_mtok: expected a price in USD');
  const shown = await weir('prices');
  expect(shown.stdout.toString()).toContain('Own prices: 2, version ');
}, 240_000);
