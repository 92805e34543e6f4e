/** What each dialect brings: readers and writers of requests and replies. */
import type { JsonObject } from '../json/value.ts';
import { ChatReplyReader } from './chat/read-reply.ts';
import { readChatRequest } from './chat/read-request.ts';
import { writeChatDocument } from './chat/write-document.ts';
import { writeChatRequest } from './chat/write-request.ts';
import { ChatStreamWriter } from './chat/write-stream.ts';
import type { Question, TranslatedDialect } from './conversation.ts';
import type { Notes } from './fields.ts';
import { GenerateReplyReader } from './generate/read-reply.ts';
import { readGenerateRequest } from './generate/read-request.ts';
import { writeGenerateDocument } from './generate/write-document.ts';
import { writeGenerateRequest } from './generate/write-request.ts';
import { GenerateStreamWriter } from './generate/write-stream.ts';
import { MessagesReplyReader } from './messages/read-reply.ts';
import { readMessagesRequest } from './messages/read-request.ts';
import { writeMessagesDocument } from './messages/write-document.ts';
import { writeMessagesRequest } from './messages/write-request.ts';
import { MessagesStreamWriter } from './messages/write-stream.ts';
import type { DocumentWriter, Emit, ReplyContext, ReplyReader, StreamWriter } from './reply-events.ts';

export interface Speech {
  readRequest(body: JsonObject, notes: Notes): Question;
  writeRequest(question: Question, model: string, streamed: boolean, notes: Notes): JsonObject;
  replyReader(emit: Emit): ReplyReader;
  readonly writeDocument: DocumentWriter;
  streamWriter(context: ReplyContext): StreamWriter;
}

export const speeches: Readonly<Record<TranslatedDialect, Speech>> = {
  chat: {
    readRequest: readChatRequest,
    writeRequest: writeChatRequest,
    replyReader: (emit) => new ChatReplyReader(emit),
    writeDocument: writeChatDocument,
    streamWriter: (context) => new ChatStreamWriter(context),
  },
  messages: {
    readRequest: readMessagesRequest,
    writeRequest: writeMessagesRequest,
    replyReader: (emit) => new MessagesReplyReader(emit),
    writeDocument: writeMessagesDocument,
    streamWriter: (context) => new MessagesStreamWriter(context),
  },
  generate_content: {
    readRequest: readGenerateRequest,
    writeRequest: (question, model, _, notes) => writeGenerateRequest(question, model, notes),
    replyReader: (emit) => new GenerateReplyReader(emit),
    writeDocument: writeGenerateDocument,
    streamWriter: (context) => new GenerateStreamWriter(context),
  },
};
