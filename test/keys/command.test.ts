/** `weir key`, `weir provider-key` and `weir audit` as people and scripts call them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDb, type Db } from '@weir/schema/db';
import { open } from '../../proxy/src/vault/seal.ts';
import { readEdited } from '../../proxy/src/edited.ts';
import { hashKey } from '../../proxy/src/keys/text.ts';
import { runCli, type Ended } from '../support/cli.ts';
import { sharedDatabase } from '../support/weir.ts';

const home = mkdtempSync(join(tmpdir(), 'weir-keys-'));
const secret = 'a master secret of the test';
let db: Db;
let environment: Record<string, string>;
beforeAll(() => {
  const CLICKHOUSE_URL = sharedDatabase();
  db = openDb(CLICKHOUSE_URL);
  environment = { CLICKHOUSE_URL, WEIR_SECRET: secret, WEIR_DATA_DIR: home };
});
afterAll(async () => {
  await db.close();
  rmSync(home, { recursive: true, force: true });
});

const weir = (words: string, more: Record<string, string> = {}, stdin = ''): Promise<Ended> =>
  runCli(words.split(' '), { ...environment, ...more }, stdin);
async function told(words: string, more: Record<string, string> = {}, stdin = ''): Promise<string> {
  const { code, stdout, stderr } = await weir(words, more, stdin);
  expect(code, stderr).toBe(0);
  return stdout.toString().trim();
}

describe('key', () => {
  let text = '';
  let id = '';
  test('create shows the text once and keeps a hash', async () => {
    const limits = join(home, 'limits.json');
    writeFileSync(limits, JSON.stringify([{ name: 'rpm', quota: 60, window: { seconds: 60 } }]));
    text = await told(
      `key create --name shop --project web --owner ann --provider openai --provider google --model gpt-4o* --operation chat ` +
        `--limits ${limits} --expires 2030-01-01 --property Team=search --log-bodies none --role viewer`,
    );
    const [row] = await readEdited(db, 'keys');
    id = row?.key_id ?? '';
    expect([row?.hash, row?.created_by]).toEqual([hashKey(text), 'cli']);
    expect(JSON.parse(await told(`key show ${id}`))).toMatchObject({
      name: 'shop',
      project: 'web',
      owner: 'ann',
      providers: ['openai', 'google'],
      models: ['gpt-4o*'],
      operations: ['chat'],
      limits: [{ name: 'rpm', unit: 'requests', quota: 60, action: 'refuse' }],
      expires_at: '2030-01-01T00:00:00.000Z',
      properties: { team: 'search' },
      log_bodies: 'none',
      role: 'viewer',
    });
  });

  test('update changes what is named and leaves the rest', async () => {
    const changed = JSON.parse(await told(`key update ${id} --model all --expires never --role none`)) as object;
    expect(changed).toMatchObject({
      models: [],
      expires_at: null,
      role: '',
      providers: ['openai', 'google'],
      owner: 'ann',
    });
  });

  test('rotate shows another text; disable ends the key; list shows both', async () => {
    const next = await told(`key rotate ${id} --overlap 60`);
    const [rotated] = await readEdited(db, 'keys');
    expect([rotated?.hash, rotated?.previous_hash]).toEqual([hashKey(next), hashKey(text)]);
    await told(`key disable ${id}`);
    expect(await told('key list')).toMatch(new RegExp(`${id} +shop +web +ann +disabled +openai google chat`));
  });

  test('called wrongly it says how, with exit code 2, and does nothing', async () => {
    for (const [words, sentence] of [
      ['key create --provider opnai', '--provider (0): '],
      ['key create --expires soon', '--expires: expected a time such as'],
      ['key create --property team', '--property: expected NAME=VALUE.'],
      ['key create --name', '--name'],
      ['key rotate', 'Usage: npm run weir -- key create'],
      ['key create extra', 'Usage: '],
      ['key disable key_none', 'There is no "key_none" here.'],
    ] as const) {
      const { code, stderr } = await weir(words);
      expect([code, stderr], words).toEqual([words.includes('key_none') ? 1 : 2, expect.stringContaining(sentence)]);
    }
    expect(await readEdited(db, 'keys')).toHaveLength(1);
  });
});

describe('provider-key', () => {
  test('add takes the secret from standard input or a variable, and never as a word', async () => {
    const added = await told('provider-key add --provider openai --name team --weight 3', {}, 'sk-CANARY-from-stdin\n');
    expect(added).toMatch(/^pk_\S+ for openai: enabled, weight 3, ends in tdin, fingerprint [0-9a-f]{16}$/);
    await told('provider-key add --provider azure --place mine --secret-env MY_KEY', {
      MY_KEY: 'azure-CANARY-variable',
    });
    const rows = await readEdited(db, 'provider_keys');
    expect(rows.map((row) => open(secret, row)).sort()).toEqual(['azure-CANARY-variable', 'sk-CANARY-from-stdin']);
    for (const [words, code, sentence] of [
      ['provider-key add --provider openai --secret sk-CANARY', 2, "Unknown option '--secret'"],
      ['provider-key add --provider openai --secret-env NOBODY', 2, 'NOBODY is not set.'],
      ['provider-key add --provider openai', 2, 'the secret: expected 8 to 8192 visible'],
    ] as const) {
      const got = await weir(words);
      expect([got.code, got.stderr]).toEqual([code, expect.stringContaining(sentence)]);
      expect(got.stderr).not.toContain('CANARY');
    }
  });

  test('without WEIR_SECRET nothing is stored', async () => {
    const got = await weir('provider-key add --provider openai', { WEIR_SECRET: '' }, 'sk-CANARY-0123');
    expect([got.code, got.stderr]).toEqual([
      1,
      expect.stringContaining('Set WEIR_SECRET (at least 16 characters) first'),
    ]);
    expect(await readEdited(db, 'provider_keys')).toHaveLength(2);
  });

  test('rotate-secret wraps all under the new one, and can be run again', async () => {
    const next = { WEIR_NEW_SECRET: 'the master secret after it' };
    expect((await weir('provider-key rotate-secret')).code).toBe(2);
    expect(await told('provider-key rotate-secret', next)).toContain(
      '2 provider keys are wrapped under the new secret.',
    );
    expect(await told('provider-key rotate-secret', next)).toContain(
      '0 provider keys are wrapped under the new secret, 2 were before.',
    );
    const rows = await readEdited(db, 'provider_keys');
    expect(rows.map((row) => [open(secret, row), open(next.WEIR_NEW_SECRET, row)?.includes('CANARY')])).toEqual([
      [null, true],
      [null, true],
    ]);
    const foreign = await weir('provider-key rotate-secret', {
      WEIR_SECRET: 'some other secret',
      WEIR_NEW_SECRET: 'and its successor',
    });
    expect([foreign.code, foreign.stdout.toString()]).toEqual([
      1,
      expect.stringContaining('opens under neither: replace it.'),
    ]);
  });

  test('disable, remove and list', async () => {
    const [row, other] = await readEdited(db, 'provider_keys');
    await told(`provider-key disable ${row?.provider_key_id ?? ''}`);
    await told(`provider-key remove ${other?.provider_key_id ?? ''}`);
    const list = await told('provider-key list');
    expect(list.split('\n')).toHaveLength(2);
    expect(list).toContain('disabled');
    const [, gone] = await readEdited(db, 'provider_keys');
    expect([gone?.deleted, gone?.ciphertext, gone?.wrapped_key]).toEqual([true, '', '']);
  });
});

test('audit tells what the command line did, without secrets', async () => {
  const lines = (await told('audit --json --limit 100'))
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const done = lines.map(({ action, kind }) => `${String(kind)} ${String(action)}`).reverse();
  expect(done.slice(0, 4)).toEqual(['key create', 'key update', 'key rotate', 'key disable']);
  expect(done.slice(4)).toEqual([
    ...['create', 'create', 'rotate_secret', 'rotate_secret', 'disable', 'delete'].map(
      (action) => `provider_key ${action}`,
    ),
  ]);
  expect(
    lines.every(({ actor, actor_name }) => actor === 'cli' && String(actor_name).startsWith('command line (')),
  ).toBe(true);
  expect(JSON.stringify(lines)).not.toMatch(/CANARY|wk_/);
  expect(await told('audit')).toContain('models, expires_at, role');
});
