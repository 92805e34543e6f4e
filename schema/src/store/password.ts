import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const fileName = 'store.password';

/** The password of this data directory, made at the first start and readable by its owner alone. */
export function ensurePassword(dataDir: string): string {
  const path = join(dataDir, fileName);
  try {
    // `wx`: of two first starts at once, one makes it and both read the same.
    writeFileSync(path, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (!isExisting(error)) throw error;
  }
  return readPassword(dataDir);
}

/** Reads the password that the store made. */
export function readPassword(dataDir: string): string {
  const password = readFileSync(join(dataDir, fileName), 'utf8').trim();
  if (password.length < 16) throw new Error(`${join(dataDir, fileName)} holds no password of 16 characters or more`);
  return password;
}

/** Compares in a time that tells nothing about where two texts differ, nor about their lengths. */
export function equalSecrets(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function isExisting(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}
