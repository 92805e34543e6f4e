/** What `weir sql` was told: words and standard input, checked. */
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { storeUrl } from '../store-url.ts';
import { check, parseWords, UsageError } from '../usage.ts';
import { chooseFormat, isBinary } from './formats.ts';

export const usage =
  'Usage: npm run weir -- sql "SELECT …" [--format NAME] [--out FILE] [--param NAME=VALUE]… [--timeout SECONDS] [--url URL]';

const format = z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, 'expected the name of a ClickHouse format');
const file = z.string().min(1, 'expected the name of a file');
const param = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}=/, 'expected NAME=VALUE, for {NAME:Type} in the statement');
const seconds = z
  .string()
  .regex(/^\d+$/, 'expected whole seconds')
  .transform(Number)
  .pipe(z.number().min(1, 'expected at least 1 second').max(86_400, 'expected at most 86400 seconds'));

export interface SqlOptions {
  /** undefined: it comes on standard input. */
  statement: string | undefined;
  format: string;
  /** Whether the format was asked for by name: a FORMAT clause must then not say another. */
  formatNamed: boolean;
  out: string | undefined;
  /** Values of `{name:Type}`; null where the value is `\N`, as ClickHouse writes NULL. */
  params: Record<string, string | null>;
  url: string | undefined;
  timeout: number | undefined;
}

/** @param at which of the standard streams are terminals. @throws UsageError */
export function readOptions(words: string[], at: { stdin: boolean; stdout: boolean }): SqlOptions {
  const { values, positionals } = parseWords(
    {
      args: words,
      allowPositionals: true,
      options: {
        format: { type: 'string' },
        out: { type: 'string' },
        param: { type: 'string', multiple: true, default: [] },
        timeout: { type: 'string' },
        url: { type: 'string' },
      },
    },
    usage,
  );
  if (positionals.length > 1) throw new UsageError(`Expected one statement, in quotes.\n${usage}`);
  const statement = positionals[0] === '-' ? undefined : positionals[0];
  if (positionals.length === 0 && at.stdin) throw new UsageError(usage);
  if (statement?.trim() === '') throw new UsageError(`The statement is empty.\n${usage}`);
  const out = values.out === undefined ? undefined : check('--out', file, values.out);
  const terminal = at.stdout && out === undefined;
  const named = values.format === undefined ? undefined : check('--format', format, values.format);
  if (named !== undefined && terminal && isBinary(named)) throw new UsageError(binarySentence(named));
  return {
    statement,
    format: named ?? chooseFormat({ out, terminal }),
    formatNamed: named !== undefined,
    out,
    params: Object.fromEntries(values.param.map((pair) => splitParam(check('--param', param, pair)))),
    url: values.url === undefined ? undefined : check('--url', storeUrl, values.url),
    timeout: values.timeout === undefined ? undefined : check('--timeout', seconds, values.timeout),
  };
}

/** Why a result was not written to a terminal. */
export function binarySentence(name: string): string {
  return `${name} is binary: name a file with --out, or send it into a pipe.`;
}

/** The statement of a pipe or a file on standard input. @throws UsageError when there is none. */
export async function readStatement(options: SqlOptions): Promise<string> {
  if (options.statement !== undefined) return options.statement;
  const statement = await text(process.stdin);
  if (statement.trim() === '') throw new UsageError(`Standard input holds no statement.\n${usage}`);
  return statement;
}

function splitParam(pair: string): [name: string, value: string | null] {
  const at = pair.indexOf('=');
  const value = pair.slice(at + 1);
  return [pair.slice(0, at), value === '\\N' ? null : value];
}
