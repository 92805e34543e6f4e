/**
 * `npx tsx test/life/fixture.ts`: a small backup of this version's tables with rows in them, into `fixtures/`. Made once for
 * every version that is published; upgrade.test.ts opens each of them with the migrations of today.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDb } from '@weir/schema/db';
import { migrate } from '@weir/schema/migrate';
import { quoteString } from '@weir/schema/store/literal';
import { startStore } from '@weir/schema/store/spawn';
import { fixtures, keptForGood, sumsOf } from './fixtures.ts';
import { fill } from './rows.ts';

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
const home = mkdtempSync(join(tmpdir(), 'weir-fixture-'));
const store = await startStore({ dataDir: join(home, 'data'), port: 0, deadline: 120_000 });
const db = openDb(store.adminUrl);
try {
  await migrate(store.adminUrl, keptForGood);
  await fill(db, 3, 40);
  await db.command({ query: 'OPTIMIZE TABLE requests' });
  await db.command({ query: `BACKUP DATABASE weir TO File(${quoteString(join(home, 'backup'))})` });
  mkdirSync(fixtures, { recursive: true });
  execFileSync('tar', ['-czf', join(fixtures, `${version}.tar.gz`), '-C', home, 'backup']);
  writeFileSync(join(fixtures, `${version}.json`), `${JSON.stringify(await sumsOf(db), null, 2)}\n`);
} finally {
  await db.close();
  await store.stop();
  rmSync(home, { recursive: true, force: true });
}
