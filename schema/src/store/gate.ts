import type { Connection, ConnectOptions, Engine } from './engine.ts';
import { StoreError } from './errors.ts';
import { isFormatName } from './formats.ts';
import { findForbidden, findForbiddenText, findUnjudgedNames } from './gate-ast.ts';
import { limits, settings as allowedSettings } from './gate-lists.ts';
import { Lane } from './lanes.ts';
import { quoteString } from './literal.ts';
import type { StoreRequest } from './request.ts';
import type { Statement } from './statement.ts';

export interface Admission {
  readonly statement: Extract<Statement, { kind: 'select' }>;
  readonly connect: ConnectOptions;
}

/**
 * Lets through what anyone on this machine may ask: one SELECT over the database weir. The engine spells the statement its
 * own way and parses that spelling; both are held against allow lists, and exactly that spelling is what runs, on a
 * connection reduced to a role that reads weir.*, read-only, with limits. Any one of these would do for most attacks;
 * none does for all (chDB lets a read-only connection take its roles back, and call file()).
 */
export class Gate {
  readonly #engine: Engine;
  readonly #lane = new Lane({ name: 'gate', places: [0, 1], maxWaiting: 64 });

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Refuses with 403 and a sentence, or says what to run and how. */
  async admit(statement: Statement, request: StoreRequest, signal: AbortSignal): Promise<Admission> {
    if (statement.kind !== 'select') throw refusal('only a SELECT is answered');
    if (statement.tail.trim() !== '') throw refusal('a SETTINGS clause is not');
    if (statement.format !== undefined && !isFormatName(statement.format)) throw refusal('this format is not');
    if (statement.head.length > maxLength) throw refusal(`a statement of more than ${maxLength} characters is not`);
    if (statement.head.includes('\0')) throw refusal('a NUL character is not');
    if (request.role.length) throw refusal('a role is not');
    if (request.database !== undefined && !['weir', 'default'].includes(request.database))
      throw refusal('another database is not');
    const connect = readConnection(request);
    const head = await this.#lane.use(signal, () => this.#check(statement.head, connect));
    return { connect, statement: { ...statement, sql: head, head, tail: '' } };
  }

  async #check(sql: string, connect: ConnectOptions): Promise<string> {
    const connection = await this.#engine.connect(connect);
    try {
      const spelt = await readText(connection, `SELECT formatQuerySingleLine(${quoteString(sql)})`);
      const byText = findForbiddenText(spelt);
      if (byText) throw refusal(byText);
      const byTree = findForbidden(await readText(connection, `EXPLAIN AST ${spelt}`));
      if (byTree) throw refusal(byTree);
      await refuseFunctionNames(connection, spelt);
      return spelt;
    } finally {
      connection.close();
    }
  }
}

async function refuseFunctionNames(connection: Connection, sql: string): Promise<void> {
  const names = findUnjudgedNames(sql);
  if (names.length === 0) return;
  // Asked each time: an owner may have made functions since.
  const list = names.map(quoteString).join(', ');
  const known = await readText(connection, `SELECT name FROM system.functions WHERE lower(name) IN (${list}) LIMIT 1`);
  if (known) throw refusal(`the name of the function ${known} is not`);
}

const maxLength = 64 * 1024;

async function readText(connection: Connection, sql: string): Promise<string> {
  const { bytes } = await connection.run(sql, 'TSVRaw');
  return Buffer.from(bytes).toString('utf8').replace(/\n$/, '');
}

function readConnection(request: StoreRequest): ConnectOptions {
  const settings = new Map([...limits].map(([name, most]) => [name, String(most)]));
  for (const [name, value] of fixed) settings.set(name, value);
  for (const [name, value] of request.settings) {
    if (name === 'readonly') continue;
    const most = limits.get(name);
    if (most !== undefined) settings.set(name, String(lower(value, most)));
    else if (allowedSettings.has(name)) settings.set(name, value);
    else throw refusal(`the setting ${name} is not`);
  }
  for (const [name, value] of request.parameters) settings.set(`param_${name}`, value);
  return { database: 'weir', settings, roles: ['weir_reader'], readonly: 1 };
}

/** Zero is “no limit” to the engine. */
function lower(value: string, most: number): number {
  const wanted = Number(value);
  return Number.isFinite(wanted) && wanted > 0 ? Math.min(wanted, most) : most;
}

const fixed: ReadonlyArray<readonly [name: string, value: string]> = [
  ['max_result_bytes', String(512 * 1024 * 1024)],
  ['result_overflow_mode', 'throw'],
  ['max_temporary_data_on_disk_size_for_query', String(1024 * 1024 * 1024)],
  ['max_ast_elements', '20000'],
  ['max_expanded_ast_elements', '100000'],
  ['max_ast_depth', '300'],
  ['max_recursive_cte_evaluation_depth', '100'],
  ['allow_ddl', '0'],
  ['priority', '2'],
];

function refusal(what: string): StoreError {
  const sentence = what.endsWith('answered') ? what : `${what} allowed`;
  return new StoreError(497, 'ACCESS_DENIED', `Without the store's password ${sentence}.`, 403);
}
