import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const BYTES = 32;

/**
 * What sessions are signed with: `<data dir>/session.secret`, made at the first start, so that a restart signs nobody out.
 * Without a data directory, or with one that takes no file, it is this process's own.
 */
export function readSecret(dataDir: string | undefined): Buffer {
  if (dataDir === undefined) return randomBytes(BYTES);
  const path = join(dataDir, 'session.secret');
  try {
    // `wx`: of two that start at once the second reads what the first has written.
    writeFileSync(path, `${randomBytes(BYTES).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  } catch {
    // It is there already, or cannot be: reading tells.
  }
  try {
    const secret = Buffer.from(readFileSync(path, 'utf8').trim(), 'base64url');
    if (secret.length >= BYTES) return secret;
    warn(`${path} holds no secret`);
  } catch (error) {
    warn(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'no code'})`);
  }
  return randomBytes(BYTES);
}

function warn(why: string): void {
  const message = `${why}: sessions end when the dashboard does`;
  console.error(JSON.stringify({ level: 'warn', message }));
}
