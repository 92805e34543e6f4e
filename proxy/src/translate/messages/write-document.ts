import type { JsonObject } from '../../json/value.ts';
import type { Signature } from '../conversation.ts';
import type { ReplyContext } from '../reply-events.ts';
import { packSignature } from '../signature.ts';
import type { ReplyPart, WholeReply } from '../whole-reply.ts';
import { argumentsObject, callIdOf, replyIdOf } from '../whole-reply.ts';
import { callId } from './write-blocks.ts';
import { stopReason } from './write-parts.ts';
import { messagesUsage } from './usage.ts';

/** A reply as one message: docs.anthropic.com/en/api/messages. */
export function writeMessagesDocument(reply: WholeReply, context: ReplyContext): JsonObject {
  const id = replyIdOf(reply.id, context.now);
  const choice = reply.inOrder[0]?.[1];
  const parts = choice?.parts ?? [];
  const refusal = choice?.refusal ?? null;
  const called = parts.some((part) => part.kind === 'call');
  if (reply.usage === null) context.warn('usage_unknown');
  return {
    id,
    type: 'message',
    role: 'assistant',
    model: reply.model ?? context.model,
    content: [
      ...parts.flatMap((part) => writePart(part, id, context)),
      ...(refusal === null ? [] : [{ type: 'text', text: refusal }]),
    ],
    stop_reason: stopReason(choice?.finish ?? null, { called, refused: refusal !== null }, context.warn),
    stop_sequence: choice?.sequence ?? null,
    usage: messagesUsage(reply.usage),
  };
}

function writePart(part: ReplyPart, reply: string, context: ReplyContext): JsonObject[] {
  const sealed = part.kind === 'media' || part.signature === null ? [] : [sealBlock(part.signature)];
  switch (part.kind) {
    case 'text':
      return [...(part.text === '' ? [] : [{ type: 'text', text: part.text }]), ...sealed];
    case 'thinking': {
      const signature = part.signature ?? { of: context.upstream, value: '' };
      return [{ type: 'thinking', thinking: part.text, signature: packSignature(signature, 'messages') }];
    }
    case 'seal':
      return sealed;
    case 'call': {
      const input = argumentsObject(part.arguments, context.warn);
      return [...sealed, { type: 'tool_use', id: callId(callIdOf(part.id, part.key, reply)), name: part.name, input }];
    }
    case 'media':
      context.warn('dropped:reply_media');
      return [];
  }
}

/** A seal without a text of its own: Anthropic's hidden reasoning, or another provider's. */
export function sealBlock(signature: Signature): JsonObject {
  if (signature.of === 'redacted') return { type: 'redacted_thinking', data: signature.value };
  return { type: 'thinking', thinking: '', signature: packSignature(signature, 'messages') };
}
