/** `weir sql-user --name NAME`: a read-only user on a ClickHouse server, made or (`--print`) only written out. */
import { openDb, type Db } from '@weir/schema/db';
import { z } from 'zod';
import { hashPassword, makePassword, readerStatements, undoStatements } from './sql/user.ts';
import { readSettings, say } from './start.ts';
import { failure, storeUrl } from './store-url.ts';
import { check, parseWords, UsageError } from './usage.ts';

const usage = 'Usage: npm run weir -- sql-user --name NAME [--password PASSWORD] [--print] [--url URL]';

const name = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/, 'expected a name of letters, digits, dots, dashes, underscores')
  .refine((text) => text !== 'default', 'default is the server’s own user');
// The hash has no salt: a short password could be found from it.
const password = z.string().min(16, 'expected at least 16 characters').max(256, 'expected at most 256 characters');

const embedded =
  'The embedded store has no users to add: its port without user and password is the reader already (docs/sql.md). Name a ClickHouse server with --url or CLICKHOUSE_URL.';

/** @throws UsageError, or an error with one sentence; what was made before it is taken back. */
export async function createSqlUser(words: string[]): Promise<void> {
  const { values } = parseWords(
    {
      args: words,
      options: {
        name: { type: 'string' },
        password: { type: 'string' },
        print: { type: 'boolean', default: false },
        url: { type: 'string' },
      },
    },
    usage,
  );
  if (values.name === undefined) throw new UsageError(usage);
  const user = check('--name', name, values.name);
  const given = values.password === undefined ? undefined : check('--password', password, values.password);
  const named = values.url === undefined ? undefined : check('--url', storeUrl, values.url);
  const url = named ?? readSettings().CLICKHOUSE_URL;
  if (url === undefined && !values.print) throw new Error(embedded);
  const secret = given ?? makePassword();
  const statements = readerStatements({
    name: user,
    database: databaseOf(url),
    passwordHash: hashPassword(secret),
  });
  if (values.print) say(statements.map((statement) => `${statement};`).join('\n'));
  else if (url !== undefined) await make(url, user, statements);
  if (given === undefined) process.stderr.write(`Password of ${user}, shown this once: ${secret}\n`);
}

async function make(url: string, user: string, statements: readonly string[]): Promise<void> {
  const db = openDb(url, { application: 'weir-cli' });
  try {
    if (await isEmbedded(db)) throw new Error(embedded);
    for (const [at, statement] of statements.entries()) {
      await db.command({ query: statement }).catch(async (error: unknown) => {
        // The first one made nothing: a user of that name, if there is one, is not ours to drop.
        if (at > 0) await undo(db, user);
        throw error;
      });
    }
  } catch (error) {
    throw failure(url, error);
  } finally {
    await db.close();
  }
  say(`User ${user} may read ${databaseOf(url)} on ${new URL(url).origin}.`);
}

/** A half-made user would have grants without limits, or none of either. */
async function undo(db: Db, user: string): Promise<void> {
  for (const query of undoStatements(user)) await db.command({ query }).catch(() => undefined);
}

/** The embedded store reads its one user from a file that Weir writes, and has nowhere to put another. */
async function isEmbedded(db: Db): Promise<boolean> {
  const result = await db.query({ query: 'SELECT 1', format: 'JSONEachRow' });
  await result.text();
  return result.response_headers['x-clickhouse-server-display-name'] === 'weir';
}

function databaseOf(url: string | undefined): string {
  const path = url === undefined ? '' : decodeURIComponent(new URL(url).pathname.slice(1));
  return check('the database of the URL', database, path === '' ? 'weir' : path);
}

const database = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'expected letters, digits, underscores');
