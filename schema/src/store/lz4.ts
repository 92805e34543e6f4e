import { StoreError } from './errors.ts';

/**
 * LZ4's block format (lz4_Block_format.md of LZ4 1.9): sequences of a token, bytes as they are, and a repetition of what
 * stood up to 64 KB before. The last five bytes are as they are, and no repetition begins within the last twelve.
 */
const leastMatch = 4;
const lastLiterals = 5;
const lastMatchBefore = 12;
const farthest = 0xffff;
const tableBits = 14;

/** A block compressed fast rather than well, as a server does it: the first repetition that is found is taken. */
export function compressLz4(bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(bytes.length + Math.ceil(bytes.length / 255) + 16);
  // Where four bytes with this hash stood last, plus one.
  const seen = new Int32Array(1 << tableBits);
  const end = bytes.length - lastMatchBefore;
  let from = 0;
  let length = 0;
  let misses = 0;
  for (let at = 0; at <= end;) {
    const four = bytes.readInt32LE(at);
    const slot = Math.imul(four, 0x9e3779b1) >>> (32 - tableBits);
    const before = seen[slot]! - 1;
    seen[slot] = at + 1;
    if (before < 0 || at - before > farthest || bytes.readInt32LE(before) !== four) {
      // What does not repeat for long is looked at less closely.
      at += 1 + (misses++ >> 6);
      continue;
    }
    misses = 0;
    let to = at + leastMatch;
    const most = bytes.length - lastLiterals;
    while (to < most && bytes[to] === bytes[before + to - at]) to += 1;
    length = writeLiterals(out, length, bytes, { from, to: at, more: to - at - leastMatch });
    length = writeLength(out, out.writeUInt16LE(at - before, length), to - at - leastMatch);
    from = at = to;
  }
  return out.subarray(0, writeLiterals(out, length, bytes, { from, to: bytes.length, more: 0 }));
}

/** Writes the token of a sequence and its bytes as they are, at a place, and returns the place after them. */
function writeLiterals(
  out: Buffer,
  start: number,
  bytes: Buffer,
  { from, to, more }: { readonly from: number; readonly to: number; readonly more: number },
): number {
  const count = to - from;
  out[start] = (Math.min(count, 15) << 4) | Math.min(more, 15);
  const at = writeLength(out, start + 1, count);
  move(bytes, from, out, at, count);
  return at + count;
}

/** Copies forward, so that what is copied may reach into the copy. A call out of JavaScript pays only for many bytes. */
function move(source: Buffer, from: number, target: Buffer, to: number, count: number): void {
  const apart = source !== target || from + count <= to;
  if (count > 64 && apart) source.copy(target, to, from, from + count);
  else for (let i = 0; i < count; i += 1) target[to + i] = source[from + i]!;
}

/** What of a length is beyond its half of the token. */
function writeLength(out: Buffer, start: number, length: number): number {
  let at = start;
  if (length < 15) return at;
  let left = length - 15;
  for (; left >= 255; left -= 255) out[at++] = 255;
  out[at++] = left;
  return at;
}

/** The `size` bytes that a block holds; error 271 when it holds others, or is no block. */
export function decompressLz4(block: Buffer, size: number): Buffer {
  // A byte of a length stands for 255 at most: more was never packed into so few.
  if (size > 255 * block.length) refuse();
  const out = Buffer.allocUnsafe(size);
  let at = 0;
  let length = 0;
  const readLength = (half: number): number => {
    let total = half;
    for (let byte = half === 15 ? 255 : 0; byte === 255;) {
      byte = block[at++] ?? refuse();
      total += byte;
    }
    return total;
  };
  while (at < block.length) {
    const token = block[at++]!;
    const literals = readLength(token >> 4);
    if (literals > block.length - at || literals > size - length) refuse();
    move(block, at, out, length, literals);
    at += literals;
    length += literals;
    if (at === block.length) break;
    if (at + 2 > block.length) refuse();
    const back = block.readUInt16LE(at);
    at += 2;
    const match = readLength(token & 15) + leastMatch;
    if (back === 0 || back > length || match > size - length) refuse();
    move(out, length - back, out, length, match);
    length += match;
  }
  if (length !== size) refuse();
  return out;
}

function refuse(): never {
  throw new StoreError(271, 'CANNOT_DECOMPRESS', 'Cannot decompress LZ4-encoded data');
}
