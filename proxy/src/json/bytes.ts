/** Even no bytes are a dear thing to make. */
const nothing = Buffer.alloc(0);

/** Bytes that are collected: one buffer that doubles, so that many small chunks cost no more than one large one. */
export class Bytes {
  #buffer: Buffer = nothing;
  length = 0;

  append(chunk: Uint8Array): void {
    const needed = this.length + chunk.length;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(
        Math.max(needed, this.length === 0 ? 0 : Math.max(1024, this.#buffer.length * 2)),
      );
      this.#buffer.copy(grown, 0, 0, this.length);
      this.#buffer = grown;
    }
    this.#buffer.set(chunk, this.length);
    this.length = needed;
  }

  /** What was collected; valid until the next change. */
  get view(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }

  clear(): void {
    this.#buffer = nothing;
    this.length = 0;
  }
}
