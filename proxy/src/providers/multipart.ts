import { Bytes } from '../json/bytes.ts';

/** The form fields that are worth a column. */
const NAMES = ['model', 'stream', 'user', 'service_tier'] as const;
const BLOCK = 65_536;
/** Longer than a part's headers and a short value together. */
const OVERLAP = 1024;

/**
 * Finds short fields of a `multipart/form-data` body (RFC 7578) as it streams past, before or after its files. Looks
 * for the part's own header, so that no boundary has to be known.
 */
export class MultipartFields {
  readonly fields = new Map<string, string>();
  #window = '';
  readonly #pending = new Bytes();

  feed(chunk: Uint8Array): void {
    this.#pending.append(chunk);
    if (this.#pending.length >= BLOCK) this.#scan();
  }

  end(): void {
    this.#scan();
  }

  #scan(): void {
    const text = this.#window + this.#pending.view.toString('latin1');
    this.#pending.length = 0;
    for (const name of NAMES) {
      if (this.fields.has(name)) continue;
      const at = text.indexOf(`form-data; name="${name}"\r\n`);
      if (at === -1) continue;
      const value = /^[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]{1,256})\r\n/.exec(text.slice(at, at + OVERLAP))?.[1];
      if (value !== undefined) this.fields.set(name, Buffer.from(value, 'latin1').toString('utf8'));
    }
    this.#window = text.slice(-OVERLAP);
  }
}
