import type { JsonObject } from '../../json/value.ts';
import { maybe } from '../fields.ts';
import type { ReplyContext } from '../reply-events.ts';
import type { WholeChoice, WholeReply } from '../whole-reply.ts';
import { callIdOf, replyIdOf } from '../whole-reply.ts';
import { callSeal, finishWord, imageOf, reasoningDetail } from './write-parts.ts';
import { chatUsage } from './usage.ts';

/** A reply as one chat completion: platform.openai.com/docs/api-reference/chat/object. */
export function writeChatDocument(reply: WholeReply, context: ReplyContext): JsonObject {
  const id = replyIdOf(reply.id, context.now);
  return {
    id,
    object: 'chat.completion',
    created: Math.floor(context.now() / 1000),
    model: reply.model ?? context.model,
    choices: reply.inOrder.map(([index, choice]) => ({
      index,
      message: writeMessage(choice, id, context),
      logprobs: null,
      finish_reason: finishWord(
        choice.finish,
        choice.parts.some((part) => part.kind === 'call'),
        context.warn,
      ),
    })),
    ...(reply.usage === null ? {} : { usage: chatUsage(reply.usage) }),
  };
}

function writeMessage({ parts, refusal }: WholeChoice, id: string, context: ReplyContext): JsonObject {
  const texts = parts.filter((part) => part.kind === 'text');
  const thoughts = parts.filter((part) => part.kind === 'thinking');
  const calls = parts.filter((part) => part.kind === 'call');
  const images = parts.filter((part) => part.kind === 'media');
  if (images.some((part) => !part.mimeType.startsWith('image/'))) context.warn('dropped:reply_media');
  const pictures = images.filter((part) => part.mimeType.startsWith('image/'));
  const details: JsonObject[] = [];
  for (const part of parts) {
    if (part.kind === 'call' || part.kind === 'media' || part.signature === null) continue;
    details.push(reasoningDetail(part.signature, part.kind === 'thinking' ? part.text : '', details.length));
  }
  return {
    role: 'assistant',
    content: texts.length === 0 ? null : texts.map((part) => part.text).join(''),
    refusal,
    ...(thoughts.length > 0 ? { reasoning_content: thoughts.map((part) => part.text).join('') } : {}),
    ...maybe('reasoning_details', details.length > 0 ? details : null),
    ...maybe('tool_calls', calls.length > 0 ? calls.map((call) => writeCall(call, id)) : null),
    ...maybe('images', pictures.length > 0 ? pictures.map((part) => imageOf(part.mimeType, part.base64)) : null),
  };
}

type Call = Extract<WholeChoice['parts'][number], { kind: 'call' }>;

function writeCall(call: Call, reply: string): JsonObject {
  const args = call.arguments === '' ? '{}' : call.arguments;
  const id = callIdOf(call.id, call.key, reply);
  return { id, type: 'function', function: { name: call.name, arguments: args }, ...callSeal(call.signature) };
}
