import { messagesFormat } from './anthropic/messages.ts';
import type { Format, Quirks } from './format.ts';
import { generateFormat } from './google/generate.ts';
import { interactionsFormat } from './google/interactions.ts';
import { chatFormat } from './openai/chat.ts';
import { otherFormat, plainFormat } from './openai/other.ts';
import { responsesFormat } from './openai/responses.ts';
import type { Operation } from './provider.ts';

/**
 * The reply format of a call. It follows from the operation, not from the dialect: vendors serve each other's APIs
 * beside their own (`/v1beta/openai/chat/completions`, `/anthropic/v1/messages`).
 */
export function formatOf(operation: Operation, path: string): Format {
  switch (operation) {
    case 'chat':
      return chatFormat;
    case 'completion':
      return path.endsWith('/complete') ? messagesFormat : chatFormat;
    case 'responses':
      return responsesFormat;
    case 'messages':
      return messagesFormat;
    case 'generate_content':
      return path.includes('/interactions') ? interactionsFormat : generateFormat;
    case 'embeddings':
      return path.includes(':') ? generateFormat : otherFormat;
    case 'image':
    case 'audio':
    case 'moderation':
    case 'rerank':
      return otherFormat;
    default:
      return plainFormat;
  }
}

/** How a provider's row departs from the format's own reading of usage. */
export function usageQuirk(format: Format, quirks: Quirks): Quirks['chatUsage'] {
  if (format === chatFormat) return quirks.chatUsage;
  return format === otherFormat ? quirks.otherUsage : undefined;
}
