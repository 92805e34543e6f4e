import { execFile, execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openTarget } from './support.ts';
import type { Target } from './support.ts';

// A deadline that only a hang reaches: the machine may be busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const run = promisify(execFile);
const has = (program: string): boolean => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

let target: Target;
beforeAll(async () => (target = await openTarget()));
afterAll(() => target.remove());

test.skipIf(!has('curl'))('curl writes and reads (skipped where there is no curl)', async () => {
  const curl = async (...more: string[]): Promise<string> =>
    (await run('curl', ['-sS', '--fail-with-body', '-u', `${target.user}:${target.password}`, ...more])).stdout;
  const at = `${target.url}/?database=weir`;
  await curl(at, '-d', 'CREATE OR REPLACE TABLE c (a UInt8, b String) ENGINE = MergeTree ORDER BY a');
  await curl(`${at}&query=INSERT%20INTO%20c%20FORMAT%20CSV`, '--data-binary', '1,"one"\n2,"two"\n');
  expect(await curl('-G', at, '--data-urlencode', 'query=SELECT b FROM c ORDER BY a')).toBe('one\ntwo\n');
  expect(await curl(at, '-F', 'query=SELECT {x:UInt8} + 1', '-F', 'param_x=4')).toBe('5\n');
  expect(await curl(`${at}&enable_http_compression=1`, '--compressed', '-d', 'SELECT 1')).toBe('1\n');
  await expect(curl(at, '-d', 'SELECT nope')).rejects.toMatchObject({
    stdout: expect.stringContaining('Code: 47') as string,
  });
});

const python = `
import json, sys, urllib.error, urllib.parse, urllib.request
url, user, key = sys.argv[1:]
def ask(query, data=b'', **more):
    address = url + '/?' + urllib.parse.urlencode({'database': 'weir', 'query': query, **more})
    headers = {'X-ClickHouse-User': user, 'X-ClickHouse-Key': key}
    with urllib.request.urlopen(urllib.request.Request(address, data=data, headers=headers)) as response:
        return response.read().decode()
ask('CREATE OR REPLACE TABLE p (a UInt8, b String) ENGINE = MergeTree ORDER BY a')
ask('INSERT INTO p FORMAT JSONEachRow', b'{"a":1,"b":"x"}\\n{"a":2,"b":"y"}')
rows = [json.loads(line) for line in ask('SELECT * FROM p WHERE a > {least:UInt8} FORMAT JSONEachRow', param_least='1').splitlines()]
try:
    ask('SELECT nope')
    code = None
except urllib.error.HTTPError as error:
    code = error.headers['X-ClickHouse-Exception-Code']
print(json.dumps([rows, code]))
`;

test.skipIf(!has('python3'))("Python's urllib writes and reads (skipped where there is no python3)", async () => {
  const { stdout } = await run('python3', ['-c', python, target.url, target.user, target.password]);
  expect(JSON.parse(stdout)).toEqual([[{ a: 2, b: 'y' }], '47']);
});

const connectVersion = '1.12.0';
// Kept between runs, and for each version apart.
const home = fileURLToPath(new URL(`../../node_modules/.cache/clickhouse-connect-${connectVersion}`, import.meta.url));

/** A Python that has clickhouse-connect: made once, where Python makes environments and reaches its registry. */
async function makePython(): Promise<string> {
  const program = join(home, 'bin', 'python');
  try {
    if (!existsSync(program)) await run('python3', ['-m', 'venv', home], { timeout: 240_000 });
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries', '0', '--timeout', '15'];
    const wanted = ['--only-binary', ':all:', `clickhouse-connect==${connectVersion}`];
    const there = await run(program, ['-c', 'import clickhouse_connect']).catch(() => undefined);
    if (!there) await run(program, [...pip, ...wanted], { timeout: 240_000 });
    return program;
  } catch (error) {
    rmSync(home, { recursive: true, force: true });
    throw error;
  }
}

const connect = `
import json, sys
from decimal import Decimal
from urllib.parse import urlsplit
import clickhouse_connect
url, user, key = sys.argv[1:]
at = urlsplit(url)
answers = []
for compress in (False, True, 'lz4', 'zstd', 'gzip'):
    client = clickhouse_connect.get_client(host=at.hostname, port=at.port, username=user, password=key, database='weir', compress=compress)
    client.command('CREATE OR REPLACE TABLE connect (a UInt64, b String, c Nullable(Decimal(18, 9))) ENGINE = MergeTree ORDER BY a')
    written = client.insert('connect', [[n, 'x' * (n % 100), None if n % 2 else Decimal('0.5')] for n in range(3000)], column_names=['a', 'b', 'c'])
    found = client.query('SELECT count(), sum(a), sum(length(b)), sum(c) FROM connect WHERE a >= {least:UInt64}', parameters={'least': 1000})
    with client.query_row_block_stream('SELECT a FROM connect ORDER BY a') as stream:
        streamed = sum(len(block) for block in stream)
    try:
        client.query('SELECT nope')
        code = None
    except clickhouse_connect.driver.exceptions.DatabaseError as error:
        code = 'code: 47' in str(error).lower()
    answers.append([written.written_rows, *[str(value) for value in found.result_rows[0]], streamed, code])
    client.close()
print(json.dumps(answers))
`;

test(
  'clickhouse-connect writes and reads (skipped where Python cannot install it)',
  { timeout: 600_000 },
  async ({ skip }) => {
    const made = await makePython().catch((error: unknown) => error);
    if (typeof made !== 'string')
      return skip(`Python did not install clickhouse-connect: ${String(made).slice(0, 300)}`);
    const { stdout } = await run(made, ['-c', connect, target.url, target.user, target.password]);
    const answer = [3000, '2000', '3999000', '99000', '500.000000000', 3000, true];
    expect(JSON.parse(stdout)).toEqual(Array(5).fill(answer));
  },
);
