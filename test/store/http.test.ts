import { createHash } from 'node:crypto';
import { createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { openTarget, post, rows } from './support.ts';
import type { Target } from './support.ts';

// A deadline that only a hang reaches: the machine may be busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let target: Target;
beforeAll(async () => (target = await openTarget()));
afterAll(() => target.remove());

describe('what a response says of its statement', () => {
  test.for([
    ['SELECT 1 FORMAT TSV', 'text/tab-separated-values; charset=UTF-8'],
    ['SELECT 1 FORMAT CSV', 'text/csv; charset=UTF-8; header=absent'],
    ['SELECT 1 FORMAT CSVWithNames', 'text/csv; charset=UTF-8; header=present'],
    ['SELECT 1 FORMAT JSON', 'application/json; charset=UTF-8'],
    ['SET max_threads = 1', 'text/plain; charset=UTF-8'],
  ] as const)('%s is %s', async ([sql, type]) => {
    const response = await post(target, sql);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, type]);
    expect(response.headers.get('x-clickhouse-format') === null).toBe(type.startsWith('text/plain'));
  });

  test('an INSERT … SELECT tells what it wrote', async () => {
    await target.client.command({ query: 'CREATE OR REPLACE TABLE w (a UInt64) ENGINE = MergeTree ORDER BY a' });
    const response = await post(target, 'INSERT INTO w SELECT number FROM numbers(3000) WHERE number % 3 = 0');
    const summary = JSON.parse(response.headers.get('x-clickhouse-summary')!) as { read_rows: string };
    expect(summary).toMatchObject({ written_rows: '1000' });
    // What it read is not what it wrote. The embedded engine does not tell it: then it is none, as before a first sample.
    expect(['0', '3000']).toContain(summary.read_rows);
  });

  test('what was seen of a statement while it ran stands in its progress and its summary', async () => {
    const settings = '&send_progress_in_http_headers=1&http_headers_progress_interval_ms=50&wait_end_of_query=1';
    const sql =
      'SELECT count() FROM numbers(40) WHERE sleepEachRow(0.05) = 0 SETTINGS max_block_size = 1, max_threads = 1';
    const response = await post(target, sql, settings);
    expect(await response.text()).toBe('40\n');
    const parse = (text: string): Record<string, string> => JSON.parse(text) as Record<string, string>;
    const progress = [...response.headers.get('x-clickhouse-progress')!.matchAll(/\{[^}]*\}/g)].map(([text]) =>
      parse(text),
    );
    const read = progress.map((sample) => Number(sample['read_rows']));
    expect(read).toEqual(read.toSorted((a, b) => a - b));
    expect(read.at(-1)).toBeGreaterThan(0);
    expect(progress.at(-1)).toMatchObject({
      total_rows_to_read: '40',
      memory_usage: expect.stringMatching(/^\d+$/) as string,
    });
    const summary = parse(response.headers.get('x-clickhouse-summary')!);
    expect(summary).toMatchObject({ total_rows_to_read: '40', memory_usage: expect.stringMatching(/^\d+$/) as string });
    expect(Number(summary['read_rows'])).toBeGreaterThanOrEqual(read.at(-1)!);
    expect(Number(summary['elapsed_ns'])).toBeGreaterThan(40 * 0.05 * 1e9 * 0.9);
  });

  test('a result in JSON tells what was read for it', async () => {
    const response = await post(
      target,
      'SELECT count() FROM numbers(5000) WHERE number % 3 = 0 FORMAT JSON',
      '&wait_end_of_query=1',
    );
    expect(JSON.parse(response.headers.get('x-clickhouse-summary')!)).toMatchObject({
      read_rows: '5000',
      result_rows: '1',
    });
  });
});

describe('errors', () => {
  test('with wait_end_of_query an error after rows has its own status', async () => {
    const sql = 'SELECT throwIf(number = 900000) FROM numbers(1000000) FORMAT JSONEachRow';
    expect((await post(target, sql, '&wait_end_of_query=1')).status).toBe(500);
    const early = await post(target, sql);
    expect([early.status, early.headers.get('x-clickhouse-exception-tag')?.length]).toEqual([200, 16]);
    await expect(early.text()).rejects.toThrow();
  });

  test('an error after progress headers is named by a header of the 200', async () => {
    const query = `SELECT count() FROM numbers(20) WHERE sleepEachRow(0.05) = 0 AND NOT throwIf(number = 10, 'in the middle') SETTINGS max_block_size = 1`;
    const clickhouse_settings = { send_progress_in_http_headers: 1 as const, http_headers_progress_interval_ms: '100' };
    const asked = target.client.query({ query, clickhouse_settings });
    await expect(asked).rejects.toMatchObject({
      code: '395',
      message: expect.stringContaining('in the middle') as string,
    });
  });
});

describe('encodings', () => {
  test.for(['gzip', 'deflate', 'br', 'zstd', 'lz4'])('%s is made when it is wanted and allowed', async (encoding) => {
    const sql = 'SELECT number, toString(number) FROM numbers(100000) FORMAT TSV';
    const ask = async (more: string): Promise<Response> => post(target, sql, more, { 'accept-encoding': encoding });
    const without = await ask('&enable_http_compression=0');
    const plain = await without.text();
    const withIt = await ask('&enable_http_compression=1');
    expect([without.headers.get('content-encoding'), withIt.headers.get('content-encoding')]).toEqual([null, encoding]);
    const bytes = Buffer.from(await withIt.arrayBuffer());
    // fetch reads gzip, deflate and br; the others go back as the data of an insert.
    if (encoding !== 'zstd' && encoding !== 'lz4') return expect(bytes.toString()).toBe(plain);
    await target.client.command({
      query: 'CREATE OR REPLACE TABLE z (n UInt64, s String) ENGINE = MergeTree ORDER BY n',
    });
    const sent = await post(target, bytes, `&query=${encodeURIComponent('INSERT INTO z FORMAT TSV')}`, {
      'content-encoding': encoding,
    });
    expect([sent.status, await sent.text()]).toEqual([200, '']);
    const again = await (await post(target, 'SELECT n, s FROM z ORDER BY n FORMAT TSV')).text();
    expect(digest(again)).toBe(digest(plain));
  });
});

describe('forms', () => {
  test('long parameters may come as a form', async () => {
    const client = createClient({ url: target.adminUrl, use_multipart_params: true });
    try {
      const ids = Array.from({ length: 3000 }, (_, i) => i);
      const query = 'SELECT count() AS n FROM numbers(5000) WHERE number IN {ids:Array(UInt64)}';
      const answered = await rows<{ n: string | number }>(client, query, { query_params: { ids } });
      expect(Number(answered[0]!.n)).toBe(3000);
    } finally {
      await client.close();
    }
  });

  test.skipIf(process.env['TEST_CLICKHOUSE_URL'])(
    'external data is refused in a sentence (a server takes it)',
    async () => {
      const form = new FormData();
      form.set('query', 'SELECT * FROM e');
      form.set('e', new Blob(['1\n']), 'e.tsv');
      const response = await fetch(`${target.url}/`, { method: 'POST', body: form, headers: target.headers });
      expect([response.status, await response.text()]).toEqual([
        501,
        expect.stringContaining('External data is not supported'),
      ]);
    },
  );
});

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
