/** `weir compare`: the provider's time is told as the provider's, Weir's as Weir's, and the shares add up. */
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile, readTiming } from '@weir/proxy/src/compare/figures.ts';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { chatChunks, chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let provider: ScriptedProvider;
let weir: TestWeir;
const delayMs = 50;

beforeAll(async () => {
  provider = await startProvider(async ({ body }, response) => {
    await sleep(delayMs);
    const { stream } = JSON.parse(body.toString()) as { stream?: boolean };
    if (stream !== true) return json(response, chatCompletion());
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const [index, chunk] of chatChunks(['Hello', ' there']).entries()) {
      if (index === 1) await sleep(delayMs);
      response.write(chunk);
    }
    response.end();
  });
  weir = await startWeir({ openai: provider.url });
});
afterAll(async () => {
  await weir.stop();
  await provider.close();
});

async function run(words: string[], environment: Record<string, string> = {}) {
  const known = {
    CLICKHOUSE_URL: weir.clickhouseUrl,
    WEIR_DATA_DIR: weir.dataDir,
    WEIR_PUBLIC_PROXY_URL: weir.proxy.url,
  };
  const { code, stdout, stderr } = await runCli(['compare', ...words], { ...known, ...environment });
  return { code, stderr, stdout: stdout.toString() };
}
/** The numbers of the line that begins with `title`. */
function line(text: string, title: string): number[] {
  const found = text.split('\n').find((one) => one.startsWith(`${title}  `) || one.startsWith(`${title} -`));
  if (found === undefined) throw new Error(`no line ${title} in:\n${text}`);
  return found
    .slice(title.length)
    .trim()
    .split(/[\s%]+/)
    .filter(Boolean)
    .map(Number);
}
const callsSeen = () => provider.seen.length;

it('tells both ways, their difference, and whose the time was', async () => {
  const before = callsSeen();
  const { code, stdout, stderr } = await run([
    provider.url,
    '--calls',
    '12',
    '--concurrency',
    '2',
    '--header',
    'Authorization: Bearer sk-test',
  ]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  // Twelve each way, and two each way that make the connections.
  expect(callsSeen() - before).toBe(28);
  expect(provider.seen.slice(before).every(({ headers }) => headers.includes('Bearer sk-test'))).toBe(true);
  for (const title of ['total, direct', 'first byte, direct', 'total, through Weir', 'first byte, through Weir']) {
    const [p50 = 0, p95 = 0, p99 = 0] = line(stdout, title);
    // A timer may end a moment early.
    expect(p50).toBeGreaterThan(delayMs - 5);
    expect(p95).toBeGreaterThanOrEqual(p50);
    expect(p99).toBeGreaterThanOrEqual(p95);
  }
  for (const measure of ['total', 'first byte']) {
    const [through, direct] = [line(stdout, `${measure}, through Weir`), line(stdout, `${measure}, direct`)];
    line(stdout, `${measure}, difference`).forEach((difference, index) => {
      expect(difference).toBeCloseTo((through[index] ?? 0) - (direct[index] ?? 0), 1);
    });
  }
  const parts = ['Weir', 'retries, waiting', 'provider'].map((title) => line(stdout, title));
  expect(parts[2]?.[0]).toBeGreaterThan(delayMs - 5);
  expect(parts[1]).toEqual([0, 0, 0, 0, 0, 0]);
  expect(parts.reduce((sum, part) => sum + (part[5] ?? 0), 0)).toBeCloseTo(100, 1);
  expect(stdout).toContain('By Weir’s own rows of these 12 calls, to their last byte.');
  const [rows] = await weir.query<{ n: string; ms: number }>(
    "SELECT toString(count()) AS n, sum(duration_ms) AS ms FROM requests WHERE properties['compare'] != ''",
  );
  // The two that make Weir's connections have rows too.
  expect(rows?.n).toBe('14');
  expect(rows?.ms).toBeGreaterThan(14 * (delayMs - 5));
});

it('a stream’s first byte comes before its last; the provider is sent the body of the file, and no header of Weir', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'weir-compare-')), 'body.json');
  writeFileSync(file, JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'From a file.' }] }));
  const before = callsSeen();
  const { code, stdout } = await run([
    provider.url,
    '--calls',
    '4',
    '--stream',
    '--body',
    file,
    '--path',
    '/v1/chat/completions?x=1',
  ]);
  rmSync(file);
  expect(code).toBe(0);
  const [first = 0] = line(stdout, 'first byte, through Weir');
  const [total = 0] = line(stdout, 'total, through Weir');
  expect(total - first).toBeGreaterThan(delayMs / 2);
  for (const { url, headers, body } of provider.seen.slice(before)) {
    expect(url).toBe('/v1/chat/completions?x=1');
    expect(JSON.parse(body.toString())).toMatchObject({ stream: true, messages: [{ content: 'From a file.' }] });
    expect(headers.filter((name) => /^weir-/i.test(name))).toEqual([]);
  }
});

it('where no store is at hand the shares are those of the answers’ heads', async () => {
  const { code, stdout } = await run([provider.url, '--calls', '3'], { CLICKHOUSE_URL: 'http://127.0.0.1:1/weir' });
  expect(code).toBe(0);
  expect(line(stdout, 'provider')[0]).toBeGreaterThan(delayMs - 5);
  expect(stdout).toContain('By the answers’ Server-Timing, to their heads alone: the store here has 0 of these calls.');
});

it('a call that fails ends the comparison with a sentence', async () => {
  const refused = await run([provider.url, '--calls', '3', '--provider', 'groq', '--weir', provider.url]);
  expect([refused.code, refused.stderr]).toEqual([1, `What answers at ${provider.url} is not Weir.\n`]);
  const away = await run(['http://127.0.0.1:1', '--calls', '3']);
  expect([away.code, away.stderr]).toEqual([1, 'The direct call to http://127.0.0.1:1 failed: ECONNREFUSED.\n']);
  const elsewhere = await run([provider.url, '--calls', '3', '--provider', 'azure/my--_resource']);
  expect([elsewhere.code, elsewhere.stderr.split(':')[0]]).toEqual([2, '--provider']);
});

it.each([
  [['ftp://x'], 'BASE_URL: expected http(s)://host[:port][/path].'],
  [['http://x', '--calls', '0'], '--calls: expected a whole number from 1 to 100000.'],
  [['http://x', '--concurrency', 'many'], '--concurrency: expected a whole number from 1 to 256.'],
  [['http://x', '--provider', 'nobody'], '--provider: is no provider of Weir.'],
  [['http://x', '--header', 'nothing'], "--header: expected 'Name: value'."],
  [['http://x', '--header', 'Weir-User: me'], '--header: headers of Weir do not go to a provider.'],
  [['http://x', '--path', 'v1'], '--path: expected a path that begins with /.'],
  [['http://x', '--weir', 'here'], '--weir: expected http(s)://host:port.'],
])('%o is refused before any call', async (words, sentence) => {
  const ended = await run(words);
  expect([ended.code, ended.stderr, ended.stdout]).toEqual([2, `${sentence}\n`, '']);
});

describe('figures', () => {
  it('a percentile is one of the samples, by the nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([50, 95, 99].map((percent) => percentile(values, percent))).toEqual([50, 95, 99]);
    expect(percentile([3], 99)).toBe(3);
    expect(percentile([1, 2], 50)).toBe(1);
  });

  it('Server-Timing is read whatever else stands in it', () => {
    expect(readTiming('cdn;desc="x", weir;dur=0.41, wait;dur=20, upstream-headers;dur=812.30')).toEqual({
      weir: 0.41,
      wait: 20,
      provider: 812.3,
    });
    expect(readTiming('weir;dur=0.41')).toBeNull();
    expect(readTiming('')).toBeNull();
  });
});
