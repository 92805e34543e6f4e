/** Two bodies to one conversation. The shape of the bodies decides, not the name of a provider. */
import { messagesEvents, messagesReply, messagesRequest } from './anthropic.ts';
import { geminiReply, geminiRequest } from './gemini.ts';
import { asObject, asText, type Conversation, isObject, type Json, type Message, pretty, text } from './model.ts';
import { chatEvents, chatReply, chatRequest, promptRequest } from './openai.ts';
import { responsesEvents, responsesReply, responsesRequest } from './responses.ts';
import { parse, readReply } from './stream.ts';

function readRequest(value: Json, operation: string): Message[] {
  const body = asObject(value);
  if ('contents' in body) return geminiRequest(body);
  if ('messages' in body)
    return operation === 'messages' || 'system' in body ? messagesRequest(body) : chatRequest(body);
  if ('input' in body && (operation === 'responses' || 'instructions' in body)) return responsesRequest(body);
  if ('prompt' in body || 'input' in body || 'query' in body) return promptRequest(body);
  return [];
}

function readWhole(value: Json): Message[] {
  const body = asObject(value);
  const error = body['error'];
  if (error !== undefined && error !== null) {
    const one = asObject(error);
    return [
      {
        role: 'error',
        blocks: text(
          [asText(one['type']) || asText(one['status']), asText(one['message']) || pretty(error)]
            .filter(Boolean)
            .join(': '),
        ),
      },
    ];
  }
  if (Array.isArray(body['choices'])) return chatReply(body);
  if (Array.isArray(body['output'])) return responsesReply(body);
  if (Array.isArray(body['candidates'])) return geminiReply([value]);
  if (body['type'] === 'message' || Array.isArray(body['content'])) return messagesReply(body);
  return [];
}

function readStream(events: readonly Json[]): Message[] {
  const objects = events.filter(isObject);
  const kinds = objects.map((one) => asText(one['type']));
  const messages = kinds.some((kind) => kind.startsWith('response.'))
    ? responsesEvents(events)
    : kinds.some((kind) => kind.startsWith('content_block') || kind === 'message_start')
      ? messagesEvents(events)
      : objects.some((one) => 'candidates' in one)
        ? geminiReply(events)
        : chatEvents(events);
  const failed = objects.find(
    (one) => one['type'] === 'error' || (one['error'] !== undefined && one['error'] !== null),
  );
  return failed ? [...messages, ...readWhole({ error: asObject(failed['error'] ?? failed) })] : messages;
}

export function readConversation(bodies: { request: string; response: string; operation: string }): Conversation {
  const problems: string[] = [];
  const asked = parse(bodies.request);
  const askedMessages = asked === undefined ? [] : readRequest(asked, bodies.operation);
  if (bodies.request !== '' && askedMessages.length === 0)
    problems.push(
      asked === undefined
        ? 'The request is no whole JSON; it stands under Request as it came.'
        : 'The request is not a conversation; it stands under Request as it came.',
    );
  const reply = readReply(bodies.response);
  const replied = reply === undefined ? [] : 'whole' in reply ? readWhole(reply.whole) : readStream(reply.events);
  if (bodies.response !== '' && replied.every((one) => one.blocks.length === 0))
    problems.push('The reply is not a conversation; it stands under Response as it came.');
  return { asked: askedMessages, replied: replied.filter((one) => one.blocks.length > 0), problems };
}
