/** `weir key create`: a new Weir key, shown once, kept as a hash. The proxy takes it within two seconds. */
import { openDb } from '@weir/schema/db';
import { insertRows } from '@weir/schema/insert';
import { migrate } from '@weir/schema/migrate';
import { z } from 'zod';
import { makeKey } from '../keys.ts';
import { readSettings, say } from './start.ts';
import { failure, storeUrlOf } from './store-url.ts';
import { check, parseWords, UsageError } from './usage.ts';

const usage = 'Usage: npm run weir -- key create [--name NAME] [--project PROJECT]';

const name = z.string().min(1, 'expected a name').max(128, 'expected at most 128 characters');
const project = z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'expected letters, digits, dot, dash or underscore');

export async function createKey(words: string[]): Promise<void> {
  const { values, positionals } = parseWords(
    {
      args: words,
      allowPositionals: true,
      options: { name: { type: 'string', default: 'unnamed' }, project: { type: 'string', default: 'default' } },
    },
    usage,
  );
  if (positionals[0] !== 'create') throw new UsageError(usage);
  const settings = readSettings();
  const url = storeUrlOf(settings);
  const made = makeKey(check('--name', name, values.name), check('--project', project, values.project));
  const db = openDb(url, { application: 'weir-cli' });
  try {
    await migrate(url, { retainDays: settings.WEIR_RETAIN_DAYS, retainBodiesDays: settings.WEIR_RETAIN_BODIES_DAYS });
    await insertRows(db, 'keys', [made.row]);
  } catch (error) {
    throw failure(url, error);
  } finally {
    await db.close();
  }
  say(made.text);
  process.stderr.write(`Key ${made.row.key_id} of project ${made.row.project}. It is not shown again.\n`);
}
