/**
 * The lines of a finished batch, as a client downloads them. Each is a reply of some endpoint, told with the caller's own id.
 * Bounded: a line too long to be held is read by a plan as it arrives. A file whose first line is no such reply is not read.
 */
import { keep, merge, plan } from '../json/plan.ts';
import { ProjectionReader } from '../json/project.ts';
import { asCount, asObject, asText, parseJson, type JsonObject } from '../json/value.ts';
import { LineReader } from '../lines.ts';
import { messagesFormat } from './anthropic/messages.ts';
import { generateFormat } from './google/generate.ts';
import { chatFormat } from './openai/chat.ts';
import { imageFormat } from './openai/other.ts';
import { responsesFormat } from './openai/responses.ts';
import type { Dialect, Operation, ReplyFacts } from './provider.ts';
import { ERROR_PLAN } from './read-error.ts';

export interface BatchLine {
  /** What names it, however often it is downloaded. */
  readonly names: readonly string[];
  /** The file or batch that it was downloaded with. */
  readonly batch: string;
  readonly customId: string;
  readonly operation: Operation;
  /** The endpoint that answered; '' where the line does not tell. */
  readonly path: string;
  readonly status: number | null;
  /** Why there is no reply, where the batch ended before it was made. */
  readonly unanswered: 'cancelled' | 'timeout' | null;
  /** When the reply was made, in seconds since 1970; null where it does not tell. */
  readonly madeAt: number | null;
  readonly reply: ReplyFacts;
  /** The line as it came; null where it was too long to be held. */
  readonly text: string | null;
}

/** Where a line has its reply. */
export interface Found {
  readonly operation: Operation;
  readonly path: string;
  readonly status: number | null;
  readonly body: JsonObject;
  readonly unanswered?: BatchLine['unanswered'];
}

/**
 * platform.openai.com/docs/guides/batch (and those who took its shape over), docs.anthropic.com/en/api/retrieving-message-batch-results,
 * ai.google.dev/gemini-api/docs/batch-api (a result file).
 */
const DOWNLOADS =
  /\/(?:files\/(?<file>[^/]+)\/content|batches\/(?<batch>[^/]+)\/results|files\/(?<download>[^/]+):download)$/;

const BODY = merge(
  chatFormat.plan,
  responsesFormat.plan,
  imageFormat.plan,
  plan(keep('object', 'created', 'created_at')),
);
const LINE = plan({
  ...keep('id', 'custom_id', 'key'),
  response: merge(generateFormat.plan, plan({ ...keep('status_code'), body: BODY })),
  result: plan({ ...keep('type'), message: messagesFormat.plan, error: ERROR_PLAN }),
  error: ERROR_PLAN,
});

/** @returns the file or batch that a path downloads; null for every other path. */
export function downloadedBatch(method: string, path: string): string | null {
  const groups = method === 'GET' ? DOWNLOADS.exec(path)?.groups : undefined;
  return groups?.['file'] ?? groups?.['batch'] ?? groups?.['download'] ?? null;
}

export class BatchLines {
  readonly #lines: LineReader;
  /** Null until the first line has told. */
  #isBatch: boolean | null = null;

  constructor(
    private readonly batch: string,
    private readonly dialect: Dialect,
    private readonly take: (line: BatchLine) => void,
  ) {
    this.#lines = new LineReader({
      line: (text, last) => this.#line(parseJson(text)?.value, text, last),
      longLine: () => {
        const reader = new ProjectionReader(LINE);
        return {
          feed: (chunk) => reader.feed(chunk),
          end: () => {
            if (reader.end()) this.#line(reader.value, null, false);
          },
        };
      },
    });
  }

  feed(chunk: Uint8Array): void {
    if (this.#isBatch !== false) this.#lines.feed(chunk);
  }

  /** No more bytes. A line that was cut comes whole with the next download. */
  end(): void {
    if (this.#isBatch !== false) this.#lines.end();
  }

  #line(value: unknown, text: string | null, last: boolean): void {
    if (this.#isBatch === false) return;
    const line = asObject(value);
    const found = line === null ? null : replyOf(line);
    if (!last || found !== null) this.#isBatch ??= found !== null;
    if (line === null || found === null) return;
    const customId = asText(line['custom_id']) ?? asText(line['key']) ?? '';
    const id = asText(line['id']);
    // An id of the provider's own is the line's wherever it stands; else it is the batch's.
    const names = id === null ? [this.batch, customId] : [id, customId];
    this.take(lineOf(found, this.dialect, { names, batch: this.batch, customId, text }));
  }
}

/** A reply that was found, as a line. */
export function lineOf(
  found: Found,
  dialect: Dialect,
  told: Pick<BatchLine, 'names' | 'batch' | 'customId' | 'text'>,
): BatchLine {
  const { operation, path, status, body } = found;
  return {
    ...told,
    operation,
    path,
    status,
    unanswered: found.unanswered ?? null,
    madeAt: asCount(body['created']) ?? asCount(body['created_at']),
    reply: dialect.readReply(
      { operation, path, status: status ?? 0, contentType: 'application/json', header: () => null },
      body,
    ),
  };
}

function replyOf(line: JsonObject): Found | null {
  const result = asObject(line['result']);
  const response = asObject(line['response']);
  const error = asObject(line['error']);
  if (asText(line['custom_id']) === null) {
    return asText(line['key']) === null ? null : geminiReply(line);
  }
  if (result !== null) return messageOf(result);
  const body = asObject(response?.['body']);
  if (body !== null) return { ...endpointOf(body), status: asCount(response?.['status_code']), body };
  return error === null ? null : { operation: 'batch', path: '', status: null, body: { error }, ...whyOf(error) };
}

/** Gemini's: `response` or `error`, in a result file as in the batch itself. */
export function geminiReply(line: JsonObject): Found | null {
  const response = asObject(line['response']);
  if (response !== null) return { operation: 'generate_content', path: '', status: 200, body: response };
  const error = asObject(line['error']);
  return error === null ? null : { operation: 'generate_content', path: '', status: null, body: { error } };
}

/** Anthropic's: `succeeded`, `errored`, `canceled`, `expired`. */
function messageOf(result: JsonObject): Found | null {
  const shared = { operation: 'messages', path: '/v1/messages' } as const;
  const message = asObject(result['message']);
  if (message !== null) return { ...shared, status: 200, body: message };
  const error = asObject(result['error']);
  if (error !== null) return { ...shared, status: null, body: error };
  const type = asText(result['type']);
  if (type !== 'canceled' && type !== 'expired') return null;
  const body = { error: { type, message: `The request was ${type} before it was answered.` } };
  return { ...shared, status: null, body, unanswered: type === 'canceled' ? 'cancelled' : 'timeout' };
}

/** OpenAI's codes for what a batch had no time for: platform.openai.com/docs/guides/batch#batch-expiration. */
function whyOf(error: JsonObject): Pick<Found, 'unanswered'> {
  const code = asText(error['code']);
  if (code === 'batch_expired') return { unanswered: 'timeout' };
  return { unanswered: code === 'batch_cancelled' ? 'cancelled' : null };
}

const OBJECTS: Readonly<Record<string, readonly [Operation, string]>> = {
  'chat.completion': ['chat', '/v1/chat/completions'],
  text_completion: ['completion', '/v1/completions'],
  response: ['responses', '/v1/responses'],
  list: ['embeddings', '/v1/embeddings'],
};

/** The endpoint of a reply by what it calls itself. */
function endpointOf(body: JsonObject): { operation: Operation; path: string } {
  const name = asText(body['object']) ?? '';
  const known = Object.hasOwn(OBJECTS, name) ? OBJECTS[name] : undefined;
  if (known !== undefined) return { operation: known[0], path: known[1] };
  if (asText(body['id'])?.startsWith('modr-') === true) return { operation: 'moderation', path: '/v1/moderations' };
  const image = Array.isArray(body['data']) && body['created'] !== undefined;
  return image ? { operation: 'image', path: '/v1/images/generations' } : { operation: 'batch', path: '' };
}
