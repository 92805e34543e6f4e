/** Bodies as they came, read as what they mean: `Content-Encoding` undone while the bytes pass. */
import { constants, createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import * as zlib from 'node:zlib';
import type { Transform } from 'node:stream';

/** A reply that claims to unpack to more than this is read no further: a few bytes can name terabytes. */
const unpackedLimit = 4 * 1024 ** 3;

export interface Decoder {
  /** @returns what to wait for before more is written; null when there is room. */
  write(chunk: Buffer): Promise<void> | null;
  /** Resolves when everything written has come out; `false` when the body was damaged, cut or too large. */
  end(): Promise<boolean>;
}

/**
 * A decoder for a `Content-Encoding` (RFC 9110 §8.4), whose output goes to `take`.
 * @returns null when the bytes already are what they mean, or when the coding is unknown.
 */
export function makeDecoder(encoding: string, take: (chunk: Buffer) => void): Decoder | null {
  const stream = makeStream(encoding.trim().toLowerCase());
  if (stream === null) return null;
  let unpacked = 0;
  let sound = true;
  stream.on('data', (chunk: Buffer) => {
    unpacked += chunk.length;
    if (unpacked <= unpackedLimit) return take(chunk);
    sound = false;
    stream.destroy();
  });
  const finished = new Promise<void>((resolve) => {
    stream.on('error', () => {
      sound = false;
    });
    stream.on('close', resolve);
  });
  return {
    // The chunk lives in a slab that goes back to its owner: keep a copy.
    write: (chunk) => {
      if (stream.destroyed || stream.write(Buffer.from(chunk))) return null;
      const drained = new Promise<void>((resolve) => stream.once('drain', resolve));
      return Promise.race([drained, finished]);
    },
    end: async () => {
      if (!stream.destroyed) stream.end();
      await finished;
      return sound;
    },
  };
}

function makeStream(encoding: string): Transform | null {
  // A flush at the end of input: what a cut body held up to there still comes out.
  const cut = { finishFlush: constants.Z_SYNC_FLUSH };
  if (encoding === 'gzip' || encoding === 'x-gzip') return createGunzip(cut);
  if (encoding === 'deflate') return createInflate(cut);
  if (encoding === 'br') return createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH });
  // Only newer Nodes have it.
  const zstd = (zlib as { createZstdDecompress?: () => Transform }).createZstdDecompress;
  return encoding === 'zstd' && zstd !== undefined ? zstd() : null;
}
