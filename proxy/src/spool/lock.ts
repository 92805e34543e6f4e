/** One process for one spool: two would ship the same rows under different names. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Takes the spool in `directory`; a lock whose process is gone (after `kill -9`) is taken over.
 * @returns gives it back.
 * @throws with code `spool_locked`, naming the process that has it.
 */
export function lockSpool(directory: string): () => void {
  const path = join(directory, 'lock');
  if (existsSync(path)) {
    const owner = readFileSync(path, 'utf8').trim();
    if (owner !== identity(process.pid) && owner === identity(Number(owner.split(' ')[0]))) {
      const message = `Another Weir (process ${owner.split(' ')[0]}) works in ${directory}: end it, or set WEIR_DATA_DIR.`;
      throw Object.assign(new Error(message), { code: 'spool_locked' });
    }
  }
  writeFileSync(path, identity(process.pid), { mode: 0o600 });
  return () => rmSync(path, { force: true });
}

/** A process id and, where the system tells, when that process began: ids are used again. '' when it does not live. */
function identity(pid: number): string {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return '';
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 22, counted behind the name in parentheses, which may contain anything (proc(5)).
    return `${pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''}`;
  } catch {
    return `${pid} `;
  }
}
