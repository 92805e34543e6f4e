import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Transform } from 'node:stream';
import { StoreError } from './errors.ts';

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** Reads a request's body, decompressed, up to a limit of bytes held in memory. */
export async function readBody(message: IncomingMessage, limit: number): Promise<Buffer> {
  const encoding = (message.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity' || encoding === '') return collect(message, limit);
  const decoder = decoders[encoding];
  if (!decoder) {
    throw new StoreError(
      48,
      'NOT_IMPLEMENTED',
      `Content-Encoding ${encoding} is not supported: gzip, deflate or br is`,
    );
  }
  const decoded = decoder();
  const [body] = await Promise.all([collect(decoded, limit), pipeline(message, decoded)]).catch((error: unknown) => {
    if (error instanceof StoreError) throw error;
    throw new StoreError(354, 'ZLIB_INFLATE_FAILED', `The body is not valid ${encoding}`, 400);
  });
  return body;
}

async function collect(stream: Readable, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) {
      throw new StoreError(
        229,
        'QUERY_IS_TOO_LARGE',
        `The body is larger than ${limit} bytes: send it in several inserts`,
      );
    }
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
