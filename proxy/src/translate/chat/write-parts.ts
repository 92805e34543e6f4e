/** What replies of chat completions have in common, whole and in chunks. */
import type { JsonObject } from '../../json/value.ts';
import type { Signature } from '../conversation.ts';
import { dataUrl } from '../media.ts';
import type { Finish } from '../reply-events.ts';

const WORDS: Readonly<Record<Finish, string>> = {
  stop: 'stop',
  stop_sequence: 'stop',
  pause: 'stop',
  malformed_call: 'stop',
  other: 'stop',
  length: 'length',
  context: 'length',
  tool: 'tool_calls',
  filter: 'content_filter',
};

/** A reason with calls is that of calls: programs go on by it. */
export function finishWord(finish: Finish | null, called: boolean, warn: (token: string) => void): string {
  if (finish === 'malformed_call' || finish === 'other') warn(`finish:${finish}`);
  return finish === 'stop' && called ? 'tool_calls' : WORDS[finish ?? 'stop'];
}

/** A seal in the form of openrouter.ai/docs/use-cases/reasoning-tokens, which clients send back as it is. */
export function reasoningDetail(signature: Signature, text: string, index: number): JsonObject {
  if (signature.of === 'messages')
    return { type: 'reasoning.text', text, signature: signature.value, format: 'anthropic-claude-v1', index };
  const format = signature.of === 'redacted' ? 'anthropic-claude-v1' : 'google-gemini-v1';
  return { type: 'reasoning.encrypted', data: signature.value, format, index };
}

/** Where Google's own endpoint of this API puts the seal of a call (ai.google.dev/gemini-api/docs/thought-signatures). */
export function callSeal(signature: Signature | null | undefined): JsonObject {
  if (signature === null || signature === undefined || signature.of !== 'generate_content') return {};
  return { extra_content: { google: { thought_signature: signature.value } } };
}

/** Images in an answer: openrouter.ai/docs/features/multimodal/image-generation. */
export function imageOf(mimeType: string, base64: string): JsonObject {
  return { type: 'image_url', image_url: { url: dataUrl({ mimeType, base64 }) } };
}
