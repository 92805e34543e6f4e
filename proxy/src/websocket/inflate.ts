/** The messages of one direction of a connection whose sides agreed on `permessage-deflate` (RFC 7692), unpacked. */
import { createInflateRaw, type InflateRaw } from 'node:zlib';

/** What a sender leaves off the end of each message (§7.2.2). */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
/** A message that claims to unpack to more is read no further: a few bytes can name terabytes. */
const unpackedLimit = 256 * 1024 ** 2;

/** What the handshake's answer says of both directions; null when messages are not compressed. */
export interface Deflate {
  /** Each message of this side stands for itself. */
  readonly client: boolean;
  readonly server: boolean;
}

/** @param extensions value of the answer's `Sec-WebSocket-Extensions`. */
export function readDeflate(extensions: string): Deflate | null {
  const agreed = extensions.split(',').map((one) => one.split(';').map((part) => part.trim().toLowerCase()));
  const deflate = agreed.find(([name]) => name === 'permessage-deflate');
  if (deflate === undefined) return null;
  return {
    client: deflate.includes('client_no_context_takeover'),
    server: deflate.includes('server_no_context_takeover'),
  };
}

/** Memory is zlib's window of 32 KB, however long a message is. */
export class Inflater {
  /** What was damaged, or too large, cannot be read on: later messages refer to it. */
  broken = false;
  readonly #stream: InflateRaw = createInflateRaw();
  readonly #over: Promise<void>;
  #unpacked = 0;

  /** @param alone each message stands for itself. */
  constructor(
    private readonly alone: boolean,
    take: (bytes: Buffer) => void,
  ) {
    this.#stream.on('data', (bytes: Buffer) => {
      this.#unpacked += bytes.length;
      if (this.#unpacked > unpackedLimit) this.#stream.destroy(new Error('too large'));
      else take(bytes);
    });
    this.#over = new Promise((resolve) => {
      this.#stream.on('error', () => (this.broken = true));
      this.#stream.on('close', resolve);
    });
  }

  /** Resolves when all that `bytes` stand for has been taken. */
  async write(bytes: Buffer, last: boolean): Promise<void> {
    if (this.broken || this.#stream.destroyed) return;
    if (bytes.length > 0) this.#stream.write(bytes);
    if (last) this.#stream.write(TAIL);
    await Promise.race([new Promise<void>((resolve) => this.#stream.flush(resolve)), this.#over]);
    if (this.#stream.destroyed) this.broken = true;
    if (!last || this.broken) return;
    this.#unpacked = 0;
    if (this.alone) this.#stream.reset();
  }

  close(): void {
    this.#stream.destroy();
  }
}
