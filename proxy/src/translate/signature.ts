/**
 * Seals of reasoning in places that other dialects keep for their own. A foreign one goes there as the Base64 of
 * `weir:<dialect>:<value>`, so that a conversation that comes back finds its seal again; no provider is ever sent it.
 */
import type { Signature, TranslatedDialect } from './conversation.ts';

const FOREIGN = /^weir:(chat|messages|generate_content|redacted):/;
/** Base64 of `weir:`, as far as it does not depend on what follows. */
const HEAD = 'd2Vpcj';

/** A seal for the place that `home` has for its own. */
export function packSignature(signature: Signature, home: TranslatedDialect): string {
  if (signature.of === home) return signature.value;
  return Buffer.from(`weir:${signature.of}:${signature.value}`, 'utf8').toString('base64');
}

/** What stands in that place. */
export function unpackSignature(text: string, home: TranslatedDialect): Signature {
  if (text.startsWith(HEAD)) {
    const plain = Buffer.from(text, 'base64').toString('utf8');
    const found = FOREIGN.exec(plain);
    if (found !== null) return { of: found[1] as Signature['of'], value: plain.slice(found[0].length) };
  }
  return { of: home, value: text };
}
