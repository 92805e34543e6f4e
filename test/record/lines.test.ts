/** A row's line holds what JSON.stringify would write, but for defaults; and the store makes the same row of it. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDb, type Db } from '@weir/schema/db';
import { insertLines } from '@weir/schema/insert';
import { migrate } from '@weir/schema/migrate';
import { columns, outcomes, timeText } from '@weir/schema/records';
import { Utf8Text } from '../../proxy/src/json/utf8-text.ts';
import { RecordEncoder } from '../../proxy/src/spool/encoder.ts';
import { readRecords, shippedTables, type ShippedTable, type SpooledRow } from '../../proxy/src/spool/segments.ts';
import { splitTables } from '../../proxy/src/spool/stretch.ts';
import { sharedDatabase } from '../support/weir.ts';

const seed = 20_26;
const days = { retainDays: 400, retainBodiesDays: 30 };

const text = fc.oneof(
  fc.constant(''),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ unit: fc.constantFrom('"', '\\', '\n', '\u0001', '\u007f', 'ä', '\u2028', '😀', 'a'), maxLength: 1200 }),
);
const map = fc.dictionary(text, text, { maxKeys: 4 }).map((value) => Object.fromEntries(Object.entries(value)));
const count = fc.integer({ min: 0, max: 255 });
const optionalCount = fc.option(count);
const ms = fc.double({ min: 0, max: 1e6, noNaN: true });
const usd = fc.option(fc.constantFrom('0', '0.000000000', '0.000000001', '12.345678900'));
const strings = fc.array(text, { maxLength: 3 });
const started = Date.now() * 1000;
const shared = {
  request_id: fc.uuid(),
  started_at: fc.nat(1_000_000).map((more) => timeText(started + more)),
  project: text,
};
const tokens = {
  input_tokens: optionalCount,
  output_tokens: optionalCount,
  cache_read_tokens: optionalCount,
  reasoning_tokens: optionalCount,
};

/** A column or two of every type and every default that the tables have. */
const rowOf: Record<ShippedTable, fc.Arbitrary<Record<string, unknown>>> = {
  requests: fc.record({
    ...shared,
    ...tokens,
    query: text,
    error_message: text,
    streamed: fc.boolean(),
    status: optionalCount,
    outcome: fc.constantFrom(...outcomes),
    duration_ms: ms,
    ttft_ms: fc.option(ms),
    units: fc.dictionary(fc.constantFrom('images', 'web_searches'), fc.constantFrom(0, 1, 2.5)),
    usage_source: fc.constantFrom('provider', 'estimated', 'none'),
    cost_usd: usd,
    retry_cost_usd: usd,
    finish_reasons: strings,
    tool_calls: count,
    properties: map,
    attempts: count,
    cache: fc.constantFrom('', 'miss', 'hit'),
    request_hash: fc.constantFrom('0', '18446744073709551615'),
    request_bytes: optionalCount,
    warnings: strings,
  }),
  attempts: fc.record({
    ...shared,
    ...tokens,
    attempt_index: count,
    status: optionalCount,
    reason: fc.constantFrom('first', 'retry', 'fallback'),
    trigger: text,
    connect_ms: fc.option(fc.oneof(fc.constant(0), ms)),
    response_bytes: optionalCount,
    cost_usd: usd,
    warnings: strings,
  }),
  bodies: fc.record({
    ...shared,
    request: text,
    response: text,
    request_headers: map,
    response_headers: map,
    request_truncated: fc.boolean(),
    response_truncated: fc.boolean(),
  }),
};

/** As the recorder hands bodies and headers on: in bytes, and as maps. */
function spooled(table: ShippedTable, row: Record<string, unknown>): SpooledRow {
  if (table !== 'bodies') return { table, row };
  const bytes = Buffer.from(String(row['request']));
  const headers = new Map(Object.entries(row['request_headers'] as Record<string, string>));
  return { table, row: { ...row, request: new Utf8Text(bytes.length === 0 ? [] : [bytes]), request_headers: headers } };
}

function lineOf(rows: readonly SpooledRow[], encoder = new RecordEncoder()): Record<ShippedTable, Buffer> {
  encoder.clear();
  encoder.add(rows);
  const lines = splitTables([...readRecords(encoder.bytes)].map(({ payload }) => payload));
  return {
    bodies: Buffer.concat(lines.bodies.plain),
    attempts: Buffer.concat(lines.attempts.plain),
    requests: Buffer.concat(lines.requests.plain),
  };
}

function isDefault(value: unknown): boolean {
  return ['', 'null', 'false', '{}'].includes(typeof value === 'string' ? value : JSON.stringify(value));
}

for (const table of shippedTables) {
  test(`${table}: a line is the row without what says nothing`, () => {
    const encoder = new RecordEncoder();
    fc.assert(
      fc.property(rowOf[table], (row) => {
        const line = lineOf([spooled(table, row)], encoder)[table].toString();
        const said = Object.entries(row).filter(([, value]) => value === 'null' || !isDefault(value));
        expect(line).toBe(`${JSON.stringify(Object.fromEntries(said))}\n`);
      }),
      { seed, numRuns: 300 },
    );
  });
}

test('a list is written also where it is empty, and a zero where it could be NULL', () => {
  const line = lineOf([{ table: 'requests', row: { warnings: [], input_tokens: 0, status: null, user_id: '' } }]);
  expect(line.requests.toString()).toBe('{"warnings":[],"input_tokens":0}\n');
});

test('a body of any size, in pieces, is one string', () => {
  const pieces = ['x'.repeat(70_000), '\n"'.repeat(300_000), 'ä😀'.repeat(9_000)];
  const row = { request: new Utf8Text(pieces.map((piece) => Buffer.from(piece))), response: 'y'.repeat(900_000) };
  const { bodies } = lineOf([{ table: 'bodies', row }]);
  expect(bodies.toString()).toBe(`${JSON.stringify({ request: pieces.join(''), response: row.response })}\n`);
});

let url = '';
let db: Db;
beforeAll(async () => {
  url = sharedDatabase();
  await migrate(url, days);
  db = openDb(url);
});
afterAll(() => db.close());

for (const table of shippedTables) {
  test(`${table}: the store makes the same rows of the lines as of JSON.stringify's`, async () => {
    const rows = fc.sample(rowOf[table], { seed, numRuns: 200 });
    const all = `${columns(table).join(', ')}`;
    const read = async (lines: Buffer): Promise<unknown[]> => {
      await insertLines(db, table, lines);
      const query = `SELECT ${all} FROM ${table} ORDER BY request_id, started_at, cityHash64(${all})`;
      const found = await (await db.query({ query, format: 'JSONEachRow' })).json();
      await db.command({ query: `TRUNCATE TABLE ${table}` });
      return found;
    };
    const before = await read(Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join('')));
    const now = await read(Buffer.concat(rows.map((row) => lineOf([spooled(table, row)])[table])));
    expect(before).toHaveLength(rows.length);
    expect(now).toEqual(before);
  });
}
