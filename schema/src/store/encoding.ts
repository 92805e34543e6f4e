import type { Transform } from 'node:stream';
import type { Zlib } from 'node:zlib';
import { constants, createBrotliCompress, createDeflate, createGzip } from 'node:zlib';

/** An encoding of a response: made here, or by the engine as it writes. */
export type Encoding = 'zstd' | 'br' | 'lz4' | 'gzip' | 'deflate';

// In ClickHouse's order of preference (chooseHTTPCompressionMethod in src/IO/CompressionMethod.cpp), which regards no q.
const offered: readonly Encoding[] = ['zstd', 'br', 'lz4', 'gzip', 'deflate'];

/** The encoding that a server would choose for this Accept-Encoding; one that is told `q=0` is none. */
export function chooseEncoding(accepted: string | undefined): Encoding | undefined {
  const names = new Set<string>();
  for (const part of (accepted ?? '').toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim());
    if (!parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) names.add(name === 'x-gzip' ? 'gzip' : name);
  }
  return offered.find((name) => names.has(name)) ?? (names.has('*') ? 'gzip' : undefined);
}

/** Whether the engine compresses it: Node.js 20 cannot. */
export function isEngines(encoding: Encoding): encoding is 'zstd' | 'lz4' {
  return encoding === 'zstd' || encoding === 'lz4';
}

/** Compresses what is not the engine's to compress; the level is `http_zlib_compression_level`. */
export function makeEncoder(encoding: Exclude<Encoding, 'zstd' | 'lz4'>, level: number): Transform & Zlib {
  if (encoding === 'gzip') return createGzip({ level });
  if (encoding === 'deflate') return createDeflate({ level });
  return createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: level } });
}
