/** Memory of the whole store stays under its setting, whatever is asked, and by however many at once. */
import { readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startStore } from '@weir/schema/store/spawn';
import type { RunningStore } from '@weir/schema/store/spawn';
import { makeDataDir } from './support.ts';

vi.setConfig({ testTimeout: 280_000, hookTimeout: 120_000 });

const MiB = 1024 * 1024;
const cap = 640 * MiB;
/** The engine's own code and Node's, which no query can grow; measured 300 to 420 MiB. */
const program = 512 * MiB;
/** Each would take more memory or time than there is. */
const bombs = [
  'SELECT groupArray(number) FROM numbers(1000000000)',
  "SELECT repeat(repeat(repeat('x', 10000), 10000), 10000)",
  'SELECT uniqExact(number) FROM numbers(10000000000)',
  'SELECT number, count() FROM numbers(1000000000) GROUP BY number ORDER BY number DESC LIMIT 1',
  'SELECT number FROM numbers(1000000000) ORDER BY sipHash64(number) LIMIT 100000000, 1',
  'SELECT count() FROM numbers(300000000) AS a JOIN numbers(300000000) AS b ON a.number = b.number',
  "SELECT arrayMap(x -> repeat('x', 100000), range(1000000))",
  'SELECT arrayJoin(range(100000)) AS a, arrayJoin(range(100000)) AS b, sipHash64(a, b) AS h ORDER BY h LIMIT 1',
  'WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t',
  'WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t UNION ALL SELECT n + 2 FROM t) SELECT count() FROM t',
  "SELECT count() FROM numbers(3000000) WHERE match(repeat('a', 3000) || toString(number), '(a*)*(a*)*(a*)*b')",
  "SELECT count() FROM numbers(100000000) WHERE extractAll(repeat('ab', 2000) || toString(number), '(a|b|ab)*') = []",
  'SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1',
  "SELECT JSONExtractString(concat('{\"a\":\"', repeat('x', 1000000000), '\"}'), 'a')",
  'SELECT count() FROM (SELECT 1 AS n ORDER BY n WITH FILL FROM 1 TO 10000000000 STEP 1)',
  'SELECT topK(60000)(number), histogram(200)(number) FROM numbers(10000000000)',
];

const dataDir = makeDataDir();
let store: RunningStore;
beforeAll(async () => {
  store = await startStore({ dataDir, port: 0, log: 'error', memoryLimit: cap });
});
afterAll(async () => {
  await store.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** The most resident memory that the process ever had. */
function highWater(): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${store.pid}/status`, 'utf8'))?.[1]) * 1024;
}

interface Ended {
  query: string;
  status: number;
  said: string;
}

/** Asks all of them, four at a time. */
async function askAll(url: string, queries: readonly string[]): Promise<Ended[]> {
  const address = new URL(url);
  const headers = { 'X-ClickHouse-User': address.username, 'X-ClickHouse-Key': address.password };
  const ended: Ended[] = [];
  const waiting = [...queries];
  const ask = async (): Promise<void> => {
    for (let query = waiting.shift(); query !== undefined; query = waiting.shift()) {
      const response = await fetch(`${address.origin}/?max_execution_time=2&default_format=JSONEachRow`, {
        method: 'POST',
        headers: address.username === '' ? {} : headers,
        body: query,
      });
      ended.push({ query, status: response.status, said: (await response.text()).slice(0, 300) });
    }
  };
  await Promise.all([ask(), ask(), ask(), ask()]);
  return ended;
}

test.for([
  ['a stranger', () => store.url],
  ['the owner', () => store.adminUrl],
] as const)('%s cannot take more than there is, four at a time', async ([, url]) => {
  for (const { query, status, said } of await askAll(url(), bombs)) {
    // Limits on memory, time and rows, or a function the gate does not know: an error that says so. A result is allowed: the
    // engine may know a way round (a constant folded, a sort spilled to disk), and its memory is measured all the same.
    if (status !== 200) {
      expect(said, query).toMatch(/^Code: \d+\. DB::Exception: /);
      expect([400, 403, 408, 500], `${query}: ${said}`).toContain(status);
    }
  }
  expect(highWater() / MiB).toBeLessThan((cap + program) / MiB);
  // And it goes on as if nothing had been.
  const [after] = await askAll(url(), ['SELECT 1 AS one']);
  expect(after).toMatchObject({ status: 200, said: '{"one":1}\n' });
});
