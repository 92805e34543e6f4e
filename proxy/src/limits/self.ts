/** What names this proxy among those that share their limits: made once, kept beside its spool. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../replace-file.ts';

/** @param directory of the spool, which this process has locked. */
export function readSelf(directory: string): string {
  const path = join(directory, 'self');
  let text = '';
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch {
    // The first start.
  }
  if (/^[0-9a-f-]{36}$/.test(text)) return text;
  const made = randomUUID();
  replaceFile(path, made);
  return made;
}
