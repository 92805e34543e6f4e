/** What replies of generateContent have in common, whole and in pieces. */
import type { JsonObject } from '../../json/value.ts';
import type { Signature } from '../conversation.ts';
import { maybe } from '../fields.ts';
import type { Finish } from '../reply-events.ts';
import { packSignature } from '../signature.ts';

const WORDS: Readonly<Record<Finish, string>> = {
  stop: 'STOP',
  stop_sequence: 'STOP',
  pause: 'STOP',
  tool: 'STOP',
  length: 'MAX_TOKENS',
  context: 'MAX_TOKENS',
  filter: 'SAFETY',
  malformed_call: 'MALFORMED_FUNCTION_CALL',
  other: 'OTHER',
};

export function finishReason(finish: Finish | null, refused: boolean): string {
  return finish === 'stop' && refused ? 'SAFETY' : WORDS[finish ?? 'stop'];
}

/** Any dialect's seal where Gemini keeps its own. */
export function sealOf(signature: Signature | null | undefined): JsonObject {
  return maybe('thoughtSignature', signature ? packSignature(signature, 'generate_content') : null);
}

export function callOf(
  id: string | null,
  name: string,
  args: JsonObject,
  signature: Signature | null | undefined,
): JsonObject {
  return { functionCall: { ...maybe('id', id), name, args }, ...sealOf(signature) };
}
