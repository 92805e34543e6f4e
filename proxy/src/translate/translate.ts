/**
 * The unified API's translation: a request of one dialect becomes one of another, and the reply comes back in the client's.
 * Pure: no I/O, no clock but the one given. One neutral form stands between all of them (conversation.ts, reply-events.ts),
 * so each dialect has one reader and one writer, whoever it is spoken with.
 *
 * What cannot be said in the target's dialect is refused with the client's own name of the field; what is lost without harm
 * is a warning (docs/unified.md has both). Between equal dialects only the model changes, and replies pass as they are.
 */
import type { JsonObject } from '../json/value.ts';
import type { TranslatedDialect } from './conversation.ts';
import { speeches } from './dialects.ts';
import { Notes, refuse } from './fields.ts';
import type { ReplyTranslator } from './reply.ts';
import { PassedReply, TranslatedReply } from './reply.ts';

export type { TranslatedDialect } from './conversation.ts';
export type { ReplyTranslator } from './reply.ts';

export interface TranslateOptions {
  /** The dialect of the client. */
  readonly from: TranslatedDialect;
  /** The dialect of the target. */
  readonly to: TranslatedDialect;
  readonly body: JsonObject;
  /** The client asked for a stream: its body says so, or its path. */
  readonly streamed: boolean;
  /** The target's model, as its provider calls it. */
  readonly model: string;
  /** The model as the client named it: what a reply says that names none itself. */
  readonly askedModel: string;
  /** Milliseconds since 1970; for `created` of chat completions, and ids where a provider gave none. */
  readonly now?: () => number;
}

export interface TranslatedRequest {
  /** What goes to the target. For `generate_content` the model and the stream are said by the path. */
  readonly body: Buffer;
  readonly streamed: boolean;
  /** Losses that do no harm, for the row: `dropped:seed`, `clamped:temperature`. */
  readonly warnings: readonly string[];
  /** One for each attempt's reply; `contentType` as the provider gave it. */
  reply(status: number, contentType: string): ReplyTranslator;
}

/** @throws WeirError `bad_request`, with a sentence that names the field, for what cannot be expressed. */
export function translateRequest(options: TranslateOptions): TranslatedRequest {
  const { from, to, body, streamed, model, askedModel, now = () => Date.now() } = options;
  if (from === to) {
    const named = from === 'generate_content' ? body : { ...body, model };
    const bytes = Buffer.from(JSON.stringify(named), 'utf8');
    return { body: bytes, streamed, warnings: [], reply: (status, type) => new PassedReply(status, type) };
  }
  const notes = new Notes();
  const { question, bytes } = deepEnough(() => {
    const question = speeches[from].readRequest(body, notes);
    if (question.turns.length === 0) refuse(question.names.turns, 'is empty');
    const written = speeches[to].writeRequest(question, model, streamed, notes);
    return { question, bytes: Buffer.from(JSON.stringify(written), 'utf8') };
  });
  return {
    body: bytes,
    streamed,
    warnings: notes.list,
    reply: (status, contentType) =>
      new TranslatedReply({
        ...{ from, to, streamed, status, contentType, model: askedModel, now },
        includeUsage: question.streamUsage,
      }),
  };
}

/** A schema may nest deeper than the engine's stack. */
function deepEnough<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) refuse('body', 'nests too deeply to be translated');
    throw error;
  }
}
