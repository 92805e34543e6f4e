import { collect, collectAll, resume } from './body.ts';
import type { Body } from './body.ts';
import { StoreError } from './errors.ts';
import type { RunOptions, Runner } from './run.ts';
import type { BodyFiles, DataFile } from './body-files.ts';
import { parseStatement, readInfile } from './statement.ts';
import type { Statement } from './statement.ts';

/** How much of an owner's body is held in memory. */
export interface UploadLimits {
  /** Of an insert that may as well be read from a file. */
  readonly held: number;
  /** Of everything else. */
  readonly most: number;
}

/** What reading a body needs. */
export interface UploadTools {
  readonly runner: Runner;
  readonly files: BodyFiles;
  readonly limits: UploadLimits;
}

/**
 * Reads the statement of an owner's POST and its data, then does the work. Data that does not fit in memory waits in a file,
 * which lasts as long as the work; what can only be one block (a deduplication token) or has no such form (`input()`) is
 * held in memory, up to a limit.
 */
export async function withStatement<Result>(
  { chunks, compression }: Body,
  query: Buffer,
  options: { tools: UploadTools; token: boolean; decode: Pick<RunOptions, 'signal' | 'connect'> },
  work: (statement: Statement) => Promise<Result>,
): Promise<Result> {
  const { runner, files, limits } = options.tools;
  const whole = (body: Buffer) => settle(parseStatement([query, body]), files, work);
  if (compression !== undefined) {
    return files.use(chunks, async (path) => {
      const insert = options.token ? undefined : inFile(parseOrNothing(query), { path, compression });
      return insert ? work(insert) : whole(await runner.decode(path, compression, limits.most, options.decode));
    });
  }
  const { bytes, more } = await collect(chunks, options.token ? limits.most : limits.held);
  if (!more) return whole(bytes);
  const statement = options.token ? undefined : parseOrNothing(query, bytes);
  if (statement?.kind === 'insert' && inFile(statement, plain('')) && !namesToken(statement.prefix)) {
    return files.use(resume(statement.data, chunks), (path) => work(inFile(statement, plain(path))!));
  }
  return whole(await collectAll(resume(bytes, chunks), limits.most));
}

/**
 * Data with an empty line goes through a file as well: where data follows its statement, the engine takes an empty line for
 * the data's end, and what comes after it for the next statement (ClientBase::parseInsertQuery looks for two line ends).
 */
async function settle<Result>(
  statement: Statement,
  files: BodyFiles,
  work: (statement: Statement) => Promise<Result>,
): Promise<Result> {
  if (statement.kind !== 'insert') return work(statement);
  const { data } = statement;
  if (data[0] !== 0x0a && !data.includes('\n\n')) return work(statement);
  if (!inFile(statement, plain(''))) {
    throw new StoreError(
      48,
      'NOT_IMPLEMENTED',
      'Data with empty lines cannot be read by input(): insert it without a SELECT',
    );
  }
  return files.use(resume(data, []), (path) => work(inFile(statement, plain(path))!));
}

/** The insert with its data in a file, where it can be read from one. */
function inFile(statement: Statement | undefined, file: DataFile): Statement | undefined {
  if (statement?.kind !== 'insert') return undefined;
  const sql = readInfile(statement.prefix, file);
  return sql === undefined || (file.compression !== 'none' && namesToken(statement.prefix))
    ? undefined
    : { kind: 'infile', sql };
}

function plain(path: string): DataFile {
  return { path, compression: 'none' };
}

function namesToken(prefix: string): boolean {
  return /insert_deduplication_token/i.test(prefix);
}

function parseOrNothing(...parts: Buffer[]): Statement | undefined {
  return parts.some((part) => part.length > 0) ? parseStatement(parts) : undefined;
}
