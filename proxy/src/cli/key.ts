/** `weir key create`: a new Weir key, shown once, kept as a hash. The proxy takes it within two seconds. */
import { parseArgs } from 'node:util';
import { openDb } from '@weir/schema/db';
import { insertRows } from '@weir/schema/insert';
import { migrate } from '@weir/schema/migrate';
import { z } from 'zod';
import { makeKey } from '../keys.ts';
import { readSettings, say } from './start.ts';
import { storeUrlOf, unreachable } from './store-url.ts';

const name = z.string().min(1, 'expected a name').max(128, 'expected at most 128 characters');
const project = z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'expected letters, digits, dot, dash or underscore');

export async function createKey(words: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: { name: { type: 'string', default: 'unnamed' }, project: { type: 'string', default: 'default' } },
  });
  if (positionals[0] !== 'create')
    throw new Error('Usage: npm run weir -- key create [--name NAME] [--project PROJECT]');
  const settings = readSettings();
  const url = storeUrlOf(settings);
  const made = makeKey(check('--name', name, values.name), check('--project', project, values.project));
  const db = openDb(url, { application: 'weir-cli' });
  try {
    await migrate(url, { retainDays: settings.WEIR_RETAIN_DAYS, retainBodiesDays: settings.WEIR_RETAIN_BODIES_DAYS });
    await insertRows(db, 'keys', [made.row]);
  } catch (error) {
    throw unreachable(url, error);
  } finally {
    await db.close();
  }
  say(made.text);
  process.stderr.write(`Key ${made.row.key_id} of project ${made.row.project}. It is not shown again.\n`);
}

function check(option: string, schema: z.ZodType<string>, value: string): string {
  const result = schema.safeParse(value);
  if (!result.success) throw new Error(`${option}: ${result.error.issues[0]?.message ?? 'unreadable'}.`);
  return result.data;
}
