/** `weir sql` and `weir sql-user` as people and scripts call them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readerStatements } from '../../proxy/src/cli/sql/user.ts';
import { openStore, rows, until, type TestStore } from '../store/support.ts';
import { within } from '../support/deadline.ts';
import { program } from '../support/cli.ts';
import { environmentOf, start, weir } from './cli.ts';

let store: TestStore;
let directory: string;
beforeAll(async () => {
  store = await openStore();
});
afterAll(() => store.remove());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weir-sql-'));
  return () => rmSync(directory, { recursive: true, force: true });
});

const failsLate = 'SELECT throwIf(number = 900000) AS x FROM numbers(1000000)';

describe('a result', () => {
  test('is JSON lines in a pipe, exact', async () => {
    const statement =
      "SELECT 18446744073709551615 AS n, toDecimal64('0.000000001', 9) AS usd, NULL AS unknown, 1 AS one;";
    const { code, stdout, stderr } = await weir(store, ['sql', statement]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.toString()).toBe('{"n":"18446744073709551615","usd":"0.000000001","unknown":null,"one":1}\n');
  });

  test.for([['sql'], ['sql', '-']])('its statement may come on standard input: %s', async (words) => {
    const { code, stdout } = await weir(store, words, 'SELECT 7 AS n -- the last line is a comment');
    expect([code, stdout.toString()]).toEqual([0, '{"n":7}\n']);
  });

  test('has the format that is asked for, or that the statement says', async () => {
    const named = await weir(store, ['sql', "SELECT 1 AS a, 'x' AS b", '--format', 'CSVWithNames']);
    expect(named.stdout.toString()).toBe('"a","b"\n1,"x"\n');
    const said = await weir(store, ['sql', 'SELECT 1 AS a FORMAT TSVWithNames']);
    expect(said.stdout.toString()).toBe('a\n1\n');
    const both = await weir(store, ['sql', 'SELECT 1 AS a FORMAT CSV', '--format', 'Parquet']);
    expect([both.code, both.stdout.length]).toEqual([2, 0]);
    expect(both.stderr).toBe('The statement says FORMAT CSV and --format says Parquet: give one.\n');
  });

  test('takes parameters of every kind as they stand', async () => {
    const params = ["s=it's = a\ttab\\n", "a=['x','y\\'z']", "m={'k':1}", 'n=\\N'].flatMap((pair) => ['--param', pair]);
    const statement =
      'SELECT {s:String} AS s, {a:Array(String)} AS a, {m:Map(String, UInt8)} AS m, {n:Nullable(String)} AS n';
    const { stdout, stderr } = await weir(store, ['sql', statement, ...params]);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout.toString())).toEqual({ s: "it's = a\ttab\\n", a: ['x', "y'z"], m: { k: 1 }, n: null });
  });

  test('comes from another store by URL, with the rights that the URL has', async () => {
    const allowed = await weir(store, ['sql', 'SELECT 1 AS a', '--url', store.url]);
    expect([allowed.code, allowed.stdout.toString()]).toEqual([0, '{"a":1}\n']);
    const owner = ['sql', 'SELECT count() > 0 AS a FROM system.parts', '--url'];
    expect((await weir(store, [...owner, store.url])).stderr).toMatch(/^ClickHouse: .*ACCESS_DENIED, code 497\)\.\n$/);
    expect((await weir(store, [...owner, store.adminUrl])).code).toBe(0);
  });

  test('ends quietly when its reader has seen enough, and so does its query', async () => {
    const child = start(store, ['sql', 'SELECT number FROM numbers(100000000000)']);
    const exited = once(child, 'exit');
    await within(60_000, 'the first rows', once(child.stdout, 'data'));
    child.stdout.destroy();
    expect((await within(60_000, 'the end', exited))[0]).toBe(0);
    await until(
      'the query ends',
      async () => {
        const left = await rows(
          store.client,
          "SELECT 1 FROM system.processes WHERE query LIKE '%100000000000%' AND query NOT LIKE '%processes%'",
        );
        return left.length === 0;
      },
      60_000,
    );
  });
});

describe('a file', () => {
  test.for([
    ['a.parquet', 'PAR1'],
    ['a.csv', '"n"\n'],
    ['a.jsonl', '{"n":0}\n'],
    ['a.json', '{\n'],
    ['a.arrow', 'ARROW1'],
  ] as const)('%s has the format of its name', async ([name, begin]) => {
    const { code, stdout, stderr } = await weir(store, ['sql', 'SELECT 0 AS n', '--out', join(directory, name)]);
    expect([code, stdout.length, stderr]).toEqual([0, 0, '']);
    expect(readFileSync(join(directory, name)).subarray(0, begin.length).toString()).toBe(begin);
    expect(readdirSync(directory)).toEqual([name]);
  });

  test.for([
    ['that fails at once', 'SELECT nope'],
    ['that fails after many rows', failsLate],
  ] as const)('a query %s leaves the earlier file as it was', async ([, statement]) => {
    const path = join(directory, 'kept.csv');
    writeFileSync(path, 'earlier');
    const { code, stderr } = await weir(store, ['sql', statement, '--out', path]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^ClickHouse: .*\(UNKNOWN_IDENTIFIER, code 47\)|FUNCTION_THROW_IF_VALUE_IS_NON_ZERO, code 395\)\.\n$/,
    );
    expect([readdirSync(directory), readFileSync(path, 'utf8')]).toEqual([['kept.csv'], 'earlier']);
  });

  test('Ctrl-C leaves nothing behind', async () => {
    const child = start(store, ['sql', 'SELECT number FROM numbers(100000000000)', '--out', join(directory, 'a.csv')]);
    const exited = once(child, 'exit');
    await until('it has begun', async () => readdirSync(directory).length > 0, 60_000);
    child.kill('SIGINT');
    expect((await within(60_000, 'the end', exited))[0]).toBe(130);
    expect(readdirSync(directory)).toEqual([]);
  });

  test('what is no file is not replaced', async () => {
    const { code, stderr } = await weir(store, ['sql', 'SELECT 1', '--out', '/dev/null']);
    expect([code, stderr]).toEqual([2, '--out: /dev/null is there and is not a file.\n']);
  });
});

describe('exit codes and sentences', () => {
  test.for([
    [2, ['sql', 'SELECT 1', 'SELECT 2'], /^Expected one statement, in quotes\./],
    [2, ['sql', 'SELECT 1', '--nope'], /^Unknown option '--nope'\.\nUsage/],
    [2, ['sql', 'SELECT 1', '--format', 'CSV; DROP'], /^--format: expected the name of a ClickHouse format\.\n$/],
    [2, ['sql', 'SELECT 1', '--param', 'novalue'], /^--param: expected NAME=VALUE/],
    [2, ['sql', 'SELECT 1', '--url', 'ftp://x'], /^--url: expected http/],
    [2, ['sql', 'SELECT 1', '--timeout', '0'], /^--timeout: expected at least 1 second\.\n$/],
    [2, ['sql', '-'], /^Standard input holds no statement\./],
    [1, ['sql', 'SELEC 1'], /^ClickHouse: Syntax error.*\(SYNTAX_ERROR, code 62\)\.\n$/],
    [1, ['sql', failsLate], /^ClickHouse: .*code 395\)\.\n$/],
    [
      1,
      ['sql', 'SELECT count() FROM numbers(10000000000000)', '--timeout', '1'],
      /^ClickHouse: .*TIMEOUT_EXCEEDED, code 159\)\.\n$/,
    ],
    [
      1,
      ['sql', 'SELECT 1', '--url', 'http://127.0.0.1:1'],
      /^The store does not answer at http:\/\/127\.0\.0\.1:1: .*ECONNREFUSED.*\n$/,
    ],
    [1, ['sql', 'SELECT 1', '--out', '/nowhere/a.csv'], /^\/nowhere\/a\.csv cannot be written: ENOENT\.\n$/],
    [2, ['sql-user'], /^Usage/],
    [2, ['sql-user', '--name', 'a b'], /^--name: expected/],
    [2, ['sql-user', '--name', 'a', '--password', 'short'], /^--password: expected at least 16/],
    [1, ['sql-user', '--name', 'a'], /^The embedded store has no users to add/],
    [2, ['nonsense'], /^$/],
  ] as const)('%i: weir %j', async ([code, words, said]) => {
    const ended = await weir(store, [...words]);
    expect(ended.stderr).toMatch(said);
    expect(ended.code).toBe(code);
  });
});

describe('an error in mid-stream', () => {
  /** A server that answers with these pieces, each a write of its own, and breaks the connection. */
  async function answering(tag: string, pieces: string[]): Promise<{ url: string; close: () => void }> {
    const server = createServer((message, response) => {
      message.resume();
      response.writeHead(200, { 'X-ClickHouse-Format': 'TSV', 'X-ClickHouse-Exception-Tag': tag });
      const write = (at: number): void => {
        if (at < pieces.length) response.write(pieces[at], () => setImmediate(write, at + 1));
        else response.destroy();
      };
      write(0);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      close: () => server.close().closeAllConnections(),
    };
  }

  test('is found behind the marker however the bytes are cut; another marker in the rows is a row', async () => {
    const error = 'Code: 241. DB::Exception: Memory limit exceeded (MEMORY_LIMIT_EXCEEDED) (version 26.7)\n';
    const body = `a\r\nb\r\n__exception__\r\nother\r\nc\r\n__exception__\r\nabcd\r\n${error}86 abcd\r\n__exception__\r\n`;
    const server = await answering('abcd', [...body]);
    try {
      const { code, stdout, stderr } = await weir(store, ['sql', 'SELECT 1', '--url', server.url]);
      expect(stdout.toString()).toBe('a\r\nb\r\n__exception__\r\nother\r\nc');
      expect([code, stderr]).toEqual([1, 'ClickHouse: Memory limit exceeded (MEMORY_LIMIT_EXCEEDED, code 241).\n']);
    } finally {
      server.close();
    }
  });

  test('a connection that breaks without a word is no end', async () => {
    const server = await answering('abcd', ['a\n', 'b\n']);
    try {
      const { code, stderr } = await weir(store, ['sql', 'SELECT 1', '--url', server.url]);
      expect([code, stderr]).toEqual([1, 'The connection broke before the result was whole.\n']);
    } finally {
      server.close();
    }
  });
});

const terminal = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0;
if (!terminal) console.log('SKIPPED sql/command, on a terminal: there is no script(1) to make one.');
describe.skipIf(!terminal)('on a terminal', () => {
  /** What a person sees: standard output and error of a terminal of its own. */
  const seen = (words: string): string =>
    execFileSync('script', ['-qec', `'${process.execPath}' '${program}' ${words}`, '/dev/null'], {
      env: { PATH: process.env.PATH, ...environmentOf(store) },
      encoding: 'utf8',
    });

  test('a result is a table, and its texts do not steer the terminal', () => {
    const text = seen(`sql "SELECT 'a' AS one, concat('x', char(27), '[2Jy') AS two"`);
    expect(text).toContain('┌─one─┬─two');
    expect(text).toContain('x?[2Jy');
  });

  test('progress is shown while a file is written', () => {
    const text = seen(`sql "SELECT number FROM numbers(3000000)" --out ${join(directory, 'a.jsonl')}`);
    expect(text).toMatch(/\r\u001b\[K3,000,000 rows, [\d.]+ MB, \d+ s\r\n$/);
  });

  test('binary formats are refused', () => {
    const ended = spawnSync(
      'script',
      ['-qec', `'${process.execPath}' '${program}' sql "SELECT 1" --format Parquet`, '/dev/null'],
      {
        env: { PATH: process.env.PATH, ...environmentOf(store) },
        encoding: 'utf8',
      },
    );
    expect([ended.status, ended.stdout.includes('Parquet is binary: name a file with --out')]).toEqual([2, true]);
  });
});

describe('sql-user', () => {
  test('prints statements that ClickHouse understands, without the password', async () => {
    const { code, stdout, stderr } = await weir(store, ['sql-user', '--name', 'grafana', '--print']);
    const secret = /^Password of grafana, shown this once: (\S{24})\n$/.exec(stderr)?.[1] ?? 'none';
    const text = stdout.toString();
    expect([code, text.includes(secret)]).toEqual([0, false]);
    const statements = text.split(';\n').filter(Boolean);
    expect(statements.length).toBe(readerStatements({ name: 'a', database: 'weir', passwordHash: '' }).length);
    for (const statement of statements) {
      const query = 'SELECT formatQuerySingleLine({statement:String}) AS spelt';
      const [row] = await rows<{ spelt: string }>(store.client, query, { query_params: { statement } });
      expect(row?.spelt).toMatch(/^(CREATE (USER|SETTINGS PROFILE|QUOTA)|GRANT SELECT ON weir\.)/);
    }
  });

  test('sets only what ClickHouse knows, and bounds each limit from below: 0 is “no limit”', async () => {
    const [, profile = ''] = readerStatements({ name: 'a', database: 'weir', passwordHash: '' });
    const lines = profile.split('\n').slice(1, -1);
    const names = lines.map((line) => line.trim().split(' ')[0] ?? '');
    const query = 'SELECT name FROM system.settings WHERE name IN {names:Array(String)}';
    const known = await rows<{ name: string }>(store.client, query, { query_params: { names } });
    expect(known.map(({ name }) => name).sort()).toEqual([...names].sort());
    for (const line of lines) expect(line).toMatch(/ = \S+ (CONST|MIN 1 MAX \d+),?$/);
  });

  test('grants no table that holds secrets', () => {
    const grants = readerStatements({ name: 'a', database: 'weir', passwordHash: '' }).filter((text) =>
      text.startsWith('GRANT'),
    );
    expect(grants.map((text) => /ON (\S+)/.exec(text)?.[1])).toEqual(
      ['requests', 'attempts', 'bodies', 'scores', 'revisions'].map((table) => `\`weir\`.\`${table}\``),
    );
  });

  test('says of an embedded store that there is nothing to make', async () => {
    const { code, stderr } = await weir(store, ['sql-user', '--name', 'grafana', '--url', store.adminUrl]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^The embedded store has no users to add/)]);
  });
});
