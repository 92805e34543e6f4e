/**
 * A hash of what a JSON document means: equal for equal documents whatever the order of members, white space, escapes
 * or spelling of numbers; lists keep their order. Computed from tokens as they arrive, in memory that grows with
 * nesting only: a member is hashed with its name, and an object adds its members up, so that their order is lost.
 * Not cryptographic: a person may make two documents collide who wants to.
 */
import type { TokenSink } from '../json/tokens.ts';
import { JsonTokens } from '../json/tokens.ts';

/** From so many bytes on, a view of them costs less than it saves. */
const longPiece = 32;

/** 64 bits as two lanes that feed each other, four bytes at a time (after MurmurHash3, public domain). */
class Lanes {
  a = 0;
  b = 0;
  #word = 0;
  #bytes = 0;

  start(kind: number): void {
    this.a = kind;
    this.b = 0x9e3779b9 ^ kind;
    this.#word = 0;
    this.#bytes = 0;
  }

  bytes(from: Uint8Array, start: number, end: number): void {
    let at = start;
    while ((this.#bytes & 3) !== 0 && at < end) this.#byte(from[at++] ?? 0);
    if (end - at >= longPiece) {
      const whole = at + ((end - at) & ~3);
      this.#words(new DataView(from.buffer, from.byteOffset, whole), at);
      this.#bytes += whole - at;
      at = whole;
    }
    while (at < end) this.#byte(from[at++] ?? 0);
  }

  /**
   * Whole words of a long string: {@link Lanes.word} with its state in locals, and each word read at once, wherever it stands:
   * nearly twice as fast as byte by byte, and still the most of what reading a large request costs.
   */
  #words(from: DataView, start: number): void {
    // As 32-bit integers: the loop would carry the fields' doubles.
    let a = this.a | 0;
    let b = this.b | 0;
    const end = from.byteLength;
    for (let i = start; i < end; i += 4) {
      const word = from.getInt32(i, true);
      let k = Math.imul(word, 0x239b961b);
      a ^= Math.imul((k << 15) | (k >>> 17), 0xab0e9789);
      a = (a << 19) | (a >>> 13);
      a = (Math.imul((a + b) | 0, 5) + 0x561ccd1b) | 0;
      k = Math.imul(word, 0x38b34ae5);
      b ^= Math.imul((k << 17) | (k >>> 15), 0xa1e38b93);
      b = (b << 13) | (b >>> 19);
      b = (Math.imul((b + a) | 0, 5) + 0x32ac3b17) | 0;
    }
    this.a = a;
    this.b = b;
  }

  #byte(byte: number): void {
    this.#word |= byte << ((this.#bytes & 3) * 8);
    this.#bytes++;
    if ((this.#bytes & 3) !== 0) return;
    this.word(this.#word);
    this.#word = 0;
  }

  word(word: number): void {
    let k = Math.imul(word, 0x239b961b);
    let a = this.a ^ Math.imul((k << 15) | (k >>> 17), 0xab0e9789);
    a = (a << 19) | (a >>> 13);
    a = (Math.imul((a + this.b) | 0, 5) + 0x561ccd1b) | 0;
    k = Math.imul(word, 0x38b34ae5);
    let b = this.b ^ Math.imul((k << 17) | (k >>> 15), 0xa1e38b93);
    b = (b << 13) | (b >>> 19);
    this.b = (Math.imul((b + a) | 0, 5) + 0x32ac3b17) | 0;
    this.a = a;
  }

  /** Spreads every bit over both lanes. */
  end(): void {
    if ((this.#bytes & 3) !== 0) this.word(this.#word);
    let a = this.a ^ this.#bytes;
    let b = this.b ^ this.#bytes;
    a = mix((a + b) | 0);
    b = mix((b + a) | 0);
    this.a = (a + b) | 0;
    this.b = (b + this.a) | 0;
  }
}

function mix(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

const enum Kind {
  Object = 1,
  List,
  String,
  Number,
  True,
  False,
  Null,
  Member,
}

interface Open {
  readonly isObject: boolean;
  a: number;
  b: number;
  count: number;
  nameA: number;
  nameB: number;
  /** The member that comes next does not count. */
  leaveOut: boolean;
}

/** Member names by their two lanes. */
type NameHashes = ReadonlyMap<number, number>;
const NO_NAMES: NameHashes = new Map();

/** Names to leave out, ready to be compared with hashed ones: a name in a body may be of any length. */
export function hashNames(names: readonly string[]): NameHashes {
  const lanes = new Lanes();
  return new Map(
    names.map((name) => {
      const bytes = Buffer.from(name, 'utf8');
      lanes.start(Kind.Member);
      lanes.bytes(bytes, 0, bytes.length);
      lanes.end();
      return [lanes.a, lanes.b];
    }),
  );
}

/** A number and its bytes. */
const double = new Float64Array(1);
const doubleBytes = new Uint8Array(double.buffer);

/** Takes JSON tokens; {@link CanonicalHash.value} is the hash of the whole. Members of the top object may be left out. */
export class CanonicalHash implements TokenSink {
  readonly #lanes = new Lanes();
  readonly #stack: Open[] = [];
  readonly #leaveOut: NameHashes;
  #result: readonly [number, number] | null = null;

  constructor(leaveOut: NameHashes = NO_NAMES) {
    this.#leaveOut = leaveOut;
  }

  /** Decimal text of the unsigned 64-bit hash, `null` before the document has ended. */
  get value(): string | null {
    if (this.#result === null) return null;
    const [a, b] = this.#result;
    return ((BigInt(a >>> 0) << 32n) | BigInt(b >>> 0)).toString();
  }

  open(isObject: boolean): void {
    this.#stack.push({ isObject, a: isObject ? 0 : 1, b: 0, count: 0, nameA: 0, nameB: 0, leaveOut: false });
  }

  close(): void {
    const open = this.#stack.pop();
    if (open === undefined) return;
    const lanes = this.#lanes;
    lanes.start(open.isObject ? Kind.Object : Kind.List);
    lanes.word(open.count);
    lanes.word(open.a);
    lanes.word(open.b);
    this.#value();
  }

  stringStart(isKey: boolean): void {
    this.#lanes.start(isKey ? Kind.Member : Kind.String);
  }

  piece(bytes: Uint8Array, start: number, end: number): void {
    this.#lanes.bytes(bytes, start, end);
  }

  stringEnd(isKey: boolean): void {
    if (!isKey) {
      this.#value();
      return;
    }
    const lanes = this.#lanes;
    lanes.end();
    const top = this.#stack.at(-1);
    if (top === undefined) return;
    top.nameA = lanes.a;
    top.nameB = lanes.b;
    top.leaveOut = this.#stack.length === 1 && this.#leaveOut.get(lanes.a) === lanes.b;
  }

  number(value: number): void {
    this.#lanes.start(Kind.Number);
    // -0 and 0 are one number.
    double[0] = value + 0;
    this.#lanes.bytes(doubleBytes, 0, 8);
    this.#value();
  }

  literal(value: boolean | null): void {
    this.#lanes.start(value === null ? Kind.Null : value ? Kind.True : Kind.False);
    this.#value();
  }

  /** Gives the value that the lanes hold to what it stands in. */
  #value(): void {
    const lanes = this.#lanes;
    lanes.end();
    const { a, b } = lanes;
    const top = this.#stack.at(-1);
    if (top === undefined) {
      this.#result = [a, b];
      return;
    }
    if (top.leaveOut) {
      top.leaveOut = false;
      return;
    }
    top.count++;
    lanes.start(top.isObject ? Kind.Member : Kind.List);
    lanes.word(top.isObject ? top.nameA : top.a);
    lanes.word(top.isObject ? top.nameB : top.b);
    lanes.word(a);
    lanes.word(b);
    lanes.end();
    top.a = top.isObject ? (top.a + lanes.a) | 0 : lanes.a;
    top.b = top.isObject ? (top.b + lanes.b) | 0 : lanes.b;
  }
}

/** Hash of a whole JSON text, `null` when it is none. */
export function hashJson(text: Uint8Array, leaveOut: readonly string[] = []): string | null {
  const hash = new CanonicalHash(hashNames(leaveOut));
  const tokens = new JsonTokens(hash);
  tokens.feed(text);
  tokens.end();
  return tokens.whole ? hash.value : null;
}
