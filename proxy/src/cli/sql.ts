/** `weir sql "…"`: one statement to the store; the answer streams to standard output. */
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { openDb } from '@weir/schema/db';
import { readSettings } from './start.ts';
import { storeUrlOf, unreachable } from './store-url.ts';

export async function runSql(words: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: { format: { type: 'string', default: 'JSONEachRow' } },
  });
  const [query] = positionals;
  if (query === undefined || positionals.length > 1) {
    throw new Error(
      'Usage: npm run weir -- sql "SELECT …" [--format JSONEachRow|CSVWithNames|PrettyCompact|Parquet|…]',
    );
  }
  if (!/^[A-Za-z0-9]{1,40}$/.test(values.format))
    throw new Error('--format: expected the name of a ClickHouse format.');
  const url = storeUrlOf(readSettings());
  const db = openDb(url, { application: 'weir-cli', timeoutMs: 600_000 });
  try {
    const { stream } = await db.exec({ query: `${query.replace(/;\s*$/, '')}\nFORMAT ${values.format}` });
    await pipeline(stream, process.stdout, { end: false });
  } catch (error) {
    throw unreachable(url, error);
  } finally {
    await db.close();
  }
}
