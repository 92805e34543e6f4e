import { Bytes } from '../json/bytes.ts';
import type { LongEvent } from '../sse.ts';
import { FrameReader, type Piece } from './frames.ts';
import { Inflater } from './inflate.ts';

const MESSAGE_LIMIT = 262_144;

export interface MessageSink {
  /** Bytes of a message as they come, unpacked: to be kept for people. */
  bytes(bytes: Buffer, last: boolean): void;
  /** A whole message, text or binary: some send their JSON as binary. */
  message(text: string): void;
  /** A message that is too long to be held goes, as it arrives, to the reader that this returns. */
  longMessage(): LongEvent;
  closed(code: number, reason: string): void;
}

/** The messages of one direction, from bytes split anywhere; bounded at any length of message. */
export class MessageReader {
  readonly #frames = new FrameReader();
  readonly #inflater: Inflater | null;
  readonly #message = new Bytes();
  #long: LongEvent | null = null;
  /** A frame says that it is compressed, although nobody agreed on that. */
  #foreign = false;

  /** @param compression `alone`: each message stands for itself; null: none was agreed on. */
  constructor(
    readonly sink: MessageSink,
    compression: { readonly alone: boolean } | null,
  ) {
    this.#inflater = compression === null ? null : new Inflater(compression.alone, (bytes) => this.#take(bytes));
  }

  /** Whether something came that could not be read. */
  get broken(): boolean {
    return this.#foreign || this.#frames.broken || this.#inflater?.broken === true;
  }

  /** @returns what to wait for before more is fed, of either direction; null nearly always. */
  feed(chunk: Buffer): Promise<void> | null {
    const pieces = this.#frames.read(chunk);
    if (pieces.some((piece) => piece.kind === 'data' && piece.compressed)) return this.#unpack(pieces);
    for (const piece of pieces) this.#plain(piece);
    return null;
  }

  close(): void {
    this.#inflater?.close();
  }

  async #unpack(pieces: Piece[]): Promise<void> {
    for (const piece of pieces) {
      if (piece.kind !== 'data' || !piece.compressed || this.#inflater === null) this.#plain(piece);
      else {
        await this.#inflater.write(piece.bytes, piece.last);
        if (this.#inflater.broken) this.#drop();
        else if (piece.last) this.#end();
      }
    }
  }

  #plain(piece: Piece): void {
    if (piece.kind === 'close') {
      this.sink.closed(piece.code, piece.reason);
      return;
    }
    if (piece.compressed) {
      this.#foreign = true;
      return;
    }
    this.#take(piece.bytes);
    if (piece.last) this.#end();
  }

  #take(bytes: Buffer): void {
    if (bytes.length > 0) this.sink.bytes(bytes, false);
    if (this.#long === null && this.#message.length + bytes.length > MESSAGE_LIMIT) {
      this.#long = this.sink.longMessage();
      this.#long.feed(this.#message.view);
      this.#message.clear();
    }
    if (this.#long === null) this.#message.append(bytes);
    else this.#long.feed(bytes);
  }

  #end(): void {
    this.sink.bytes(Buffer.alloc(0), true);
    if (this.#long !== null) this.#long.end();
    else if (this.#message.length > 0) this.sink.message(this.#message.view.toString('utf8'));
    this.#long = null;
    this.#message.length = 0;
  }

  #drop(): void {
    this.#long = null;
    this.#message.clear();
  }
}
