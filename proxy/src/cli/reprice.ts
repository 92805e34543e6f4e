/** `weir reprice`: what is recorded, priced again by the prices in force; shown first, written when somebody says so. */
import { hostname, userInfo } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { openDb, type Db } from '@weir/schema/db';
import { migrate } from '@weir/schema/migrate';
import { timeText } from '@weir/schema/records';
import { z } from 'zod';
import type { PriceBook } from '../prices/book.ts';
import { bookOf, readStored } from '../prices/stored.ts';
import { finishEarlierRuns } from '../reprice/write.ts';
import { planReprice, writeReprice, type Plan } from '../reprice/run.ts';
import type { Range } from '../reprice/rows.ts';
import type { Totals } from '../reprice/totals.ts';
import { openOwnStore } from './own-store.ts';
import { readSettings, say } from './start.ts';
import { failure } from './store-url.ts';
import { check, parseWords, UsageError } from './usage.ts';

const usage = 'Usage: npm run weir -- reprice --from DAY [--to DAY] [--model NAME] [--yes]';
const statementMs = 6 * 3_600_000;
const earlierRunMs = 10 * 60_000;
const dayMs = 86_400_000;
/** Models that are shown one by one. */
const mostModels = 20;

const moment = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/, 'expected a day such as 2026-11-01, or 2026-11-01T08:00Z')
  .refine((text) => !Number.isNaN(Date.parse(text)), 'no such day');

export async function reprice(words: string[]): Promise<void> {
  const { values, positionals } = parseWords(
    {
      args: words,
      allowPositionals: true,
      options: {
        from: { type: 'string' },
        to: { type: 'string' },
        model: { type: 'string' },
        yes: { type: 'boolean', default: false },
      },
    },
    usage,
  );
  if (values.from === undefined || positionals.length > 0) throw new UsageError(usage);
  const range = readRange(values.from, values.to, values.model);
  const settings = readSettings();
  const store = await openOwnStore(settings);
  const db = openDb(store.url, { application: 'weir-reprice', timeoutMs: statementMs });
  try {
    await migrate(store.url, {
      retainDays: settings.WEIR_RETAIN_DAYS,
      retainBodiesDays: settings.WEIR_RETAIN_BODIES_DAYS,
    });
    await run(db, range, values.yes);
  } catch (error) {
    throw failure(store.url, error);
  } finally {
    await db.close();
    await store.close();
  }
}

/** A day is whole, also the last one; a time is exact, and `to` is the first that is left out. */
function readRange(from: string, to: string | undefined, model: string | undefined): Range {
  const start = Date.parse(check('--from', moment, from));
  const end = to === undefined ? Date.now() : Date.parse(check('--to', moment, to)) + (to.includes('T') ? 0 : dayMs);
  if (start >= end) throw new UsageError('--to: expected a time after --from.');
  return { from: timeText(start * 1000), to: timeText(end * 1000), model };
}

async function run(db: Db, range: Range, yes: boolean): Promise<void> {
  await finishEarlierRuns(db, earlierRunMs);
  const book = bookOf(await readStored(db));
  const plan = await planReprice(db, range, book);
  tell(plan, book);
  if (plan.all.changed === 0) return;
  if (!yes && !(await agreed())) {
    say('Nothing was written. With --yes it is.');
    process.exitCode = 1;
    return;
  }
  await writeReprice(db, {
    plan,
    book,
    who: `${userInfo().username}@${hostname()}`,
    onDay: (day, changed) => void process.stderr.write(`${day}: ${changed} requests\n`),
  });
  const left = await planReprice(db, range, book);
  say(
    `${plan.all.changed - left.all.changed} requests have their new cost${left.all.changed === 0 ? '' : `; ${left.all.changed} still differ: run it again`}.`,
  );
}

function tell({ range, all, models, days }: Plan, book: PriceBook): void {
  const own = book.ownVersion === '' ? '' : `, own prices ${book.ownVersion}`;
  say(`From ${range.from.slice(0, 16)} to ${range.to.slice(0, 16)} UTC, by ${book.list.version}${own}:`);
  const rows = [...models].filter(([, totals]) => totals.changed > 0);
  rows.sort(([, a], [, b]) => (a.difference < b.difference ? 1 : -1));
  for (const [name, totals] of rows.slice(0, mostModels)) say(`  ${name}: ${line(totals)}`);
  if (rows.length > mostModels) say(`  … and ${rows.length - mostModels} more models`);
  say(
    all.changed === 0
      ? `Nothing changes: ${all.requests} requests, ${usd(all.costBefore)}.`
      : `All, on ${days.size} days: ${line(all)}`,
  );
}

function line(totals: Totals): string {
  const { requests, changed, unpricedBefore, unpricedAfter } = totals;
  const unknown =
    unpricedBefore === 0 && unpricedAfter === 0 ? '' : `; without a price ${unpricedBefore} → ${unpricedAfter}`;
  return `${changed} of ${requests} requests change, ${usd(totals.costBefore)} → ${usd(totals.costAfter)}${unknown}`;
}

function usd(text: string | null): string {
  return text === null ? 'unknown' : `$${text}`;
}

/** Asks on a terminal; elsewhere nobody can answer. */
async function agreed(): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
  const asking = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await asking.question('Write this? [y/N] ')).trim());
  } finally {
    asking.close();
  }
}
