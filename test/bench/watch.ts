/** A shared machine stands still now and then, core by core. What was under way then is left out, whoever it belonged to. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('watcher.mjs', import.meta.url));

/** Watches every core for standstills until it is stopped. Times are ms since 1970, with fractions. */
export class Watch {
  readonly #still: [from: number, to: number][] = [];
  readonly #watchers: ChildProcess[];

  constructor() {
    const pinned = spawnSync('taskset', ['--version']).status === 0;
    const cores = pinned ? Array.from({ length: availableParallelism() }, (_, core) => core) : [null];
    this.#watchers = cores.map((core) => {
      const command = core === null ? [process.execPath] : ['taskset', '-c', String(core), process.execPath];
      const [program = '', ...rest] = [...command, script];
      const watcher = spawn(program, rest, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
      watcher.on('message', (spell) => this.#still.push(spell as [number, number]));
      return watcher;
    });
  }

  /** Whether every core ran all the time between two moments; asked a moment later, when the watchers have told. */
  ran(from: number, to: number): boolean {
    return !this.#still.some(([begin, end]) => begin < to && end > from);
  }

  /** ms during which at least one core stood still. */
  get lost(): number {
    let lost = 0;
    let until = 0;
    for (const [from, to] of this.#still.toSorted(([a], [b]) => a - b)) {
      lost += Math.max(0, to - Math.max(from, until));
      until = Math.max(until, to);
    }
    return lost;
  }

  stop(): void {
    for (const watcher of this.#watchers) watcher.disconnect();
  }
}

/** ms since 1970, with fractions. */
export const clock = (): number => performance.timeOrigin + performance.now();
