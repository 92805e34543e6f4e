/**
 * A query is data: name, parameters, row, SQL. The server binds the values, the rows are parsed, and the text can be
 * shown with its parameters filled in, so that every number opens the SQL that made it.
 */
import { z } from 'zod';
import type { Db } from './db.ts';
import { bind, display, type Sql } from './sql.ts';

/** What stands behind an answer: shown by the `SQL` button. */
export interface Made {
  name: string;
  sql: string;
  rows: number;
  ms: number;
}

export interface Answer<Row> {
  rows: Row[];
  made: Made;
}

export interface Query<P, Row> {
  (db: Db, params: P): Promise<Row[]>;
  ask(db: Db, params: P): Promise<Answer<Row>>;
  text(params: P): string;
}

interface Definition<P extends z.ZodType, Row extends z.ZodType> {
  /** `overview.series`: goes to `log_comment`, so that the server's query log names the question. */
  name: `${string}.${string}`;
  params: P;
  row: Row;
  sql: (params: z.output<P>) => Sql;
  /** Seconds after which the server stops it. */
  limit?: number;
}

export const LIMIT_SECONDS = 5;

export function defineQuery<P extends z.ZodType, Row extends z.ZodType>(
  definition: Definition<P, Row>,
): Query<z.input<P>, z.output<Row>> {
  const { name, limit = LIMIT_SECONDS } = definition;
  const rows = z.array(definition.row);
  const build = (params: z.input<P>): Sql => definition.sql(definition.params.parse(params));

  const ask = async (db: Db, params: z.input<P>): Promise<Answer<z.output<Row>>> => {
    const fragment = build(params);
    const bound = bind(fragment);
    const started = performance.now();
    try {
      const result = await db.query({
        ...bound,
        format: 'JSONEachRow',
        clickhouse_settings: { log_comment: name, max_execution_time: limit },
      });
      const parsed = rows.parse(await result.json());
      const ms = performance.now() - started;
      return { rows: parsed, made: { name, sql: display(fragment), rows: parsed.length, ms } };
    } catch (error) {
      throw toQueryError(error, name, limit);
    }
  };
  const run = async (db: Db, params: z.input<P>): Promise<z.output<Row>[]> => (await ask(db, params)).rows;
  return Object.assign(run, { ask, text: (params: z.input<P>) => display(build(params)) });
}

export type QueryErrorCode = 'over_limit' | 'store_away' | 'unexpected_rows' | 'query_failed';

export class QueryError extends Error {
  constructor(
    readonly code: QueryErrorCode,
    readonly query: string,
    readonly limit: number,
    options: { cause: unknown; message: string },
  ) {
    super(options.message, { cause: options.cause });
  }
}

/** TIMEOUT_EXCEEDED, TOO_SLOW, MEMORY_LIMIT_EXCEEDED, TOO_MANY_ROWS and its kin. */
const overLimit = new Set(['159', '160', '241', '158', '307', '396']);
const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'UND_ERR_SOCKET',
]);

function codeOf(error: unknown): string {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    const code = (at as Error & { code?: unknown }).code;
    if (typeof code === 'string' || typeof code === 'number') return String(code);
  }
  return '';
}

function toQueryError(cause: unknown, name: string, limit: number): QueryError {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof z.ZodError)
    return new QueryError('unexpected_rows', name, limit, {
      cause,
      message: z.prettifyError(cause).replaceAll('\n', ' '),
    });
  const code = codeOf(cause);
  if (overLimit.has(code)) return new QueryError('over_limit', name, limit, { cause, message });
  // The client reports a broken or timed-out connection without a server code.
  const numeric = /^\d+$/.test(code);
  if (unreachable.has(code) || !numeric) return new QueryError('store_away', name, limit, { cause, message });
  return new QueryError('query_failed', name, limit, { cause, message });
}
