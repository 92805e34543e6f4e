/** Data of every published version is opened by this one: migrated, unchanged, and ready for more. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDb } from '@weir/schema/db';
import { migrate } from '@weir/schema/migrate';
import { startStore } from '@weir/schema/store/spawn';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { fixtures, keptForGood, sums, sumsOf } from './fixtures.ts';
import { fill } from './rows.ts';

const versions = readdirSync(fixtures).flatMap((name) => /^(\d.*)\.tar\.gz$/.exec(name)?.[1] ?? []);

test('there is a fixture to begin with', () => expect(versions).toContain('0.1.0'));

test.for(versions)('data of %s', { timeout: 280_000 }, async (version) => {
  const home = mkdtempSync(join(tmpdir(), 'weir-upgrade-'));
  const dataDir = join(home, 'data');
  const before = sums.parse(JSON.parse(readFileSync(join(fixtures, `${version}.json`), 'utf8')));
  expect(before.map(({ table, rows }) => [table, rows !== '0'])).toEqual(before.map(({ table }) => [table, true]));
  try {
    execFileSync('tar', ['-xzf', join(fixtures, `${version}.tar.gz`), '-C', home]);
    const restored = await runCli(['restore', join(home, 'backup')], { WEIR_DATA_DIR: dataDir });
    expect(restored.code, restored.stderr).toBe(0);
    const store = await startStore({ dataDir, port: 0, deadline: 120_000 });
    const db = openDb(store.adminUrl);
    try {
      await migrate(store.adminUrl, keptForGood);
      expect(await sumsOf(db, before)).toEqual(before);
      await fill(db, 1, 10, 'new');
      const [requests] = await sumsOf(db, before);
      expect(Number(requests?.rows)).toBe(Number(before[0]?.rows) + 10);
      // A second start finds nothing to do.
      await migrate(store.adminUrl, keptForGood);
    } finally {
      await db.close();
      await store.stop();
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
