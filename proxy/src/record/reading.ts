/** One call while it passes: its bodies are read and kept as their bytes come. */
import type { HeadNote, StartNote } from '../capture/notes.ts';
import { BatchLines, downloadedBatch, type BatchLine } from '../providers/batch-lines.ts';
import { fetchedBatch, InlineAnswers } from '../providers/inline-batch.ts';
import type { Provider, Reader, ReplyFacts, RequestFacts, TextSample } from '../providers/provider.ts';
import { providers } from '../providers/registry.ts';
import { makeDecoder, type Decoder } from './decode.ts';
import { KeptBody } from './kept.ts';
import { LateText, noText } from './late-text.ts';

/** Bytes of a body → decoded → its reader and its kept part. */
interface Intake<Facts> {
  reader: Reader<Facts>;
  kept: KeptBody;
  decoder: Decoder | null;
  take: (chunk: Buffer) => void;
}

export interface ReadCall {
  start: StartNote;
  /** The reply was made for this call, not stored before: what it counts is billed here. */
  made: boolean;
  /** Its text is asked for apart. */
  request: Omit<RequestFacts, 'text'>;
  /** Reads the text that went in. Valid as long as what the bodies borrowed. */
  requestText: () => TextSample;
  /** Null when no reply came. */
  reply: ReplyFacts | null;
  ttftMs: number | null;
  head: HeadNote | null;
  requestHeaders: string[];
  requestBody: KeptBody | null;
  responseBody: KeptBody | null;
  warnings: string[];
}

/** What the recorder feeds, of any kind of call. `feed…`: @returns what to wait for before more is fed; null nearly always. */
export interface Reading {
  readonly start: StartNote;
  readonly warnings: Set<string>;
  /** How many of its parts were told already, each a call of its own. */
  readonly parts: number;
  feedRequest(chunk: Buffer, atMs: number): Promise<void> | null;
  /** @param atMs since the call began. */
  feedResponse(chunk: Buffer, atMs: number): Promise<void> | null;
  /** @param cut the reply did not reach its end. @returns null where its parts are all there is; a promise only where `asynchronous`. */
  end(cut: boolean): ReadCall | null | Promise<ReadCall>;
  /** Whether anything has to be waited for at the end. */
  readonly asynchronous: boolean;
  /** The memory of the chunks is about to be filled again: keeps copies of what is still needed of them. */
  own(): void;
}

export interface ReadingOptions {
  bodyLimit: number;
  /** Takes each line of a finished batch that the call downloads. */
  onLine: (line: BatchLine) => void;
}

export class CallReading implements Reading {
  readonly warnings = new Set<string>();
  readonly parts = 0;
  requestHeaders: string[] = [];
  #head: HeadNote | null = null;
  #request: Intake<RequestFacts> | null = null;
  #text: LateText | null = null;
  #response: Intake<ReplyFacts> | null = null;
  #lines: BatchLines | InlineAnswers | null = null;
  #ttftMs: number | null = null;
  #atMs = 0;

  constructor(
    readonly start: StartNote,
    private readonly provider: Provider,
    private readonly options: ReadingOptions,
  ) {}

  feedRequest(chunk: Buffer): Promise<void> | null {
    return feed((this.#request ??= this.#openRequest()), chunk);
  }

  setHead(head: HeadNote): void {
    this.#head = head;
  }

  /** Time to first token is stamped from the chunk that shows content. */
  feedResponse(chunk: Buffer, atMs: number): Promise<void> | null {
    this.#atMs = atMs;
    return feed((this.#response ??= this.#openResponse()), chunk);
  }

  end(cut: boolean): ReadCall | Promise<ReadCall> {
    const request = (this.#request ??= this.#openRequest());
    if (this.#head !== null) this.#response ??= this.#openResponse();
    return this.asynchronous ? this.#decoded().then(() => this.#read(request, cut)) : this.#read(request, cut);
  }

  async #decoded(): Promise<void> {
    for (const intake of [this.#request, this.#response]) {
      if (intake?.decoder != null && !(await intake.decoder.end())) this.warnings.add('undecodable_body');
    }
  }

  #read(request: Intake<RequestFacts>, cut: boolean): ReadCall {
    if (!cut) this.#lines?.end();
    return {
      start: this.start,
      made: this.start.row.method === 'POST',
      request: request.reader.end(),
      requestText: () => this.#text?.read() ?? noText,
      reply: this.#response?.reader.end(cut) ?? null,
      ttftMs: this.#ttftMs,
      head: this.#head,
      requestHeaders: this.requestHeaders,
      requestBody: this.start.keep ? request.kept : null,
      responseBody: this.start.keep ? (this.#response?.kept ?? null) : null,
      warnings: [...this.warnings],
    };
  }

  get asynchronous(): boolean {
    return this.#request?.decoder != null || this.#response?.decoder != null;
  }

  own(): void {
    this.#request?.kept.own();
    this.#response?.kept.own();
  }

  #openRequest(): Intake<RequestFacts> {
    const { operation, path } = this.start.row;
    const contentType = findHeader(this.requestHeaders, 'content-type').toLowerCase();
    const context = { operation: operation as never, path, contentType, textLater: true as const };
    const reader = this.provider.dialect.requestReader(context);
    const kept = this.#keep();
    const text = (this.#text = new LateText(kept, contentType));
    return this.#open({ reader, kept }, findHeader(this.requestHeaders, 'content-encoding'), (chunk) =>
      text.add(chunk),
    );
  }

  #openResponse(): Intake<ReplyFacts> {
    const { operation, path, method } = this.start.row;
    const { status, headers } = this.#head ?? { status: 0, headers: [] };
    if (status === 200) this.#lines = this.#openLines(method, path);
    const { dialect } =
      (this.#head?.provider === undefined ? undefined : providers.get(this.#head.provider)) ?? this.provider;
    const reader = dialect.replyReader({
      operation: this.#head?.operation ?? (operation as never),
      path: this.#head?.path ?? path,
      status,
      contentType: findHeader(headers, 'content-type').toLowerCase(),
      header: (name) => findHeader(headers, name.toLowerCase()) || null,
    });
    const kept = this.#keep();
    return this.#open({ reader, kept }, findHeader(headers, 'content-encoding'), (chunk) => {
      this.#lines?.feed(chunk);
      if (this.#ttftMs === null && reader.sawContent) this.#ttftMs = this.#atMs;
    });
  }

  /** A call that fetches what a batch came to. */
  #openLines(method: string, path: string): BatchLines | InlineAnswers | null {
    const { dialect } = this.provider;
    const { onLine } = this.options;
    const file = downloadedBatch(method, path);
    if (file !== null) return new BatchLines(file, dialect, onLine);
    const batch = fetchedBatch(method, path);
    return batch === null ? null : new InlineAnswers(batch, dialect, onLine);
  }

  #keep(): KeptBody {
    return new KeptBody(this.start.keep ? this.options.bodyLimit : 0);
  }

  #open<Facts>(
    { reader, kept }: { reader: Reader<Facts>; kept: KeptBody },
    encoding: string,
    after: (chunk: Buffer) => void,
  ): Intake<Facts> {
    const take = (chunk: Buffer): void => {
      kept.borrow(chunk);
      reader.feed(chunk);
      after(chunk);
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

/** A header's value in a raw list; '' when it is not there. @param name in lower case. */
export function findHeader(raw: readonly string[], name: string): string {
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const candidate = raw[index] as string;
    // Lower case is a new string: only for names that can be it.
    if (candidate.length === name.length && candidate.toLowerCase() === name) return raw[index + 1] ?? '';
  }
  return '';
}
