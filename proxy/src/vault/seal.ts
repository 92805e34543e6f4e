/**
 * Provider keys encrypted at rest (docs/keys.md). Each secret has a data key of its own (AES-256-GCM, NIST SP 800-38D, random
 * nonces of 96 bits, used once); the data key is wrapped in the same way under a key derived from `WEIR_SECRET` (HKDF-SHA256,
 * RFC 5869, one label a purpose). Both are bound to the row they belong to, so that neither opens in another one. A new
 * `WEIR_SECRET` wraps the data keys again; what they encrypt stays as it is.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { ProviderKeyRow } from '@weir/schema/records';

const cipher = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;
const keyBytes = 32;

/** The columns of a row that hold a secret, all but `last4` and `fingerprint` in base64. */
export type Sealed = Pick<
  ProviderKeyRow,
  'wrap_nonce' | 'wrapped_key' | 'nonce' | 'ciphertext' | 'last4' | 'fingerprint'
>;

/** What a sealed secret is bound to: moved to a row of another meaning it does not open. */
export type Bound = Pick<ProviderKeyRow, 'provider_key_id' | 'provider' | 'place' | 'host'>;

/** Encrypts a provider's secret for one row. */
export function seal(masterSecret: string, bound: Bound, secret: string): Sealed {
  const dataKey = randomBytes(keyBytes);
  const { nonce, text } = encrypt(dataKey, aad(bound), Buffer.from(secret));
  return {
    ...wrap(masterSecret, bound, dataKey),
    nonce,
    ciphertext: text,
    // Of a short secret four characters would be too much of it.
    last4: secret.length < 12 ? '' : secret.slice(-4),
    fingerprint: fingerprintOf(masterSecret, secret),
  };
}

/** The secret of a row; null when it does not open: another `WEIR_SECRET`, or not this row's. */
export function open(masterSecret: string, row: Bound & Sealed): string | null {
  const dataKey = unwrap(masterSecret, row);
  return dataKey === null ? null : (decrypt(dataKey, aad(row), row.nonce, row.ciphertext)?.toString() ?? null);
}

/** The row's data key wrapped under another `WEIR_SECRET`; null when it does not open under the one that was. */
export function rewrap(
  before: string,
  after: string,
  row: Bound & Sealed,
): Pick<Sealed, 'wrap_nonce' | 'wrapped_key'> | null {
  const dataKey = unwrap(before, row);
  return dataKey === null ? null : wrap(after, row, dataKey);
}

/** Whether a row's data key opens under this `WEIR_SECRET`. */
export function opens(masterSecret: string, row: Bound & Sealed): boolean {
  return unwrap(masterSecret, row) !== null;
}

function wrap(masterSecret: string, bound: Bound, dataKey: Buffer): Pick<Sealed, 'wrap_nonce' | 'wrapped_key'> {
  const { nonce, text } = encrypt(derive(masterSecret, 'wrap'), aad(bound), dataKey);
  return { wrap_nonce: nonce, wrapped_key: text };
}

function unwrap(masterSecret: string, row: Bound & Sealed): Buffer | null {
  return decrypt(derive(masterSecret, 'wrap'), aad(row), row.wrap_nonce, row.wrapped_key);
}

/** A name for a secret by which it is known again, and that tells nothing of it without `WEIR_SECRET`. */
function fingerprintOf(masterSecret: string, secret: string): string {
  return createHmac('sha256', derive(masterSecret, 'fingerprint')).update(secret).digest('hex').slice(0, 16);
}

function derive(masterSecret: string, purpose: 'wrap' | 'fingerprint'): Buffer {
  return Buffer.from(hkdfSync('sha256', masterSecret, 'weir', `provider-key ${purpose} v1`, keyBytes));
}

function aad({ provider_key_id, provider, place, host }: Bound): Buffer {
  return Buffer.from(JSON.stringify(['provider-key v1', provider_key_id, provider, place, host]));
}

function encrypt(key: Buffer, bound: Buffer, plain: Buffer): { nonce: string; text: string } {
  const nonce = randomBytes(nonceBytes);
  const encryption = createCipheriv(cipher, key, nonce, { authTagLength: tagBytes }).setAAD(bound);
  const text = Buffer.concat([encryption.update(plain), encryption.final(), encryption.getAuthTag()]);
  return { nonce: nonce.toString('base64'), text: text.toString('base64') };
}

function decrypt(key: Buffer, bound: Buffer, nonce: string, text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length < tagBytes) return null;
  try {
    const decryption = createDecipheriv(cipher, key, Buffer.from(nonce, 'base64'), { authTagLength: tagBytes });
    decryption.setAAD(bound).setAuthTag(bytes.subarray(-tagBytes));
    return Buffer.concat([decryption.update(bytes.subarray(0, -tagBytes)), decryption.final()]);
  } catch {
    // The tag does not fit: another key, another row, or other bytes.
    return null;
  }
}
