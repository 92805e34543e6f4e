/** Tells whether the pieces of a JSON object make a whole one, without keeping them. */
export class JsonEnd {
  #depth = 0;
  #inText = false;
  #escaped = false;
  #begun = false;

  feed(text: string): void {
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (this.#escaped) this.#escaped = false;
      else if (this.#inText) {
        if (code === 0x5c) this.#escaped = true;
        else if (code === 0x22) this.#inText = false;
      } else if (code === 0x22) this.#inText = true;
      else if (code === 0x7b || code === 0x5b) {
        this.#depth++;
        this.#begun = true;
      } else if (code === 0x7d || code === 0x5d) this.#depth--;
    }
  }

  get whole(): boolean {
    return this.#begun && this.#depth <= 0;
  }
}
