/** `npm start`: store, proxy and dashboard under one supervisor. */
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { migrate } from '@weir/schema/migrate';
import { readPassword } from '@weir/schema/store/password';
import { storeEnvironment, storeProgram } from '@weir/schema/store/spawn';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { parseSettings, secretNames, SettingsError, type Settings } from '../env.ts';
import { readFirstKey } from '../keys/text.ts';
import { nodeFlags } from '../node-flags.ts';
import { version } from '../version.ts';
import { listeningMessage, Part } from './supervisor.ts';

const readyDeadlineMs = 120_000;

export interface RunningWeir {
  proxyUrl: string;
  dashboardUrl: string;
  /** With credentials. */
  storeUrl: string;
  stop(): Promise<void>;
}

/** The command: starts everything, says where it is, and stays until it is told to stop. */
export async function start(): Promise<void> {
  const settings = readSettings();
  const { running, firstStart } = await startWeir(settings, process.env);
  say(welcome(settings, running, firstStart));
  stayUntilStopped(running);
}

/** @throws with one sentence when a part cannot start. */
export async function startWeir(
  settings: Settings,
  environment: NodeJS.ProcessEnv,
): Promise<{ running: RunningWeir; firstStart: boolean }> {
  const dataDir = resolve(settings.WEIR_DATA_DIR);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const parts: Part[] = [];
  const stop = async (): Promise<void> => {
    // Proxy first: what it still has to ship needs the store.
    for (const part of [...parts].reverse()) await part.stop();
  };
  const onHopeless = (sentence: string): void => {
    say(sentence);
    void stop().then(() => process.exit(1));
  };
  const common = { readyDeadlineMs, say, onHopeless };
  const startPart = async (part: Part): Promise<string> => {
    parts.push(part);
    return part.start();
  };
  const base = { ...environment, WEIR_DATA_DIR: dataDir };
  const fixed = new Map<string, string>();
  try {
    let storeUrl = settings.CLICKHOUSE_URL;
    if (storeUrl === undefined) {
      const url = await startPart(
        new Part({
          ...common,
          name: 'store',
          script: storeProgram(),
          environment: () =>
            storeEnvironment({ dataDir, port: portOf(fixed.get('store'), settings.WEIR_STORE_PORT), log: 'warn' }),
          ready: listeningLine,
          stopDeadlineMs: 30_000,
        }),
      );
      fixed.set('store', url);
      storeUrl = adminUrl(url, dataDir);
      // Before anything is said to run: the first query of a new user must find the tables. The proxy makes them where a
      // server is named, for that may be away now.
      await migrate(storeUrl, {
        retainDays: settings.WEIR_RETAIN_DAYS,
        retainBodiesDays: settings.WEIR_RETAIN_BODIES_DAYS,
      });
    }
    const firstStart = readFirstKey(dataDir).made;
    const dashboard = new Part({
      ...common,
      name: 'dashboard',
      script: dashboardProgram(),
      environment: () => ({
        ...withoutProviderSecrets(base),
        HOST: settings.WEIR_HOST,
        PORT: String(portOf(fixed.get('dashboard'), settings.WEIR_DASHBOARD_PORT)),
        CLICKHOUSE_URL: storeUrl,
        WEIR_PROXY_URL: fixed.get('proxy'),
        NODE_ENV: 'production',
      }),
      ready: listeningMessage,
      stopDeadlineMs: 5_000,
    });
    const proxy = new Part({
      ...common,
      name: 'proxy',
      script: join(dirname(fileURLToPath(import.meta.url)), 'main.js'),
      nodeFlags,
      environment: () => ({
        ...base,
        CLICKHOUSE_URL: storeUrl,
        WEIR_PROXY_PORT: String(portOf(fixed.get('proxy'), settings.WEIR_PROXY_PORT)),
      }),
      ready: listeningMessage,
      stopDeadlineMs: 30_000,
    });
    fixed.set('proxy', await startPart(proxy));
    fixed.set('dashboard', await startPart(dashboard));
    const running = {
      proxyUrl: fixed.get('proxy') ?? '',
      dashboardUrl: fixed.get('dashboard') ?? '',
      storeUrl,
      stop: async () => {
        await dashboard.stop();
        await proxy.stop();
        await stop();
      },
    };
    return { running, firstStart };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * What the dashboard is given: it asks for the password, and administers by the first key of the data directory. It shows what
 * strangers have written; the keys that Weir holds for providers are none of its business.
 */
function withoutProviderSecrets(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = { ...environment };
  for (const name of [...secretNames, 'WEIR_SECRET', 'WEIR_NEW_SECRET']) delete kept[name];
  return kept;
}

/** Ctrl-C once: everything ends in order. Twice: at once. */
export function stayUntilStopped(running: RunningWeir): void {
  let asked = false;
  const end = (): void => {
    if (asked) process.exit(130);
    asked = true;
    say('Stopping: calls in flight may finish, what was recorded goes to the store. Ctrl-C again ends at once.');
    void running.stop().then(() => {
      say('Stopped. Nothing was lost.');
      process.exit(0);
    });
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
}

/** @throws never: a wrong setting ends the process with its sentence. */
export function readSettings(environment: NodeJS.ProcessEnv = process.env): Settings {
  try {
    return parseSettings(environment);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    say(error.message);
    process.exit(1);
  }
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function welcome(settings: Settings, running: RunningWeir, firstStart: boolean): string {
  const store = new URL(running.storeUrl);
  const lines = [
    '',
    `Weir ${version} is running.`,
    '',
    `  proxy      ${running.proxyUrl}`,
    `  dashboard  ${running.dashboardUrl}`,
    `  store      ${store.origin}   (ClickHouse over HTTP; data in ${settings.WEIR_DATA_DIR})`,
    '',
    'A first request:',
    '',
    `  curl ${running.proxyUrl}/openai/v1/chat/completions \\`,
    '    -H "Authorization: Bearer $OPENAI_API_KEY" -H "Content-Type: application/json" -H "Weir-User: alice" \\',
    `    -d '{"model":"gpt-5-mini","messages":[{"role":"user","content":"Say hello."}]}'`,
    '',
    `Then look at ${running.dashboardUrl}, or ask: npm run weir -- sql "SELECT * FROM requests"`,
  ];
  if (firstStart) {
    const key = readFirstKey(resolve(settings.WEIR_DATA_DIR)).text;
    lines.push('', `Your first Weir key, shown this once (kept in ${join(settings.WEIR_DATA_DIR, 'key')}): ${key}`);
  }
  return [...lines, '', 'Ctrl-C stops everything; nothing is lost.'].join('\n');
}

function adminUrl(url: string, dataDir: string): string {
  const admin = new URL(`${url}/weir`);
  admin.username = 'weir';
  admin.password = readPassword(dataDir);
  return admin.href;
}

/** A port that was free once is kept when its part is started again. */
function portOf(url: string | undefined, wished: number): number {
  return url === undefined ? wished : Number(new URL(url).port);
}

function dashboardProgram(): string {
  const manifest = createRequire(import.meta.url).resolve('@weir/dashboard/package.json');
  return join(dirname(manifest), 'server.js');
}

/** The store says on stdout where it listens, one JSON object a line. */
function listeningLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    if (child.stdout === null) return reject(new Error('The store has no output to read.'));
    createInterface({ input: child.stdout }).on('line', (line) => {
      let message: { event?: string; url?: string; error?: string };
      try {
        message = JSON.parse(line) as typeof message;
      } catch {
        return;
      }
      if (message.event === 'listening' && message.url !== undefined) resolve(message.url);
      if (message.event === 'failed') reject(new Error(message.error ?? 'The store could not start.'));
    });
  });
}
