/** Inserts that can be repeated: explicit columns, a deduplication token, no asynchronous insert. */
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Db } from './db.ts';
import { columns, type Table } from './records.ts';

/** Rows as newline-separated JSON objects, ready for `FORMAT JSONEachRow`. */
export type JsonLines = Buffer;

/**
 * Inserts `lines` into `table` in one statement. The same `token` with the same lines is inserted once, however often
 * it is sent (within the table's deduplication window); the same token with *other* lines is dropped silently by
 * ClickHouse, so a token must name its bytes. Without a token nothing is deduplicated.
 * @throws ClickHouseError (its `code` is the server's), or a network error.
 */
export async function insertLines(db: Db, table: Table, lines: JsonLines, token?: string): Promise<void> {
  // `insert` would parse and write every row again; the text is ready, and goes as it is.
  const { stream } = await db.exec({
    query: `INSERT INTO ${table} (${columns(table).join(', ')}) FORMAT JSONEachRow`,
    values: Readable.from([lines], { objectMode: false }),
    clickhouse_settings: {
      async_insert: 0,
      deduplicate_blocks_in_dependent_materialized_views: 1,
      // One statement must be one block a partition, or the token would be numbered by how the text was cut.
      input_format_parallel_parsing: 0,
      max_insert_block_size: '1048576',
      ...(token === undefined ? {} : { insert_deduplicate: 1, insert_deduplication_token: token }),
    },
  });
  await text(stream);
}

/** Inserts row objects; for settings, tests and imports. */
export async function insertRows(db: Db, table: Table, rows: readonly object[], token?: string): Promise<void> {
  if (rows.length === 0) return;
  await insertLines(db, table, Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n') + '\n'), token);
}
