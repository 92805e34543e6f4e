import { KEEP, TEXT, keep, merge, plan } from '../json/plan.ts';
import { Projection, ProjectionReader, type CutText } from '../json/project.ts';
import type { TokenSink } from '../json/tokens.ts';
import { JsonTokens } from '../json/tokens.ts';
import { asObject, asText, type JsonObject } from '../json/value.ts';
import { CanonicalHash, hashNames } from '../record/hash.ts';
import { Sample } from './facts.ts';
import { MultipartFields } from './multipart.ts';
import { asksForStream, modelInPath } from './operations.ts';
import type { Operation, Reader, RequestFacts, TextSample } from './provider.ts';

/** Top members that do not change the question: how it is delivered, for whom, and the caller's own notes. */
const LEFT_OUT = hashNames(['stream', 'stream_options', 'user', 'safety_identifier', 'metadata']);

const PART = plan({ text: TEXT, content: plan({ text: TEXT }, TEXT), output: TEXT, arguments: TEXT }, TEXT);
const PARTS = plan({ parts: plan({ text: TEXT }), text: TEXT }, TEXT);

/** Where any of the APIs has the text that goes in. */
export const REQUEST_TEXT = plan({
  messages: plan({ content: PART }),
  system: plan({ text: TEXT }, TEXT),
  instructions: TEXT,
  input: PART,
  prompt: TEXT,
  contents: PARTS,
  content: PARTS,
  requests: plan({ content: PARTS }),
  systemInstruction: PARTS,
  system_instruction: PARTS,
  // Cohere's first chat, Titan, Vertex's predict.
  message: TEXT,
  preamble: TEXT,
  chat_history: plan({ message: TEXT }),
  inputText: TEXT,
  instances: plan({ content: TEXT, prompt: TEXT, text: TEXT, messages: plan({ content: TEXT }) }),
  texts: TEXT,
  documents: plan({ text: TEXT }, TEXT),
  query: TEXT,
});

/** What any of the APIs calls its model and its user. */
const FACTS = plan({
  ...keep('model', 'model_id', 'stream', 'user', 'safety_identifier', 'service_tier', 'serviceTier'),
  metadata: plan({ user_id: KEEP }),
});
const FACTS_AND_TEXT = merge(REQUEST_TEXT, FACTS);

export interface RequestContext {
  readonly operation: Operation;
  readonly path: string;
  readonly contentType: string;
  /** The text is not sampled: who may need it reads it with {@link RequestTextReader}. */
  readonly textLater?: true;
}

/** Reads a request's body in one pass: its facts and the hash of its meaning. */
export class RequestReader implements Reader<RequestFacts> {
  readonly sawContent = false;
  readonly #text = new Sample();
  readonly #hash = new CanonicalHash(LEFT_OUT);
  readonly #projection: Projection;
  readonly #tokens: JsonTokens;
  readonly #form: MultipartFields | null;
  #built: RequestFacts | null = null;

  constructor(readonly context: RequestContext) {
    const plan = context.textLater === true ? FACTS : FACTS_AND_TEXT;
    this.#projection = new Projection(plan, { onText: (text) => void this.#text.add(text) });
    this.#tokens = new JsonTokens(new Both(this.#hash, this.#projection));
    this.#form = isForm(context.contentType) ? new MultipartFields() : null;
  }

  feed(chunk: Uint8Array): void {
    if (this.#form === null) this.#tokens.feed(chunk);
    else this.#form.feed(chunk);
  }

  end(): RequestFacts {
    this.#built ??= this.#finish();
    return this.#built;
  }

  #finish(): RequestFacts {
    this.#tokens.end();
    this.#form?.end();
    this.#projection.finish();
    const form = this.#form?.fields;
    const body = form === undefined ? asObject(this.#projection.root) : Object.fromEntries(form);
    const { operation, path } = this.context;
    return {
      model: namedModel(body) ?? modelInPath(path),
      streamed: asksForStream(path, body?.['stream']),
      user: endUserOf(operation, body),
      hash: form === undefined && this.#tokens.whole ? this.#hash.value : null,
      serviceTier: asText(body?.['service_tier']) ?? tierOf(body?.['serviceTier']),
      text: this.#text.done(),
    };
  }
}

/**
 * Reads the text alone, the same that {@link RequestReader} samples. Nearly every reply tells its usage; then nobody needs it,
 * and copying it was the dearest part of reading a large request.
 */
export class RequestTextReader {
  readonly #text = new Sample();
  readonly #reader: ProjectionReader | null;

  constructor(contentType: string) {
    const onText = (text: string | CutText): void => void this.#text.add(text);
    this.#reader = isForm(contentType) ? null : new ProjectionReader(FACTS_AND_TEXT, { onText });
  }

  feed(chunk: Uint8Array): void {
    this.#reader?.feed(chunk);
  }

  /** No more bytes come. */
  end(): TextSample {
    this.#reader?.end();
    return this.#text.done();
  }
}

function isForm(contentType: string): boolean {
  return contentType.startsWith('multipart/');
}

/** The model that a body names; null where it names none. */
export function namedModel(body: JsonObject | null): string | null {
  return asText(body?.['model']) ?? asText(body?.['model_id']);
}

/** The end user that a body names, where the API has a place for one (CONTRACT.md §4, `Weir-User`). */
export function endUserOf(operation: Operation, body: JsonObject | null): string | null {
  const user = asText(body?.['user']) ?? asText(body?.['safety_identifier']);
  return user ?? (operation === 'messages' ? asText(asObject(body?.['metadata'])?.['user_id']) : null);
}

/** A tier is a word, or an object that has it (Converse). */
function tierOf(value: unknown): string | null {
  return asText(value) ?? asText(asObject(value)?.['type']);
}

/** One pass over the tokens for two readers. */
class Both implements TokenSink {
  constructor(
    readonly hash: CanonicalHash,
    readonly projection: Projection,
  ) {}
  open(isObject: boolean): void {
    this.hash.open(isObject);
    this.projection.open(isObject);
  }
  close(): void {
    this.hash.close();
    this.projection.close();
  }
  stringStart(isKey: boolean): void {
    this.hash.stringStart(isKey);
    this.projection.stringStart(isKey);
  }
  piece(bytes: Uint8Array, start: number, end: number): void {
    this.hash.piece(bytes, start, end);
    this.projection.piece(bytes, start, end);
  }
  stringEnd(isKey: boolean): void {
    this.hash.stringEnd(isKey);
    this.projection.stringEnd(isKey);
  }
  number(value: number): void {
    this.hash.number(value);
    this.projection.number(value);
  }
  literal(value: boolean | null): void {
    this.hash.literal(value);
    this.projection.literal(value);
  }
}
