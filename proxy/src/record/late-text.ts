import type { TextSample } from '../providers/provider.ts';
import { RequestTextReader } from '../providers/request.ts';
import type { KeptBody } from './kept.ts';

/** Of a call without a request that was seen. */
export const noText: TextSample = { kept: '', characters: 0 };

/** The text of a request, read only when it is asked for; where not all of the body is kept, from there on as it comes. */
export class LateText {
  #reader: RequestTextReader | null = null;
  /** Bytes of the body that were kept and not read. */
  #unread = 0;

  constructor(
    private readonly kept: KeptBody,
    private readonly contentType: string,
  ) {}

  /** @param chunk it was given to what is kept before. */
  add(chunk: Uint8Array): void {
    const { kept } = this;
    if (this.#reader !== null) this.#reader.feed(chunk);
    else if (kept.truncated) {
      this.#reader = new RequestTextReader(this.contentType);
      this.#reader.feed(kept.bytes());
      this.#reader.feed(chunk.subarray(kept.size - this.#unread));
    }
    this.#unread = kept.size;
  }

  /** Once, when the whole body has come. */
  read(): TextSample {
    if (this.#reader !== null) return this.#reader.end();
    const reader = new RequestTextReader(this.contentType);
    reader.feed(this.kept.bytes());
    return reader.end();
  }
}
