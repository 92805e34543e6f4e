/** Text as the bytes that it came in, known to be valid UTF-8: what is only written on need not become a string. */
export class Utf8Text {
  /** @param parts each ends with a whole character. */
  constructor(readonly parts: readonly Buffer[]) {}

  toString(): string {
    return this.parts.map((part) => part.toString('utf8')).join('');
  }
}
