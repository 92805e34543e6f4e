/**
 * Starts store, proxy and dashboard, each in a process of its own; starts again the one that dies; stops them in the order
 * that loses nothing: proxy first, so that its spool still finds the store.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** The exit code of a part that a new start would not help (sysexits.h, EX_CONFIG). */
const configurationExit = 78;
const restartDelaysMs = [200, 1_000, 3_000, 10_000];
const steadyMs = 60_000;

export interface PartOptions {
  name: string;
  script: string;
  environment: () => Record<string, string | undefined>;
  nodeFlags?: readonly string[];
  /** Told by the part's own message, or, for one that sends none, by this probe. */
  ready: (child: ChildProcess) => Promise<string>;
  readyDeadlineMs: number;
  stopDeadlineMs: number;
  say: (line: string) => void;
  /** The part cannot run with these settings. */
  onHopeless: (sentence: string) => void;
}

/** One part of Weir: a child process that is kept alive. */
export class Part {
  url = '';
  #child: ChildProcess | null = null;
  #stopping = false;
  #failures = 0;
  #lastWords: string[] = [];

  constructor(private readonly options: PartOptions) {}

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** @throws with the part's own sentence when it does not come up. */
  async start(): Promise<string> {
    const { options } = this;
    const child = fork(options.script, [], {
      env: options.environment() as NodeJS.ProcessEnv,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [...(options.nodeFlags ?? [])],
      // A group of its own: Ctrl-C in a terminal must reach the supervisor only, which ends the parts in their order.
      detached: true,
    });
    this.#child = child;
    this.#lastWords = [];
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#hear(line));
    }
    const startedAt = Date.now();
    let up = false;
    child.on('exit', (code, signal) => {
      if (up && !this.#stopping) this.#died(code, signal, Date.now() - startedAt);
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`${options.name} did not come up within ${options.readyDeadlineMs / 1000} s.`)),
        options.readyDeadlineMs,
      );
    });
    const gone = once(child, 'exit').then(([code]: (number | null)[]) => {
      const sentence = this.#lastWords.at(-1) ?? `${options.name} ended with code ${code}.`;
      throw Object.assign(new Error(sentence), { hopeless: code === configurationExit });
    });
    gone.catch(() => undefined);
    try {
      this.url = await Promise.race([options.ready(child), gone, late]);
    } finally {
      clearTimeout(timer);
    }
    up = true;
    return this.url;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), this.options.stopDeadlineMs);
    await exited;
    clearTimeout(timer);
  }

  /** Ends it at once; for a second Ctrl-C. */
  kill(): void {
    this.#stopping = true;
    this.#child?.kill('SIGKILL');
  }

  #hear(line: string): void {
    if (line.trim() === '') return;
    this.#lastWords = [...this.#lastWords.slice(-19), line];
    if (this.url !== '') this.options.say(`${this.options.name}: ${line}`);
  }

  #died(code: number | null, signal: string | null, livedMs: number): void {
    this.#failures = livedMs > steadyMs ? 1 : this.#failures + 1;
    const delay = restartDelaysMs[Math.min(this.#failures, restartDelaysMs.length) - 1] ?? 10_000;
    this.options.say(
      `${this.options.name} ended (${signal ?? `code ${code}`}); starting it again in ${delay / 1000} s.`,
    );
    setTimeout(() => void this.#again(), delay);
  }

  async #again(): Promise<void> {
    if (this.#stopping) return;
    try {
      await this.start();
      this.options.say(`${this.options.name} is back at ${this.url}.`);
    } catch (error) {
      if (this.#stopping) return;
      const { message, hopeless } = error as Error & { hopeless?: boolean };
      if (hopeless === true) return this.options.onHopeless(message);
      this.kill();
      this.#stopping = false;
      this.options.say(message);
      this.#died(null, null, 0);
    }
  }
}

/** Resolves with the address in the part's `{event: "listening", url}` message. */
export function listeningMessage(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.on('message', (message: { event?: string; url?: string }) => {
      if (message.event === 'listening' && message.url !== undefined) resolve(message.url);
    });
  });
}
