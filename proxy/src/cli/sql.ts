/**
 * `weir sql "…"`: one statement to the store; the answer goes to standard output or a file as it comes, whole or with an
 * error. Exit codes: 0 done, 1 the query failed, 2 called wrongly, 130 and 143 interrupted.
 */
import { openDb } from '@weir/schema/db';
import { openRaw, type RawResult } from '@weir/schema/raw';
import { openFile, openOutput, ReaderGone, type Destination } from './sql/destination.ts';
import { isBinary, isLineARow } from './sql/formats.ts';
import { binarySentence, readOptions, readStatement, type SqlOptions } from './sql/options.ts';
import { startProgress, type Progress } from './sql/progress.ts';
import { readSettings } from './start.ts';
import { failure, storeUrlOf } from './store-url.ts';
import { UsageError } from './usage.ts';

/** Seconds that an export from the store of this machine may take. A server named by a URL has limits of its own. */
const ownLimit = 600;
/** Milliseconds without a byte after which a connection counts as dead, on top of the query's own limit. */
const graceMs = 30_000;

/** @throws UsageError, or an error with one sentence. */
export async function runSql(words: string[]): Promise<void> {
  const options = readOptions(words, { stdin: process.stdin.isTTY, stdout: process.stdout.isTTY });
  const statement = await readStatement(options);
  const settings = options.url === undefined ? readSettings() : undefined;
  const url = options.url ?? storeUrlOf(settings ?? readSettings());
  const own = settings !== undefined && settings.CLICKHOUSE_URL === undefined;
  const limit = options.timeout ?? (own ? ownLimit : undefined);
  const abort = abortOnSignals();
  const db = openDb(url, { application: 'weir-cli', timeoutMs: (limit ?? 3_600) * 1000 + graceMs });
  try {
    await exportTo(
      options,
      (signal) => openRaw(db, { statement, format: options.format, params: options.params, limit, signal }),
      abort.signal,
    );
  } catch (error) {
    if (error instanceof ReaderGone) return;
    if (abort.signal.aborted) {
      process.exitCode = abort.signal.reason === 'SIGINT' ? 130 : 143;
      return;
    }
    throw failure(url, error);
  } finally {
    abort.done();
    await db.close();
  }
}

async function exportTo(
  options: SqlOptions,
  ask: (signal: AbortSignal) => Promise<RawResult>,
  signal: AbortSignal,
): Promise<void> {
  const terminal = options.out === undefined && process.stdout.isTTY;
  const to = options.out === undefined ? openOutput(process.stdout, terminal) : await openFile(options.out);
  const progress = startProgress({ to: process.stderr, rows: isLineARow(options.format), shared: terminal });
  let whole = false;
  try {
    const result = await ask(signal);
    try {
      refuseSurprises(options, result.format, terminal);
      await copy(result, to, progress, signal);
    } finally {
      result.close();
    }
    await to.keep();
    whole = true;
  } finally {
    progress.end(whole);
    if (!whole) await to.abandon();
  }
}

/** One chunk at a time: what is not written yet is not read. */
async function copy(result: RawResult, to: Destination, progress: Progress, signal: AbortSignal): Promise<void> {
  const close = (): void => result.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    for await (const bytes of result.bytes) {
      await to.write(bytes);
      progress.count(bytes);
    }
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', close);
  }
}

/** The statement's own FORMAT clause wins in the store: it must not contradict what was asked for. */
function refuseSurprises(options: SqlOptions, format: string | undefined, terminal: boolean): void {
  if (format === undefined) return;
  if (options.formatNamed && format.toLowerCase() !== options.format.toLowerCase()) {
    throw new UsageError(`The statement says FORMAT ${format} and --format says ${options.format}: give one.`);
  }
  if (terminal && isBinary(format)) throw new UsageError(binarySentence(format));
}

/** Ctrl-C and SIGTERM end the query and take the unfinished file away. */
function abortOnSignals(): { signal: AbortSignal; done: () => void } {
  const controller = new AbortController();
  const listeners = (['SIGINT', 'SIGTERM'] as const).map((name) => {
    const listener = (): void => controller.abort(name);
    process.once(name, listener);
    return () => process.off(name, listener);
  });
  return { signal: controller.signal, done: () => listeners.forEach((remove) => remove()) };
}
