/** The store behind the proxy, which shares the machine: a query takes the time that no call needs. */
import { spawnSync } from 'node:child_process';
import { constants, setPriority } from 'node:os';

/**
 * Gives way to every other process: on Linux by the policy SCHED_IDLE (sched(7)), under which a thread is put aside the moment
 * another wants to run, and not at the end of its slice as with any niceness; where util-linux's `chrt` is not, by niceness. For
 * the process and whatever thread it starts from here on. Measured by `test/bench/busy-store.ts`.
 */
export function stepBack(): void {
  setPriority(constants.priority.PRIORITY_LOW);
  spawnSync('chrt', ['--all-tasks', '--idle', '--pid', '0', String(process.pid)], { stdio: 'ignore' });
}
