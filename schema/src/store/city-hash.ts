/**
 * CityHash128 of version 1.0.2, which ClickHouse kept for the checksums of its compressed blocks (contrib/cityhash102; later
 * versions give other numbers). A word of 64 bits is two of 32, the low one first: with BigInt the first megabyte takes
 * seconds, until the compiler has seen enough of it. Every operation changes its first word and returns it.
 */
type Word = Int32Array;

const k0 = word(0xc3a5c85c, 0x97cb3127);
const k1 = word(0xb492b66f, 0xbe98f273);
const k2 = word(0x9ae16a3b, 0x2f90404f);
const k3 = word(0xc949d7c7, 0x509e6557);
const pairing = word(0x9ddfea08, 0xeb382d69);

/** The checksum as it stands before a block: 16 bytes. */
export function cityHash128(bytes: Uint8Array): Buffer {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [low, high] = hash(view, bytes.byteLength);
  const checksum = Buffer.alloc(16);
  checksum.writeInt32LE(low[0]!, 0);
  checksum.writeInt32LE(low[1]!, 4);
  checksum.writeInt32LE(high[0]!, 8);
  checksum.writeInt32LE(high[1]!, 12);
  return checksum;
}

function hash(view: DataView, length: number): [low: Word, high: Word] {
  if (length >= 16) return hashSeeded(view, 16, length - 16, xor(load(view, 0), k3), load(view, 8));
  if (length >= 8) {
    const low = xor(load(view, 0), multiply(number(length), k0));
    return hashSeeded(view, 0, 0, low, xor(load(view, length - 8), k1));
  }
  return hashSeeded(view, 0, length, copy(k0), copy(k1));
}

/** The state of the long hash: two single words, and two pairs that take in 32 bytes each. */
function hashSeeded(view: DataView, from: number, length: number, low: Word, high: Word): [low: Word, high: Word] {
  if (length < 128) return hashShort(view, from, length, low, high);
  const end = from + length;
  const y = high;
  let x = low;
  let z = multiply(number(length), k1);
  const v = [multiply(rotate(xor(copy(y), k1), 49), k1), number(0)] as const;
  add(v[0], load(view, from));
  set(v[1], v[0]);
  add(multiply(rotate(v[1], 42), k1), load(view, from + 8));
  const w = [add(multiply(rotate(add(copy(y), z), 35), k1), x), number(0)] as const;
  set(w[1], x);
  multiply(rotate(add(w[1], load(view, from + 88)), 53), k1);
  let at = from;
  // 64 bytes at a time, always an even number of times.
  for (let half = 0; half === 1 || end - at >= 128; half = 1 - half, at += 64) {
    multiply(rotate(add(add(add(x, y), v[0]), load(view, at + 16, loaded)), 37), k1);
    multiply(rotate(add(add(y, v[1]), load(view, at + 48, loaded)), 42), k1);
    xor(x, w[1]);
    xor(y, v[0]);
    rotate(xor(z, w[0]), 33);
    set(v[0], multiply(v[1], k1));
    add(set(v[1], x), w[0]);
    takeIn(view, at, v);
    set(w[0], add(w[1], z));
    set(w[1], y);
    takeIn(view, at + 32, w);
    [x, z] = [z, x];
  }
  add(add(y, multiply(rotate(copy(w[0]), 37), k0)), z);
  add(x, multiply(rotate(add(copy(v[0]), z), 49), k0));
  const left = end - at;
  for (let done = 32; done - 32 < left; done += 32) {
    add(multiply(rotate(subtract(y, x), 42), k0), v[1]);
    add(w[0], load(view, end - done + 16));
    add(multiply(rotate(x, 49), k0), w[0]);
    add(w[0], v[0]);
    takeIn(view, end - done, v);
  }
  x = pair(x, v[0]);
  const last = pair(y, w[0]);
  return [add(pair(add(copy(x), v[1]), w[1]), last), pair(add(x, w[1]), add(copy(last), v[1]))];
}

// Words of the innermost loop, made once.
const [first, sum, loaded] = [number(0), number(0), number(0)];

/** Takes 32 bytes into a pair. (WeakHashLen32WithSeeds) */
function takeIn(view: DataView, at: number, [a, b]: readonly [Word, Word]): void {
  set(first, add(a, load(view, at, loaded)));
  add(a, load(view, at + 8, loaded));
  add(a, load(view, at + 16, loaded));
  load(view, at + 24, loaded);
  rotate(add(add(b, first), loaded), 21);
  add(add(b, rotate(set(sum, a), 44)), first);
  add(a, loaded);
}

/** Up to 127 bytes. (CityMurmur) */
function hashShort(view: DataView, from: number, length: number, low: Word, high: Word): [low: Word, high: Word] {
  const [a, b] = [low, high];
  let c: Word;
  let d: Word;
  if (length <= 16) {
    multiply(fold(multiply(a, k1)), k1);
    c = add(multiply(copy(b), k1), hashTiny(view, from, length));
    d = fold(add(copy(a), length >= 8 ? load(view, from) : c));
  } else {
    c = pair(add(load(view, from + length - 8), k1), a);
    d = pair(add(copy(b), number(length)), add(copy(c), load(view, from + length - 16)));
    add(a, d);
    for (let at = from; at - from < length - 16; at += 16) {
      multiply(xor(a, multiply(fold(multiply(load(view, at), k1)), k1)), k1);
      xor(b, a);
      multiply(xor(c, multiply(fold(multiply(load(view, at + 8), k1)), k1)), k1);
      xor(d, c);
    }
  }
  const low128 = pair(a, c);
  const high128 = pair(d, b);
  return [xor(copy(low128), high128), pair(high128, low128)];
}

/** Up to 16 bytes as one word. (HashLen0to16) */
function hashTiny(view: DataView, from: number, length: number): Word {
  if (length > 8) {
    const last = load(view, from + length - 8);
    return xor(pair(load(view, from), rotate(add(copy(last), number(length)), length)), last);
  }
  if (length >= 4) {
    const begin = view.getUint32(from, true);
    return pair(add(word(begin >>> 29, begin << 3), number(length)), number(view.getUint32(from + length - 4, true)));
  }
  if (length === 0) return copy(k2);
  const [a, b, c] = [view.getUint8(from), view.getUint8(from + (length >> 1)), view.getUint8(from + length - 1)];
  const mixed = xor(multiply(number(a + (b << 8)), k2), multiply(number(length + (c << 2)), k3));
  return multiply(fold(mixed), k2);
}

/** Two words as one. (HashLen16) */
function pair(a: Word, b: Word): Word {
  const mixed = fold(multiply(xor(copy(a), b), pairing));
  return multiply(fold(multiply(xor(mixed, b), pairing)), pairing);
}

function word(high: number, low: number): Word {
  return Int32Array.of(low, high);
}

/** A number of up to 32 bits. */
function number(value: number): Word {
  return Int32Array.of(value, 0);
}

function copy(of: Word): Word {
  return Int32Array.of(of[0]!, of[1]!);
}

function set(to: Word, from: Word): Word {
  to[0] = from[0]!;
  to[1] = from[1]!;
  return to;
}

function load(view: DataView, at: number, to = number(0)): Word {
  to[0] = view.getInt32(at, true);
  to[1] = view.getInt32(at + 4, true);
  return to;
}

function add(to: Word, other: Word): Word {
  const low = (to[0]! >>> 0) + (other[0]! >>> 0);
  to[0] = low | 0;
  to[1] = (to[1]! + other[1]! + (low > 0xffffffff ? 1 : 0)) | 0;
  return to;
}

function subtract(to: Word, other: Word): Word {
  const low = (to[0]! >>> 0) - (other[0]! >>> 0);
  to[0] = low | 0;
  to[1] = (to[1]! - other[1]! - (low < 0 ? 1 : 0)) | 0;
  return to;
}

function xor(to: Word, other: Word): Word {
  to[0]! ^= other[0]!;
  to[1]! ^= other[1]!;
  return to;
}

/** To the right, by 1 to 63 bits. */
function rotate(to: Word, by: number): Word {
  const [low, high] = by < 32 ? [to[0]!, to[1]!] : [to[1]!, to[0]!];
  const bits = by & 31;
  if (bits === 0) return set(to, word(high, low));
  to[0] = (low >>> bits) | (high << (32 - bits));
  to[1] = (high >>> bits) | (low << (32 - bits));
  return to;
}

/** The word and its upper 17 bits, laid over each other. (ShiftMix) */
function fold(to: Word): Word {
  to[0]! ^= to[1]! >>> 15;
  return to;
}

/** The lower 64 bits of the product, by halves of 16 bits where a carry counts. */
function multiply(to: Word, by: Word): Word {
  const [low, high, byLow, byHigh] = [to[0]!, to[1]!, by[0]!, by[1]!];
  const [a, b] = [low & 0xffff, low >>> 16];
  const [c, d] = [byLow & 0xffff, byLow >>> 16];
  const one = (Math.imul(b, c) >>> 0) + (Math.imul(a, c) >>> 16);
  const other = (Math.imul(a, d) >>> 0) + (one & 0xffff);
  const carry = Math.imul(b, d) + (one >>> 16) + (other >>> 16);
  to[0] = Math.imul(low, byLow);
  to[1] = (carry + Math.imul(high, byLow) + Math.imul(low, byHigh)) | 0;
  return to;
}
