/**
 * The statements that make a read-only user on a ClickHouse server: what the embedded store's port without credentials allows,
 * said in ClickHouse's own access control. It has to hold by itself, since nothing of Weir stands before a server.
 */
import { createHash, randomBytes } from 'node:crypto';
import { tables } from '@weir/schema/records';
import { hiddenTables } from '@weir/schema/store/gate-lists';
import { quoteName } from '@weir/schema/store/literal';

export interface ReaderOptions {
  name: string;
  /** The database that CLICKHOUSE_URL names. */
  database: string;
  /** SHA-256 of the password in hexadecimal: the password itself is in no statement, and so in no log. */
  passwordHash: string;
}

const GiB = 1024 ** 3;

/** Limits that a query may lower but not lift. 0 would mean “no limit”: hence MIN 1. */
const limits: readonly (readonly [setting: string, standard: number, most: number])[] = [
  ['max_execution_time', 60, 60],
  ['max_memory_usage', 2 * GiB, 2 * GiB],
  ['max_threads', 4, 8],
  ['max_result_rows', 2_000_000, 2_000_000],
  ['max_result_bytes', GiB, GiB],
];

/** What no query may change. */
const fixed: readonly (readonly [setting: string, value: string])[] = [
  // 2, not 1: clients set formats and timeouts with each query. What they must not lift is bounded here.
  ['readonly', '2'],
  ['allow_ddl', '0'],
  ['allow_introspection_functions', '0'],
  // “break” would pass half a result off as a whole one.
  ['timeout_overflow_mode', "'throw'"],
  ['result_overflow_mode', "'throw'"],
  ['read_overflow_mode', "'throw'"],
  ['max_memory_usage_for_user', String(4 * GiB)],
  ['max_temporary_data_on_disk_size_for_query', String(4 * GiB)],
  ['max_concurrent_queries_for_user', '8'],
  ['max_ast_depth', '300'],
  ['max_ast_elements', '20000'],
  ['max_expanded_ast_elements', '100000'],
  ['max_recursive_cte_evaluation_depth', '100'],
  ['priority', '2'],
];

/** Tables that untrusted SQL may read: all but those that hold secrets, the same as in the embedded store's gate. */
export function readableTables(): string[] {
  return Object.keys(tables).filter((table) => !hiddenTables.has(table));
}

/** In the order in which they are run; the first fails when the name is taken, before anything has been changed. */
export function readerStatements({ name, database, passwordHash }: ReaderOptions): string[] {
  const user = quoteName(name);
  const own = ownName(name);
  const settings = [
    ...limits.map(([setting, standard, most]) => `${setting} = ${standard} MIN 1 MAX ${most}`),
    ...fixed.map(([setting, value]) => `${setting} = ${value} CONST`),
  ];
  return [
    `CREATE USER ${user} IDENTIFIED WITH sha256_hash BY '${passwordHash}' DEFAULT DATABASE ${quoteName(database)}`,
    `CREATE SETTINGS PROFILE OR REPLACE ${own} SETTINGS\n    ${settings.join(',\n    ')}\n  TO ${user}`,
    `CREATE QUOTA OR REPLACE ${own}\n  FOR INTERVAL 1 minute MAX queries = 120,\n  FOR INTERVAL 1 hour MAX queries = 2000, execution_time = 1800\n  TO ${user}`,
    ...readableTables().map((table) => `GRANT SELECT ON ${quoteName(database)}.${quoteName(table)} TO ${user}`),
  ];
}

/** What takes back what `readerStatements` made. */
export function undoStatements(name: string): string[] {
  const own = ownName(name);
  return [
    `DROP USER IF EXISTS ${quoteName(name)}`,
    `DROP SETTINGS PROFILE IF EXISTS ${own}`,
    `DROP QUOTA IF EXISTS ${own}`,
  ];
}

/** Profile and quota of a reader: a name that nobody else's has, so that replacing them replaces only ours. */
function ownName(user: string): string {
  return quoteName(`weir_reader_${user}`);
}

/** 144 random bits, in letters and digits that need no escaping in a URL. */
export function makePassword(): string {
  return randomBytes(18).toString('base64url');
}

export function hashPassword(password: string): string {
  return createHash('sha256').update(password).digest('hex');
}
