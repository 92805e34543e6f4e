/** A real redis-server: Debian's, on loopback, keeping nothing, in a directory that goes away. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until, within } from './deadline.ts';

const program = process.env.REDIS_SERVER_PATH ?? '/usr/bin/redis-server';

/** Why tests with Redis cannot run here; null when they can. */
export const whyNoRedis = existsSync(program)
  ? null
  : `there is no ${program} (apt-get install redis-server, or REDIS_SERVER_PATH)`;

export interface TestRedis {
  url: string;
  port: number;
  /** Ends it at once; what it held is lost. */
  kill(): Promise<void>;
  /** Starts it again, empty, on the same port. */
  restart(): Promise<void>;
  /** It stays, and answers nothing. */
  freeze(): void;
  thaw(): void;
  /** Sends one command. @returns what came back, as Redis writes it. */
  command(...words: string[]): Promise<string>;
  stop(): Promise<void>;
}

/** @param password that clients must give; '' for none. */
export async function startRedis(password = ''): Promise<TestRedis> {
  const directory = mkdtempSync(join(tmpdir(), 'weir-redis-'));
  const port = await freePort();
  let child: ChildProcess | null = null;
  const start = async (): Promise<void> => {
    const settings = { port, bind: '127.0.0.1', save: '', appendonly: 'no', dir: directory, requirepass: password };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    child = spawn(program, args, { stdio: 'ignore' });
    await until(20_000, 'redis answers', async () =>
      (await command(port, password, ['PING']).catch(() => '')).includes('PONG') ? true : undefined,
    );
  };
  const kill = async (): Promise<void> => {
    const running = child;
    child = null;
    if (running === null) return;
    const exited = once(running, 'exit');
    running.kill('SIGKILL');
    await within(10_000, 'redis is dead', exited);
  };
  await start();
  return {
    url: `redis://${password === '' ? '' : `:${password}@`}127.0.0.1:${port}`,
    port,
    kill,
    restart: start,
    freeze: () => child?.kill('SIGSTOP'),
    thaw: () => child?.kill('SIGCONT'),
    command: (...words) => command(port, password, words),
    stop: async () => {
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Over a connection of its own. */
async function command(port: number, password: string, words: string[]): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port });
  const write = (parts: string[]): void => {
    socket.write(`*${parts.length}\r\n${parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`);
  };
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  const closed = new Promise<void>((resolve, reject) => {
    socket.on('close', () => resolve());
    socket.on('error', reject);
  });
  if (password !== '') write(['AUTH', password]);
  write(words);
  write(['QUIT']);
  await within(10_000, `redis answers ${words[0]}`, closed);
  const text = Buffer.concat(chunks).toString();
  return text
    .slice(password === '' ? 0 : '+OK\r\n'.length)
    .replace(/\+OK\r\n$/, '')
    .trim();
}
