import type { JsonObject } from '../../json/value.ts';
import type { ReplyContext } from '../reply-events.ts';
import type { ReplyPart, WholeReply } from '../whole-reply.ts';
import { argumentsObject, replyIdOf } from '../whole-reply.ts';
import { generateUsage } from './usage.ts';
import { callOf, finishReason, sealOf } from './write-reply-parts.ts';

/** A reply as one of generateContent: ai.google.dev/api/generate-content#generatecontentresponse. */
export function writeGenerateDocument(reply: WholeReply, context: ReplyContext): JsonObject {
  return {
    candidates: reply.inOrder.map(([index, choice]) => {
      const refusal = choice.refusal === null ? [] : [{ text: choice.refusal }];
      const parts = [...choice.parts.map((part) => writePart(part, context)), ...refusal];
      return {
        content: { parts, role: 'model' },
        finishReason: finishReason(choice.finish, choice.refusal !== null),
        index,
      };
    }),
    ...(reply.usage === null ? {} : { usageMetadata: generateUsage(reply.usage) }),
    modelVersion: reply.model ?? context.model,
    responseId: replyIdOf(reply.id, context.now),
  };
}

function writePart(part: ReplyPart, context: ReplyContext): JsonObject {
  switch (part.kind) {
    case 'text':
      return { text: part.text, ...sealOf(part.signature) };
    case 'thinking':
      return { text: part.text, thought: true, ...sealOf(part.signature) };
    case 'seal':
      return { text: '', thought: true, ...sealOf(part.signature) };
    case 'call':
      return callOf(part.id, part.name, argumentsObject(part.arguments, context.warn), part.signature);
    case 'media':
      return { inlineData: { mimeType: part.mimeType, data: part.base64 } };
  }
}
