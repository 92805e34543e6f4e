/** The text of a Weir key: made at random, shown once, kept as a hash. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { timeText, type KeyRow } from '@weir/schema/records';
import { openKey } from '@weir/schema/settings/key';

export const keyPrefix = 'wk_';

/** 256 random bits, which need no slow hash. */
export function makeText(): string {
  return keyPrefix + randomBytes(32).toString('base64url');
}

/** SHA-256 in hexadecimal. */
export function hashKey(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** What a key is called in rows and lists: its first text's hash, which tells nothing of it. */
export function keyIdOf(text: string): string {
  return `key_${hashKey(text).slice(0, 12)}`;
}

/** The key made at the first start: `<data dir>/key`. `made`: just now. */
export function readFirstKey(dataDir: string): { text: string; made: boolean } {
  const path = join(dataDir, 'key');
  const made = !existsSync(path);
  if (made) writeFileSync(path, `${makeText()}\n`, { mode: 0o600, flag: 'wx' });
  return { text: readFileSync(path, 'utf8').trim(), made };
}

/** The row of the first key: it allows and administers everything, and nobody made it. */
export function firstKeyRow(text: string): KeyRow {
  const at = timeText(Date.now() * 1000);
  const keyId = keyIdOf(text);
  return {
    ...openKey,
    key_id: keyId,
    hash: hashKey(text),
    name: 'first key',
    created_at: at,
    disabled: false,
    updated_at: at,
    limits: '[]',
    role: 'admin',
    created_by: keyId,
    previous_hash: '',
    previous_until: null,
  };
}
