/** Backups of earlier versions' tables, and how their rows are told from others. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Db } from '@weir/schema/db';
import { z } from 'zod';
import { one } from './rows.ts';

export const fixtures = join(dirname(fileURLToPath(import.meta.url)), 'fixtures');
/** A fixture's rows do not get too old to be kept. */
export const keptForGood = { retainDays: 20_000, retainBodiesDays: 20_000 };

/** What a version's tables held: columns, rows and a checksum over the rows. */
export const sums = z.array(
  z.object({ table: z.string(), columns: z.array(z.string()), rows: z.string(), checksum: z.string() }),
);
export type Sums = z.infer<typeof sums>;

const recorded = ['requests', 'attempts', 'bodies', 'scores'];

/** @param before the columns to look at: an earlier version's, or all that there are. */
export async function sumsOf(db: Db, before?: Sums): Promise<Sums> {
  const all: Sums = [];
  for (const table of before?.map((one) => one.table) ?? recorded) {
    const columns =
      before?.find((one) => one.table === table)?.columns ??
      (
        await one<{ names: string[] }>(
          db,
          `SELECT groupArray(name) AS names FROM (SELECT name FROM system.columns
            WHERE database = currentDatabase() AND table = '${table}' ORDER BY position)`,
        )
      ).names;
    const { rows, checksum } = await one<{ rows: string; checksum: string }>(
      db,
      `SELECT toString(count()) AS rows, toString(sum(cityHash64(tuple(${columns.join(', ')})))) AS checksum FROM ${table}`,
    );
    all.push({ table, columns, rows, checksum });
  }
  return all;
}
