import type { Server } from 'node:http';
import { BodyFiles } from './body-files.ts';
import { parseConfig } from './config.ts';
import { clearTemporary, findHolder, prepareDataDir } from './data-dir.ts';
import type { DataDir } from './data-dir.ts';
import { Engine } from './engine.ts';
import { makeFifos } from './fifo.ts';
import { Gate } from './gate.ts';
import { createStoreServer } from './http.ts';
import { openLog } from './log.ts';
import { onParentGone } from './parent.ts';
import { ensurePassword } from './password.ts';
import { Runner } from './run.ts';
import { Sessions } from './sessions.ts';
import { stepBack } from './step-back.ts';

const limits = { held: 16 * 1024 * 1024, most: 256 * 1024 * 1024 };
const maxBodyBytes = 64 * 1024 ** 3;
/**
 * The process would hang in the engine's destructors, its port open and nobody answering, where another ends: it ends
 * itself, which costs nothing that was acknowledged, and is started again.
 */
process.on('uncaughtException', (error) => {
  openLog('error').write('error', 'crashed', { error: error.stack ?? error.message });
  process.kill(process.pid, 'SIGKILL');
});

async function main(): Promise<void> {
  const config = parseConfig(process.env);
  if (config.stepBack) stepBack();
  const log = openLog(config.log);
  const dataDir = prepareDataDir(config.dataDir, config.memory);
  const engine = openEngine(dataDir);
  clearTemporary(dataDir);
  const engineVersion = await readVersion(engine);
  const secret = ensurePassword(config.dataDir);
  // Threads that statements do not take are for files, compression, and for ending statements.
  const places = Math.max(3, config.threads - 8);
  const writers = Math.max(1, Math.floor(places / 4));
  const pipes = makeFifos(dataDir.pipes, places - writers);
  const { temporary } = dataDir;
  const runner = new Runner(engine, { pipes, temporary, writers, maxWaiting: 256 });
  const sessions = new Sessions(engine);
  const maxQueryMemory = Math.floor(config.memory / 2);
  const server = createStoreServer({
    runner,
    gate: new Gate(engine),
    sessions,
    secret,
    engineVersion,
    files: new BodyFiles(temporary, maxBodyBytes),
    limits,
    maxQueryMemory,
    log,
  });
  const port = await listen(server, config.port);
  let stopping = false;
  const stop = (why: string) => {
    if (stopping) return;
    stopping = true;
    log.write('info', 'stopping', { why });
    void close(server, runner, () => {
      sessions.close();
      engine.close();
    }).then(() => process.exit(0));
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  onParentGone(() => stop('parent gone'));
  process.stdout.write(
    `${JSON.stringify({ event: 'listening', url: `http://127.0.0.1:${port}`, pid: process.pid })}\n`,
  );
}

/** The addon says only that it could not open the directory; why, it writes on stderr. */
function openEngine(dataDir: DataDir): Engine {
  try {
    return Engine.open(dataDir.store, dataDir.engineArgs);
  } catch (error) {
    const holder = findHolder(dataDir);
    if (holder === undefined) throw error;
    throw new Error(`Another store (process ${holder}) has this data directory open: ${dataDir.root}`, {
      cause: error,
    });
  }
}

async function readVersion(engine: Engine): Promise<string> {
  const connection = await engine.connect({ settings: new Map() });
  try {
    await connection.run('CREATE DATABASE IF NOT EXISTS weir ENGINE = Atomic');
    const { bytes } = await connection.run('SELECT version()');
    return Buffer.from(bytes).toString().trim();
  } finally {
    connection.close();
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

/** Takes no more connections, ends the queries, finishes and answers the inserts in flight, closes the data directory. */
async function close(server: Server, runner: Runner, closeEngine: () => void): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // A connection becomes idle when its answer has been read; there is no event for that.
  const idle = setInterval(() => server.closeIdleConnections(), 20);
  const deadline = new Promise<void>((resolve) => setTimeout(resolve, 20_000));
  await runner.endQueries();
  await Promise.race([closed, deadline]);
  clearInterval(idle);
  closeEngine();
}

/** One sentence for what keeps the store from starting. */
function explain(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
    return `The store's port is in use: ${error.message}.`;
  return error instanceof Error ? error.message : String(error);
}

main().catch((error: unknown) => {
  process.stdout.write(`${JSON.stringify({ event: 'failed', error: explain(error) })}\n`, () => process.exit(1));
});
