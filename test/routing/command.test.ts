/** `weir route` as people and scripts call it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DryRunAnswer } from '@weir/schema/settings/route-desk';
import { runCli, type Ended } from '../support/cli.ts';
import { sharedDatabase } from '../support/weir.ts';

const home = mkdtempSync(join(tmpdir(), 'weir-routes-'));
const file = join(home, 'checkout.json');
const azure = 'azure:my-resource/gpt-5';
let environment: Record<string, string>;
beforeAll(() => {
  environment = { CLICKHOUSE_URL: sharedDatabase(), WEIR_DATA_DIR: home, OPENAI_API_KEY: 'sk-of-the-test' };
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const weir = (words: string[], stdin = ''): Promise<Ended> => runCli(['route', ...words], environment, stdin);
async function told(words: string[], stdin = ''): Promise<string> {
  const { code, stdout, stderr } = await weir(words, stdin);
  expect(code, stderr).toBe(0);
  return stdout.toString().trim();
}
const settings = (weight: number): object => ({
  ...{ name: 'checkout', fallback: { to: [azure] } },
  split: {
    ...{ name: 'checkout', by: 'user' },
    to: [
      { target: 'openai/gpt-5', weight },
      { target: 'openai/gpt-5-mini', weight: 100 - weight },
    ],
  },
});

test('a route is saved, saved again, shown, listed with its versions, restored, switched and removed', async () => {
  writeFileSync(file, JSON.stringify(settings(80)));
  const line = (shares: string): string =>
    `split ${shares} between openai/gpt-5 and openai/gpt-5-mini, by user; falls back to ${azure}`;
  expect(await told(['save', file])).toBe(`checkout, version 1: ${line('80/20')}; enabled`);
  expect(await told(['save', '-'], JSON.stringify(settings(90)))).toBe(
    `checkout, version 2: ${line('90/10')}; enabled`,
  );
  expect(JSON.parse(await told(['show', 'checkout']))).toMatchObject(settings(90));
  expect(await told(['list'])).toMatch(
    /^route +version +state.*\ncheckout +2 +enabled +20\S+ +command line \(.*\) +split 90\/10/,
  );
  expect(await told(['restore', 'checkout', '--version', '1'])).toBe(`checkout, version 3: ${line('80/20')}; enabled`);
  const versions = (await told(['versions', 'checkout'])).split('\n').slice(1);
  expect(versions.map((one) => /^(\d) .*split (\S+)/.exec(one)?.slice(1))).toEqual([
    ['3', '80/20'],
    ['2', '90/10'],
    ['1', '80/20'],
  ]);
  expect(await told(['disable', 'checkout'])).toMatch(/; disabled$/);
  expect((await weir(['dry-run', 'checkout'])).stderr).toContain('No route "checkout" is in force.');
  expect(await told(['enable', 'checkout'])).toMatch(/^checkout, version 3: .*; enabled$/);
  const answer = JSON.parse(await told(['dry-run', 'checkout', '--user', 'alice', '--json'])) as DryRunAnswer;
  expect([answer.route_version, answer.assignment?.split_unit]).toEqual(['3', 'user:alice']);
  const lines = (await told(['dry-run', file, '--user', 'alice', '--header', 'Weir-Retry: retries=1'])).split('\n');
  expect(lines).toEqual([
    'No rule matches: as the route says.',
    `Split checkout, version ${answer.assignment?.split_version}: variant ${answer.assignment?.variant}`,
    expect.stringMatching(/^1\. openai\/\S+ \(variant \S+, assigned by user:alice; [\d.]+ dollars a million/),
    expect.stringMatching(new RegExp(`^2\\. ${azure} \\(fallback`)),
    '   ! Weir holds no key for azure at my-resource.',
    'retry: 1 on 429 server-error timeout network, 500 to 8000 ms',
    'fallback: on 429 server-error timeout network',
    'timeout: none',
  ]);
  await told(['remove', 'checkout']);
  expect(await told(['list'])).not.toContain('checkout');
});

test('called wrongly it says how, with exit code 2, and does nothing', async () => {
  const wrong = join(home, 'wrong.json');
  writeFileSync(wrong, JSON.stringify({ name: 'x', retry: { retries: 99 } }));
  for (const [words, code, sentence] of [
    [['save', wrong], 2, 'retry.retries: '],
    [['save', join(home, 'none.json')], 2, 'cannot be read as JSON'],
    [['save'], 2, 'Usage: npm run weir -- route save'],
    [['list', 'x'], 2, 'Usage: '],
    [['restore', 'x'], 2, '--version: expected a number.'],
    [['dry-run', 'x', '--operation', 'chatting'], 2, '--operation: '],
    [['dry-run', 'x', '--property', 'team'], 2, '--property: expected NAME=VALUE.'],
    [['dry-run', 'x', '--header', 'Weir-User: x'], 2, '--header: expected Weir-Split'],
    [['show', 'nobody'], 1, 'There is no "nobody" here.'],
    [['remove', 'nobody'], 1, 'There is no "nobody" here.'],
  ] as const) {
    const ended = await weir([...words]);
    expect([ended.code, ended.stderr], words.join(' ')).toEqual([code, expect.stringContaining(sentence)]);
  }
  writeFileSync(wrong, JSON.stringify({ name: 'x', target: 'nobody/x' }));
  expect((await weir(['save', wrong])).stderr).toContain('target: "nobody/x": no target is at "nobody"');
  expect((await told(['list'])).split('\n')).toHaveLength(1);
});
