/** The command line as one who changes what people edit: whoever has the store's password may do everything. */
import { userInfo } from 'node:os';
import type { Db } from '@weir/schema/db';
import type { z } from 'zod';
import { ownerOf, type Desk } from '../admin/desk.ts';
import type { Settings } from '../env.ts';
import { say } from './start.ts';
import { UsageError } from './usage.ts';

export function makeDesk(db: Db, settings: Settings): Desk {
  return { db, actor: ownerOf(userName()), masterSecret: settings.WEIR_SECRET, took: () => undefined };
}

/** What options said, parsed as REST parses it. @param options field → option, where that has another name. @throws UsageError */
export function parseOptions<T extends z.ZodType>(
  schema: T,
  value: unknown,
  options: Readonly<Record<string, string>> = {},
): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = String(issue?.path[0] ?? '');
  const inside = issue?.path.slice(1).join('.') ?? '';
  throw new UsageError(
    `--${options[field] ?? field}${inside === '' ? '' : ` (${inside})`}: ${issue?.message ?? 'unreadable'}.`,
  );
}

/** Rows of text, each column as wide as its widest. */
export function sayTable(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  for (const row of rows)
    say(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

/** A user without a name (a container's) is one all the same. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}
