import type { TokenSink } from './tokens.ts';
import { JsonTokens } from './tokens.ts';

/**
 * The bytes of one base64 member of a JSON object that is too long to be parsed at once, handed on as they arrive. Other
 * members are passed over. Bounded: at most three characters wait for the fourth.
 */
export class Base64Member implements TokenSink {
  readonly #tokens = new JsonTokens(this);
  #depth = 0;
  #inName = false;
  #name = '';
  #wanted = false;
  #rest = '';

  constructor(
    readonly member: string,
    readonly take: (bytes: Buffer) => void,
  ) {}

  feed(chunk: Uint8Array): void {
    this.#tokens.feed(chunk);
  }

  open(): void {
    this.#depth++;
  }

  close(): void {
    this.#depth--;
  }

  stringStart(isKey: boolean): void {
    this.#inName = isKey && this.#depth === 1;
    if (this.#inName) this.#name = '';
    this.#wanted = !isKey && this.#depth === 1 && this.#name === this.member;
  }

  piece(bytes: Uint8Array, start: number, end: number): void {
    if (this.#inName && this.#name.length <= this.member.length) {
      this.#name += Buffer.from(bytes.subarray(start, end)).toString('latin1', 0, this.member.length + 1);
    }
    if (!this.#wanted) return;
    const text = this.#rest + Buffer.from(bytes.subarray(start, end)).toString('latin1');
    const whole = text.length - (text.length % 4);
    this.#rest = text.slice(whole);
    if (whole > 0) this.take(Buffer.from(text.slice(0, whole), 'base64'));
  }

  stringEnd(isKey: boolean): void {
    this.#inName = false;
    if (isKey || !this.#wanted) return;
    if (this.#rest !== '') this.take(Buffer.from(this.#rest, 'base64'));
    this.#rest = '';
    this.#wanted = false;
  }

  number(): void {
    // No bytes.
  }

  literal(): void {
    // No bytes.
  }
}
