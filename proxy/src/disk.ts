/** Room on the disk of the data directory. */
import { statfsSync } from 'node:fs';

/** Below this much, in bytes, a person is told: merges of the store's parts need room, and so does a day of the store away. */
export const leastFreeBytes = 2 * 1024 ** 3;

/** Bytes that an ordinary user may still write on the disk that holds `path`; 0 where it cannot be told. */
export function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return 0;
  }
}
