import { execFile, execFileSync } from 'node:child_process';
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
