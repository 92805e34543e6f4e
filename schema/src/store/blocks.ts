/**
 * ClickHouse's own compression (`compress=1`, `decompress=1`; src/Compression/ICompressionCodec.cpp): blocks one after the
 * other, each a checksum of 16 bytes, then method, length with these nine bytes, length when unpacked, data. Invariants: a
 * block is looked at when it is whole and its checksum holds; one block is in memory at a time.
 */
import { Transform } from 'node:stream';
import { cityHash128 } from './city-hash.ts';
import { StoreError } from './errors.ts';
import { compressLz4, decompressLz4 } from './lz4.ts';

const checksumBytes = 16;
const headBytes = 9;
const methods = { none: 0x02, lz4: 0x82, zstd: 0x90 } as const;
const known: ReadonlySet<number> = new Set(Object.values(methods));

/** Of a result in one block: the reach of LZ4's repetitions. A server makes blocks of a megabyte; readers take any length. */
const blockBytes = 64 * 1024;

/** One block of LZ4 around these bytes. */
export function makeBlock(bytes: Buffer): Buffer {
  const data = compressLz4(bytes);
  const block = Buffer.allocUnsafe(checksumBytes + headBytes + data.length);
  block.writeUInt8(methods.lz4, checksumBytes);
  block.writeUInt32LE(headBytes + data.length, checksumBytes + 1);
  block.writeUInt32LE(bytes.length, checksumBytes + 5);
  data.copy(block, checksumBytes + headBytes);
  cityHash128(block.subarray(checksumBytes)).copy(block);
  return block;
}

/** Bytes in, blocks out. No bytes make no block. */
export function makeBlockEncoder(): Transform {
  let held: Buffer[] = [];
  let length = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      held.push(chunk);
      length += chunk.length;
      if (length < blockBytes) return done();
      const bytes = Buffer.concat(held);
      const whole = length - (length % blockBytes);
      for (let at = 0; at < whole; at += blockBytes) this.push(makeBlock(bytes.subarray(at, at + blockBytes)));
      held = length > whole ? [bytes.subarray(whole)] : [];
      length -= whole;
      done();
    },
    flush(done) {
      if (length > 0) this.push(makeBlock(Buffer.concat(held)));
      done();
    },
  });
}

/** What is expected of blocks. */
export interface BlockOptions {
  /** The most bytes of a block, packed and unpacked. */
  readonly most: number;
  /** Whether checksums are looked at. */
  readonly checked: boolean;
}

/** What stands in blocks: bytes, or zstd, which Node.js 20 cannot read and the engine can. */
export interface Unpacked {
  readonly chunks: AsyncGenerator<Buffer>;
  readonly compression: 'zstd' | undefined;
}

/** Reads blocks as they come. All have the method of the first one, as a server wants it. */
export async function unpackBlocks(chunks: AsyncGenerator<Buffer>, options: BlockOptions): Promise<Unpacked> {
  const blocks = readBlocks(chunks, options);
  const first = await blocks.next();
  const method = first.done ? undefined : first.value.method;
  return { chunks: unpackAll(first, blocks), compression: method === methods.zstd ? 'zstd' : undefined };
}

interface Block {
  readonly method: number;
  readonly data: Buffer;
  /** Bytes when unpacked. */
  readonly size: number;
}

async function* unpackAll(
  first: IteratorResult<Block, void>,
  rest: AsyncGenerator<Block, void>,
): AsyncGenerator<Buffer> {
  if (first.done) return;
  const { method } = first.value;
  yield unpack(first.value);
  for await (const block of rest) {
    if (block.method !== method) {
      const message = `Data compressed with different methods, given method byte ${hex(block.method)}, previous method byte ${hex(method)}`;
      throw new StoreError(271, 'CANNOT_DECOMPRESS', message);
    }
    yield unpack(block);
  }
}

function unpack({ method, data, size }: Block): Buffer {
  if (method === methods.lz4) return decompressLz4(data, size);
  if (method === methods.none && data.length !== size)
    throw new StoreError(271, 'CANNOT_DECOMPRESS', `A block of ${data.length} bytes says that it is ${size}`);
  return data;
}

async function* readBlocks(
  chunks: AsyncGenerator<Buffer>,
  { most, checked }: BlockOptions,
): AsyncGenerator<Block, void> {
  const take = makeTaker(chunks);
  for (;;) {
    const head = await take(checksumBytes + headBytes);
    if (head.length === 0) return;
    if (head.length < checksumBytes + headBytes) throw cutOff(head.length, checksumBytes + headBytes);
    const method = head.readUInt8(checksumBytes);
    const length = head.readUInt32LE(checksumBytes + 1);
    const size = head.readUInt32LE(checksumBytes + 5);
    if (length < headBytes || length > most || size > most) {
      const message = `A compressed block of ${length} bytes, ${size} unpacked: ${most} are the most. Most likely corrupted data.`;
      throw new StoreError(12, 'TOO_LARGE_SIZE_COMPRESSED', message);
    }
    const data = await take(length - headBytes);
    if (data.length < length - headBytes) throw cutOff(data.length, length - headBytes);
    if (checked) verify(head, data);
    if (!known.has(method))
      throw new StoreError(89, 'UNKNOWN_COMPRESSION_METHOD', `Unknown codec family code: ${method}`);
    yield { method, data, size };
  }
}

function verify(head: Buffer, data: Buffer): void {
  const told = head.subarray(0, checksumBytes);
  const bytes = Buffer.concat([head.subarray(checksumBytes), data]);
  const actual = cityHash128(bytes);
  if (actual.equals(told)) return;
  const message = `Checksum doesn't match: corrupted data. Reference: ${told.toString('hex')}. Actual: ${actual.toString('hex')}. Size of compressed block: ${bytes.length}`;
  throw new StoreError(40, 'CHECKSUM_DOESNT_MATCH', message);
}

/** Takes so many bytes at a time, fewer at the end. */
function makeTaker(chunks: AsyncGenerator<Buffer>): (count: number) => Promise<Buffer> {
  let held: Buffer[] = [];
  let length = 0;
  return async (count) => {
    while (length < count) {
      const next = await chunks.next();
      if (next.done) break;
      held.push(next.value);
      length += next.value.length;
    }
    const all = held.length === 1 ? held[0]! : Buffer.concat(held);
    const taken = all.subarray(0, count);
    held = [all.subarray(taken.length)];
    length -= taken.length;
    return taken;
  };
}

function cutOff(read: number, expected: number): StoreError {
  const message = `Cannot read all data. Bytes read: ${read}. Bytes expected: ${expected}.`;
  return new StoreError(33, 'CANNOT_READ_ALL_DATA', message);
}

function hex(byte: number): string {
  return `0x${byte.toString(16)}`;
}
