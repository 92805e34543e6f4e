/**
 * Memory that is used again and again. Fresh buffers of megabytes count as garbage-to-be: with every few of them V8 collects
 * the whole heap.
 */
export class Reused {
  #bytes: Buffer | null = null;

  constructor(private readonly usualSize: number) {}

  /** Room for `size` bytes; what was there before is gone. Unusually large pieces get memory of their own. */
  ofSize(size: number): Buffer {
    if (size > this.usualSize) return Buffer.allocUnsafeSlow(size);
    this.#bytes ??= Buffer.allocUnsafeSlow(this.usualSize);
    return this.#bytes;
  }

  /** The parts in one piece. */
  join(parts: readonly Buffer[]): Buffer {
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    const bytes = this.ofSize(size);
    let at = 0;
    for (const part of parts) at += part.copy(bytes, at);
    return bytes.subarray(0, size);
  }
}
