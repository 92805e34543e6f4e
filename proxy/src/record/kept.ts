import { isUtf8 } from 'node:buffer';
import { Utf8Text } from '../json/utf8-text.ts';

const smallestBlock = 1024;
const largestBlock = 65_536;
const noRoom = Buffer.alloc(0);

/** The part of a body that is kept for people to read: its first bytes, up to a limit. */
export class KeptBody {
  /** In memory of its own. */
  readonly #owned: Buffer[] = [];
  /** What came behind that, in memory that others will fill again. */
  #borrowed: Buffer[] = [];
  /** Of the memory of the last part, what is not filled yet. */
  #room: Buffer = noRoom;
  /** Bytes that are kept. */
  size = 0;
  /** Whether something was left out. */
  truncated = false;

  constructor(private readonly limit: number) {}

  /** Keeps a copy of what there is room for. */
  add(chunk: Buffer): void {
    this.borrow(chunk);
    this.own();
  }

  /** Keeps what there is room for without copying it: it must not change before {@link KeptBody.own}. */
  borrow(chunk: Buffer): void {
    const room = this.limit - this.size;
    if (chunk.length > room) this.truncated = true;
    if (room <= 0 || chunk.length === 0) return;
    const kept = chunk.length > room ? chunk.subarray(0, room) : chunk;
    this.#borrowed.push(kept);
    this.size += kept.length;
  }

  /** Copies what was borrowed: it is about to change. */
  own(): void {
    for (const chunk of this.#borrowed) this.#copy(chunk);
    if (this.#borrowed.length > 0) this.#borrowed = [];
  }

  /** What was kept; valid as long as what was borrowed. */
  bytes(): Buffer {
    const parts = this.#parts;
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }

  /** As text. Bytes that are no text (audio, images) are `base64:` and their base64. Valid as long as what was borrowed. */
  text(): string | Utf8Text {
    const parts = this.#parts;
    // A cut may fall inside of a character: only where nothing was cut are bytes that are no text seen by that alone.
    if (this.truncated) return this.#readText();
    if (parts.every((part) => isUtf8(part))) return new Utf8Text(parts);
    const whole = this.bytes();
    return isUtf8(whole) ? new Utf8Text([whole]) : this.#readText();
  }

  get #parts(): Buffer[] {
    return [...this.#owned, ...this.#borrowed];
  }

  #readText(): string {
    const bytes = this.bytes();
    const text = bytes.toString('utf8');
    const whole = this.truncated ? text.replace(/\ufffd{1,3}$/, '') : text;
    return whole.includes('\ufffd') && !bytes.includes(replacementCharacter)
      ? `base64:${bytes.toString('base64')}`
      : whole;
  }

  /** Small pieces share blocks, which grow with the body: a stream of many takes few, and little more than it needs. */
  #copy(chunk: Buffer): void {
    const last = this.#owned.at(-1);
    if (last !== undefined && chunk.length <= this.#room.length) {
      chunk.copy(this.#room);
      this.#owned[this.#owned.length - 1] = Buffer.from(last.buffer, last.byteOffset, last.length + chunk.length);
      this.#room = this.#room.subarray(chunk.length);
      return;
    }
    const owned = this.#owned.reduce((sum, { length }) => sum + length, 0);
    const block = Buffer.allocUnsafe(Math.max(chunk.length, Math.min(largestBlock, Math.max(smallestBlock, owned))));
    chunk.copy(block);
    this.#owned.push(block.subarray(0, chunk.length));
    this.#room = block.subarray(chunk.length);
  }
}

const replacementCharacter = Buffer.from('\ufffd');
