import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { unpackBlocks } from './blocks.ts';
import type { BlockOptions } from './blocks.ts';
import { StoreError } from './errors.ts';
import { tooLarge } from './body-files.ts';

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

// What Node.js 20 cannot read and the engine can (src/IO/CompressionMethod.cpp).
const engines: ReadonlySet<string> = new Set(['zstd', 'lz4', 'xz', 'bz2', 'snappy']);

/** A request's body as it comes. */
export interface Body {
  readonly chunks: AsyncGenerator<Buffer>;
  /** What the engine has to decompress the chunks with, when Node.js cannot. */
  readonly compression: string | undefined;
}

/** Opens the body of a request, in whatever it is compressed. */
export async function openBody(message: IncomingMessage, blocks: BlockOptions | undefined): Promise<Body> {
  const encoding = readEncoding(message);
  if (!engines.has(encoding)) {
    const chunks = decodeBody(message);
    return blocks ? unpackBlocks(chunks, blocks) : { chunks, compression: undefined };
  }
  if (blocks)
    throw new StoreError(48, 'NOT_IMPLEMENTED', `decompress=1 within Content-Encoding ${encoding} is not supported`);
  return { chunks: chunksOf(message), compression: encoding };
}

function readEncoding(message: IncomingMessage): string {
  return (message.headers['content-encoding'] ?? 'identity').trim().toLowerCase() || 'identity';
}

/** The bytes of a request's body, decompressed as they come. */
export function decodeBody(message: IncomingMessage): AsyncGenerator<Buffer> {
  const encoding = readEncoding(message);
  if (encoding === 'identity') return chunksOf(message);
  const decoder = decoders[encoding]?.();
  if (!decoder) {
    const known = [...Object.keys(decoders), ...engines].join(', ');
    throw new StoreError(48, 'NOT_IMPLEMENTED', `Content-Encoding ${encoding} is not supported: ${known} are`);
  }
  // Its failure reaches the reader of the decoder as well.
  pipeline(message, decoder).catch(() => undefined);
  return decoded(decoder, encoding);
}

async function* decoded(decoder: Transform, encoding: string): AsyncGenerator<Buffer> {
  try {
    yield* chunksOf(decoder);
  } catch {
    throw new StoreError(354, 'ZLIB_INFLATE_FAILED', `The body is not valid ${encoding}`, 400);
  }
}

/** The chunks of a stream of bytes. */
export async function* chunksOf(stream: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  for await (const chunk of stream) yield chunk as Buffer;
}

/** Bytes that were read, and whether there are more. */
export interface Collected {
  readonly bytes: Buffer;
  readonly more: boolean;
}

/** Takes chunks until there are more than `limit` bytes, and leaves the rest to whoever goes on. */
export async function collect(chunks: AsyncGenerator<Buffer>, limit: number): Promise<Collected> {
  const held: Buffer[] = [];
  let length = 0;
  while (length <= limit) {
    const { done, value } = await chunks.next();
    if (done) return { bytes: held.length === 1 ? held[0]! : Buffer.concat(held), more: false };
    held.push(value);
    length += value.length;
  }
  return { bytes: Buffer.concat(held), more: true };
}

/** All bytes, or an error when there are more than `limit`. */
export async function collectAll(chunks: AsyncGenerator<Buffer>, limit: number): Promise<Buffer> {
  const { bytes, more } = await collect(chunks, limit);
  if (more) throw tooLarge(limit);
  return bytes;
}

/** The bytes, and then what still comes. */
export async function* resume(bytes: Buffer, rest: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield bytes;
  yield* rest;
}
