/**
 * Frames: what the main thread tells the recorder, as bytes in slabs that change hands. A frame is a 16-byte head
 * (length, call, time, kind; little endian) and its payload. Frames of one call are in order; calls interleave.
 */
export const frameHead = 16;

export const kinds = {
  /** JSON of {@link StartNote}: the call exists. */
  start: 1,
  /** JSON array of raw request headers, secrets removed. */
  requestHeaders: 2,
  /** Bytes of the request's body. */
  request: 3,
  /** JSON of {@link AttemptNote}: one more attempt began. */
  attempt: 4,
  /** JSON of {@link HeadNote}: the answering attempt's head. */
  head: 5,
  /** Bytes of the response's body. */
  response: 6,
  /** JSON of {@link EndNote}: nothing more comes. */
  end: 7,
  /** Payload of a body was shed here. */
  shed: 8,
  /** The marks file named by `call` is closed, and every end in it has been told. */
  rotated: 9,
} as const;
export type Kind = (typeof kinds)[keyof typeof kinds];

/** Time in a frame's head: units of 10 µs since the call began. */
export const timeUnitMs = 0.01;

export interface Frame {
  kind: Kind;
  call: number;
  /** ms since the call began. */
  atMs: number;
  payload: Buffer;
}

/** Writes a head; the payload follows at `offset + frameHead`. */
export function writeHead(slab: Buffer, offset: number, kind: Kind, call: number, atMs: number, length: number): void {
  slab.writeUInt32LE(length, offset);
  slab.writeUInt32LE(call >>> 0, offset + 4);
  slab.writeUInt32LE(Math.min(0xffff_ffff, Math.max(0, Math.round(atMs / timeUnitMs))), offset + 8);
  slab.writeUInt32LE(kind, offset + 12);
}

/** The frames of a slab whose first `length` bytes are filled. Payloads are views: they die with the slab. */
export function* readFrames(slab: Buffer, length: number): Generator<Frame> {
  for (let offset = 0; offset + frameHead <= length;) {
    const size = slab.readUInt32LE(offset);
    yield {
      kind: slab.readUInt32LE(offset + 12) as Kind,
      call: slab.readUInt32LE(offset + 4),
      atMs: slab.readUInt32LE(offset + 8) * timeUnitMs,
      payload: slab.subarray(offset + frameHead, offset + frameHead + size),
    };
    offset += frameHead + size;
  }
}
