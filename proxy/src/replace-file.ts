/** Files that are there whole or as they were before, whenever the process dies. */
import { renameSync, writeFileSync } from 'node:fs';

/** Writes beside the file, to the disk, and puts it in its place. Only its owner may read it. @throws when the disk refuses. */
export function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}
