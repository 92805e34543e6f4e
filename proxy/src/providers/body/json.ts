import { Bytes } from '../../json/bytes.ts';
import { ProjectionReader } from '../../json/project.ts';
import { parseJson } from '../../json/value.ts';
import { LinesBody } from './lines.ts';
import type { BodyReader, BodySink } from './sink.ts';

/** A document up to this size is parsed at once; a larger one is read as it streams. */
const SMALL = 262_144;
const LF = 0x0a;

/** One JSON document; or, when its first line is already one, a value on each line. */
export class JsonBody implements BodyReader {
  readonly #bytes = new Bytes();
  #large: ProjectionReader | null = null;
  #lines: LinesBody | null = null;
  /** A line feed inside of the document has shown that lines are no values. */
  #oneDocument = false;

  constructor(readonly sink: BodySink) {}

  get streams(): boolean {
    return this.#lines?.streams ?? false;
  }

  feed(chunk: Uint8Array): void {
    if (this.#lines !== null) this.#lines.feed(chunk);
    else if (this.#large !== null) this.#large.feed(chunk);
    else this.#collect(chunk);
  }

  end(cut: boolean): void {
    if (this.#lines !== null) this.#lines.end();
    else if (this.#large !== null) this.#endLarge(this.#large, cut);
    else this.#endSmall(cut);
  }

  #collect(chunk: Uint8Array): void {
    // How the bytes are split must not matter: a first line that fits is looked at before the size of all.
    const end = this.#oneDocument ? -1 : chunk.indexOf(LF);
    if (end !== -1 && this.#bytes.length + end < SMALL) {
      this.#bytes.append(chunk.subarray(0, end + 1));
      this.#firstLine();
      if (end + 1 < chunk.length) this.feed(chunk.subarray(end + 1));
    } else if (this.#bytes.length + chunk.length <= SMALL) this.#bytes.append(chunk);
    else {
      this.#large = new ProjectionReader(this.sink.plan);
      this.#large.feed(this.#bytes.view);
      this.#large.feed(chunk);
      this.#bytes.clear();
    }
  }

  #firstLine(): void {
    const bytes = this.#bytes.view;
    if (parseJson(textOf(bytes)) === null) {
      this.#oneDocument = true;
      return;
    }
    this.#lines = new LinesBody(this.sink, false);
    this.#lines.feed(bytes);
    this.#bytes.clear();
  }

  #endSmall(cut: boolean): void {
    const bytes = this.#bytes.view;
    this.#bytes.clear();
    const parsed = parseJson(textOf(bytes));
    if (parsed !== null) {
      this.sink.document(parsed.value, true);
      return;
    }
    const large = new ProjectionReader(this.sink.plan);
    large.feed(bytes);
    this.#endLarge(large, cut);
  }

  #endLarge(reader: ProjectionReader, cut: boolean): void {
    const whole = reader.end();
    if (!whole && !cut) this.sink.warn('malformed_reply');
    if (reader.projection.cut) this.sink.warn('reply_read_in_part');
    this.sink.document(reader.value, whole);
  }
}

/** A list of pieces (Gemini without `alt=sse`): each is read when it is whole, and let go. */
export class ListBody implements BodyReader {
  readonly streams = true;
  readonly #reader: ProjectionReader;

  constructor(readonly sink: BodySink) {
    this.#reader = new ProjectionReader(sink.plan, { onItem: (item) => sink.piece(item, '') });
  }

  feed(chunk: Uint8Array): void {
    this.#reader.feed(chunk);
  }

  end(cut: boolean): void {
    const whole = this.#reader.end();
    if (!whole && !cut) this.sink.warn('malformed_reply');
    if (this.#reader.projection.cut) this.sink.warn('reply_read_in_part');
    this.sink.document(this.#reader.value, whole);
  }
}

function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}
