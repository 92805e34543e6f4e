/** The part of a body that is kept for people to read: its first bytes, up to a limit. */
export class KeptBody {
  #chunks: Buffer[] = [];
  #size = 0;
  /** Whether something was left out. */
  truncated = false;

  constructor(private readonly limit: number) {}

  add(chunk: Buffer): void {
    const room = this.limit - this.#size;
    if (chunk.length > room) this.truncated = true;
    if (room <= 0) return;
    // A copy: the chunk is a view of a slab that will be filled again.
    const kept = Buffer.from(chunk.subarray(0, room));
    this.#chunks.push(kept);
    this.#size += kept.length;
  }

  /** What was kept. */
  bytes(): Buffer {
    return this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
  }

  /** As text. Bytes that are no text (audio, images) are `base64:` and their base64. */
  text(): string {
    const bytes = this.bytes();
    const text = bytes.toString('utf8');
    // A cut may fall inside a character; that alone does not make a text binary.
    const whole = this.truncated ? text.replace(/\ufffd{1,3}$/, '') : text;
    return whole.includes('\ufffd') && !bytes.includes(replacementCharacter)
      ? `base64:${bytes.toString('base64')}`
      : whole;
  }
}

const replacementCharacter = Buffer.from('\ufffd');
