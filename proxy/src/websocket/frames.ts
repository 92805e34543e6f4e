/**
 * WebSocket frames (RFC 6455 §5) of one direction, from bytes split anywhere. Knows no provider and changes nothing: it
 * reads a copy. Bounded: nothing is kept but a head of at most 14 bytes and a control frame's 125; work is linear; bytes
 * that are no frames end the reading, and never throw.
 */

/** A stretch of a message's payload, unmasked; or the end of the connection. */
export type Piece =
  { kind: 'data'; bytes: Buffer; compressed: boolean; last: boolean } | { kind: 'close'; code: number; reason: string };

const LONGEST_CONTROL = 125;
/** RFC 6455 §7.4.1: the other side said nothing. */
const NO_CODE = 1005;

const enum Opcode {
  Continuation = 0,
  Text = 1,
  Binary = 2,
  Close = 8,
  Ping = 9,
  Pong = 10,
}

interface Frame {
  readonly final: boolean;
  readonly opcode: number;
  readonly mask: Buffer | null;
  /** Payload that has not come yet, and what has. */
  left: number;
  read: number;
}

/** Splits one direction of a connection into pieces of messages. */
export class FrameReader {
  /** The bytes were no frames: nothing is read any more. */
  broken = false;
  readonly #head = Buffer.alloc(14);
  #headBytes = 0;
  #frame: Frame | null = null;
  #compressed = false;
  /** A message goes on in the next frame. */
  #open = false;
  #control: Buffer[] = [];

  /** @returns the pieces that `chunk` brings. Those that were not masked are views of it. */
  read(chunk: Buffer): Piece[] {
    const pieces: Piece[] = [];
    let at = 0;
    while (at < chunk.length && !this.broken) {
      if (this.#frame === null) {
        this.#head[this.#headBytes++] = chunk[at++] ?? 0;
        this.#beginFrame();
        if (this.#frame === null) continue;
      }
      const frame = this.#frame as Frame;
      const part = chunk.subarray(at, at + frame.left);
      at += part.length;
      this.#take(frame, unmasked(part, frame), pieces);
    }
    return pieces;
  }

  /** Opens a frame when its head is whole. */
  #beginFrame(): void {
    const head = this.#head;
    if (this.#headBytes < 2) return;
    const [first = 0, second = 0] = head;
    const short = second & 0x7f;
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
    const masked = (second & 0x80) !== 0;
    if (this.#headBytes < 2 + extended + (masked ? 4 : 0)) return;
    this.#headBytes = 0;
    const length = extended === 0 ? short : extended === 2 ? head.readUInt16BE(2) : Number(head.readBigUInt64BE(2));
    const opcode = first & 0x0f;
    const reserved = (first & 0x30) !== 0;
    if (reserved || !Number.isSafeInteger(length) || !this.#accepts(opcode, length)) {
      this.broken = true;
      return;
    }
    if (opcode === Opcode.Text || opcode === Opcode.Binary) this.#compressed = (first & 0x40) !== 0;
    const mask = masked ? Buffer.from(head.subarray(2 + extended, 6 + extended)) : null;
    this.#frame = { final: (first & 0x80) !== 0, opcode, mask, left: length, read: 0 };
  }

  #accepts(opcode: number, length: number): boolean {
    if (opcode >= Opcode.Close) return opcode <= Opcode.Pong && length <= LONGEST_CONTROL;
    return opcode === Opcode.Continuation ? this.#open : opcode <= Opcode.Binary && !this.#open;
  }

  #take(frame: Frame, bytes: Buffer, pieces: Piece[]): void {
    frame.left -= bytes.length;
    frame.read += bytes.length;
    const whole = frame.left === 0;
    if (frame.opcode < Opcode.Close) {
      const last = whole && frame.final;
      if (bytes.length > 0 || last) pieces.push({ kind: 'data', bytes, compressed: this.#compressed, last });
      if (whole) this.#open = !frame.final;
    } else {
      this.#control.push(Buffer.from(bytes));
      if (whole && frame.opcode === Opcode.Close) pieces.push(closing(Buffer.concat(this.#control)));
      if (whole) this.#control = [];
    }
    if (whole) this.#frame = null;
  }
}

function unmasked(part: Buffer, { mask, read }: Frame): Buffer {
  if (mask === null) return part;
  const bytes = Buffer.from(part);
  for (let at = 0; at < bytes.length; at++) bytes[at] = (bytes[at] ?? 0) ^ (mask[(read + at) & 3] ?? 0);
  return bytes;
}

function closing(payload: Buffer): Piece {
  const code = payload.length >= 2 ? payload.readUInt16BE(0) : NO_CODE;
  return { kind: 'close', code, reason: payload.toString('utf8', 2) };
}
