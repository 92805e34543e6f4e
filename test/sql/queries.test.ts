/** Every query of docs/sql.md and docs/data.md, as it stands there, on the demo's data, through the port without a password. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RequestRow } from '@weir/schema/records';
import type { DemoCall } from '../../proxy/src/demo/call-rows.ts';
import { openStore, type TestStore } from '../store/support.ts';
import { fillDemo, sumOf, timeOf } from './demo.ts';
import { readBlocks } from './markdown.ts';

interface Answer {
  meta: { name: string }[];
  data: Record<string, unknown>[];
}

const day = 24 * 3_600_000;
const now = Math.floor(Date.now() / 1000) * 1000;
const queries = readBlocks('docs/sql.md', 'sql');
let store: TestStore;
let calls: DemoCall[];
let session: string;
beforeAll(async () => {
  store = await openStore();
  calls = await fillDemo(store.adminUrl, now);
  session = calls.findLast(({ request }) => request.session_id !== '')?.request.session_id ?? '';
});
afterAll(() => store.remove());

/** As a stranger on this machine asks: no user, no password. */
async function ask(sql: string): Promise<Answer> {
  const url = `${store.url}/?default_format=JSON&output_format_json_quote_decimals=1&param_session=${session}`;
  const response = await fetch(url, { method: 'POST', body: sql });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return JSON.parse(text) as Answer;
}

/** The query under a heading, with the time of the test for now: a row must not grow too old between question and check. */
function queryOf(heading: string): string {
  const found = queries.find((query) => query.heading === heading);
  if (found === undefined) throw new Error(`docs/sql.md has no query under “${heading}”`);
  return found.text.replaceAll('now()', `fromUnixTimestamp(${now / 1000})`);
}

/** Requests of the last days, as the generator made them. */
function recent(days: number): RequestRow[] {
  return calls.filter((call) => timeOf(call) >= now - days * day).map(({ request }) => request);
}

function grouped(rows: RequestRow[], keyOf: (row: RequestRow) => string): Map<string, RequestRow[]> {
  const groups = new Map<string, RequestRow[]>();
  for (const row of rows) groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), row]);
  return groups;
}

describe('docs/sql.md', () => {
  test('has twenty queries or more, each under a heading of its own', () => {
    expect(queries.length).toBeGreaterThanOrEqual(20);
    expect(new Set(queries.map(({ heading }) => heading)).size).toBe(queries.length);
  });

  test.for(queries)('$heading: answers with the columns that it names', async ({ text }) => {
    expect(text, 'it reads only its days').toContain('started_at >=');
    const { meta, data } = await ask(text);
    expect(data.length).toBeGreaterThan(0);
    const names = meta.map(({ name }) => name);
    // A column without a name of its own would be called by its expression.
    expect(names.filter((name) => !/^[a-z][a-z0-9_]*$/.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('docs/data.md', () => {
  // A request's words are asked for by an id that only its reader has.
  const examples = readBlocks('docs/data.md', 'sql').filter(({ text }) => !text.includes("request_id = '0123"));
  test.for(examples)('example %#', async ({ text }) => {
    expect((await ask(text)).data.length).toBeGreaterThan(0);
  });
});

describe('what they answer is so', () => {
  test('cost per user: exact sums, in order, shares of the whole', async () => {
    const { data } = await ask(queryOf('Cost per user, last week'));
    const byUser = grouped(recent(7), (row) => row.user_id);
    for (const row of data) {
      const rows = byUser.get(row.user_id as string) ?? [];
      expect(Number(row.calls)).toBe(rows.length);
      expect(Number(row.usd)).toBe(Number(sumOf(...rows.map((each) => each.cost_usd))));
    }
    const sums = data.map((row) => Number(row.usd));
    expect(sums).toEqual([...sums].sort((one, other) => other - one));
  });

  test('error rates: as the contract counts outcomes', async () => {
    const { data } = await ask(queryOf('Error rate and failure rate by provider'));
    const failures = ['provider_error', 'rate_limited', 'timeout', 'network_error', 'truncated'];
    for (const row of data) {
      const rows = recent(7).filter((each) => each.provider === row.provider);
      const share = (count: number): number => Math.round((10_000 * count) / rows.length) / 100;
      expect(Number(row.calls)).toBe(rows.length);
      expect(row.error_percent).toBeCloseTo(
        share(rows.filter((each) => !['ok', 'cancelled'].includes(each.outcome)).length),
        1,
      );
      expect(row.failure_percent).toBeCloseTo(share(rows.filter((each) => failures.includes(each.outcome)).length), 1);
    }
  });

  test('retries: every try after the first is counted once', async () => {
    const { data } = await ask(queryOf('Retries that paid off'));
    const tries = calls.flatMap((call) => call.attempts).filter((attempt) => attempt.attempt_index > 0);
    const sum = (name: string): number => data.reduce((total, row) => total + Number(row[name]), 0);
    expect(sum('tries')).toBe(tries.length);
    expect(sum('answered')).toBe(tries.filter((attempt) => attempt.outcome === 'ok').length);
  });

  test('failed attempts: what was billed', async () => {
    const { data } = await ask(queryOf('Cost of failed attempts'));
    expect(data[0]).toMatchObject({ outcome: 'truncated' });
    expect(Number(data[0]?.usd)).toBe(0.001);
  });

  test('a cache could have saved two of three equal questions', async () => {
    const { data } = await ask(queryOf('What a cache could save'));
    const usual = calls.find(({ request }) => request.request_hash === '7')?.request;
    const row = data.find((each) => each.model === usual?.response_model);
    expect(Number(row?.repeats)).toBeGreaterThanOrEqual(2);
    expect(Number(row?.saved_usd)).toBeGreaterThanOrEqual(2 * Number(usual?.cost_usd));
  });

  test('the saving of the prompt cache, from tokens and prices of each row', async () => {
    const { data } = await ask(queryOf("The provider's prompt cache: share and saving"));
    const byModel = grouped(
      recent(7).filter((row) => row.cost_usd !== null),
      (row) => row.response_model,
    );
    for (const row of data) {
      const rows = byModel.get(row.response_model as string) ?? [];
      const saved = rows.reduce((total, each) => {
        const read = each.cache_read_tokens ?? 0;
        const plain = (each.input_tokens ?? 0) - read - (each.cache_write_tokens ?? 0);
        if (plain <= 0) return total;
        return total + (read * Number(each.input_cost_usd)) / plain - Number(each.cache_read_cost_usd);
      }, 0);
      expect(row.saved_usd).toBeCloseTo(saved, 5);
    }
  });

  test('the split: difference and interval over users', async () => {
    const { data } = await ask(queryOf('A split compared, with a confidence interval'));
    const asked = recent(14).filter((row) => row.split === 'answer-model' && row.cost_usd !== null);
    const arm = (variant: string): { units: number; mean: number; error: number } => {
      const units = grouped(
        asked.filter((row) => row.variant === variant),
        (row) => row.split_unit,
      );
      const means = [...units.values()].map(
        (rows) => rows.reduce((sum, row) => sum + Number(row.cost_usd), 0) / rows.length,
      );
      const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
      const variance = means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (means.length - 1);
      return { units: means.length, mean, error: variance / means.length };
    };
    const [one, other] = [arm('gpt-5'), arm('gpt-5-mini')];
    const half = 1.96 * Math.sqrt(one.error + other.error);
    expect(data).toHaveLength(1);
    expect(data[0]).toMatchObject({ one: 'gpt-5', other: 'gpt-5-mini' });
    expect([Number(data[0]?.one_users), Number(data[0]?.other_users)]).toEqual([one.units, other.units]);
    expect(data[0]?.difference).toBeCloseTo(other.mean - one.mean, 9);
    expect(data[0]?.from_usd).toBeCloseTo(other.mean - one.mean - half, 9);
    expect(data[0]?.to_usd).toBeCloseTo(other.mean - one.mean + half, 9);
  });

  test('the running total of a team ends at the sum of its days', async () => {
    const { data } = await ask(queryOf('Cost by team and day, with a running total'));
    for (const team of new Set(data.map((row) => row.team))) {
      const days = data.filter((row) => row.team === team);
      expect(Number(days.at(-1)?.running_usd)).toBeCloseTo(
        days.reduce((sum, row) => sum + Number(row.usd), 0),
        8,
      );
    }
  });

  test('a session’s steps come in the order in which they were made', async () => {
    const { data } = await ask(queryOf('The steps of a session, in order'));
    const steps = calls.map(({ request }) => request).filter((row) => row.session_id === session);
    expect(data.map((row) => row.request_id)).toEqual(steps.map((row) => row.request_id));
  });
});
