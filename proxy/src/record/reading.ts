/** One call while it passes: its bodies are read and kept as their bytes come. */
import type { HeadNote, StartNote } from '../capture/notes.ts';
import type { Provider, Reader, ReplyFacts, RequestFacts } from '../providers/provider.ts';
import { makeDecoder, type Decoder } from './decode.ts';
import { KeptBody } from './kept.ts';

/** Bytes of a body → decoded → its reader and its kept part. */
interface Intake<Facts> {
  reader: Reader<Facts>;
  kept: KeptBody;
  decoder: Decoder | null;
  take: (chunk: Buffer) => void;
}

export interface ReadCall {
  start: StartNote;
  request: RequestFacts;
  /** Null when no reply came. */
  reply: ReplyFacts | null;
  ttftMs: number | null;
  head: HeadNote | null;
  requestHeaders: string[];
  requestBody: KeptBody | null;
  responseBody: KeptBody | null;
  warnings: string[];
}

export class CallReading {
  readonly warnings = new Set<string>();
  requestHeaders: string[] = [];
  #head: HeadNote | null = null;
  #request: Intake<RequestFacts> | null = null;
  #response: Intake<ReplyFacts> | null = null;
  #ttftMs: number | null = null;
  #atMs = 0;

  constructor(
    readonly start: StartNote,
    private readonly provider: Provider,
    private readonly bodyLimit: number,
  ) {}

  /** @returns what to wait for before more is fed; null nearly always. */
  feedRequest(chunk: Buffer): Promise<void> | null {
    return feed((this.#request ??= this.#openRequest()), chunk);
  }

  setHead(head: HeadNote): void {
    this.#head = head;
  }

  /** @param atMs since the call began: time to first token is stamped from the chunk that shows content. */
  feedResponse(chunk: Buffer, atMs: number): Promise<void> | null {
    this.#atMs = atMs;
    return feed((this.#response ??= this.#openResponse()), chunk);
  }

  /** @param cut the reply did not reach its end. */
  async end(cut: boolean): Promise<ReadCall> {
    const request = (this.#request ??= this.#openRequest());
    if (this.#head !== null) this.#response ??= this.#openResponse();
    for (const intake of [request, this.#response]) {
      if (intake?.decoder != null && !(await intake.decoder.end())) this.warnings.add('undecodable_body');
    }
    return {
      start: this.start,
      request: request.reader.end(),
      reply: this.#response?.reader.end(cut) ?? null,
      ttftMs: this.#ttftMs,
      head: this.#head,
      requestHeaders: this.requestHeaders,
      requestBody: this.start.keep ? request.kept : null,
      responseBody: this.start.keep ? (this.#response?.kept ?? null) : null,
      warnings: [...this.warnings],
    };
  }

  /** Whether anything has to be waited for at the end. */
  get asynchronous(): boolean {
    return this.#request?.decoder != null || this.#response?.decoder != null;
  }

  #openRequest(): Intake<RequestFacts> {
    const { operation, path } = this.start.row;
    const contentType = findHeader(this.requestHeaders, 'content-type').toLowerCase();
    const reader = this.provider.dialect.requestReader({ operation: operation as never, path, contentType });
    return this.#open(reader, findHeader(this.requestHeaders, 'content-encoding'), () => undefined);
  }

  #openResponse(): Intake<ReplyFacts> {
    const { operation, path } = this.start.row;
    const { status, headers } = this.#head ?? { status: 0, headers: [] };
    const reader = this.provider.dialect.replyReader({
      operation: operation as never,
      path,
      status,
      contentType: findHeader(headers, 'content-type').toLowerCase(),
      header: (name) => findHeader(headers, name.toLowerCase()) || null,
    });
    return this.#open(reader, findHeader(headers, 'content-encoding'), () => {
      if (this.#ttftMs === null && reader.sawContent) this.#ttftMs = this.#atMs;
    });
  }

  #open<Facts>(reader: Reader<Facts>, encoding: string, after: () => void): Intake<Facts> {
    const kept = new KeptBody(this.start.keep ? this.bodyLimit : 0);
    const take = (chunk: Buffer): void => {
      kept.add(chunk);
      reader.feed(chunk);
      after();
    };
    const plain = encoding === '' || encoding.toLowerCase() === 'identity';
    const decoder = plain ? null : makeDecoder(encoding, take);
    if (!plain && decoder === null) this.warnings.add('unknown_content_encoding');
    return { reader, kept, decoder, take };
  }
}

function feed(intake: Intake<unknown>, chunk: Buffer): Promise<void> | null {
  if (intake.decoder !== null) return intake.decoder.write(chunk);
  intake.take(chunk);
  return null;
}

/** A header's value in a raw list; '' when it is not there. */
export function findHeader(raw: readonly string[], name: string): string {
  for (let index = 0; index + 1 < raw.length; index += 2) {
    if (raw[index]?.toLowerCase() === name) return raw[index + 1] ?? '';
  }
  return '';
}
