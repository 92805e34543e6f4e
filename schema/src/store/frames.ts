/**
 * Text as a frame of its own, stored and not compressed, that may stand after other frames of the same encoding: how an
 * error in mid-stream follows what the engine has compressed. (RFC 8878 for zstd; the LZ4 frame format 1.6.)
 */
export const storedFrames: Readonly<Record<'zstd' | 'lz4', (text: Buffer) => Buffer>> = { zstd, lz4 };

const most = 0xffff;

function zstd(text: Buffer): Buffer {
  const bytes = text.subarray(0, most);
  const head = Buffer.alloc(12);
  head.writeUInt32LE(0xfd2fb528, 0);
  // One segment, its size in four bytes, no checksum; then one block that is raw and the last.
  head.writeUInt8(0xa0, 4);
  head.writeUInt32LE(bytes.length, 5);
  head.writeUIntLE((bytes.length << 3) | 1, 9, 3);
  return Buffer.concat([head, bytes]);
}

function lz4(text: Buffer): Buffer {
  const bytes = text.subarray(0, most);
  const head = Buffer.alloc(11);
  head.writeUInt32LE(0x184d2204, 0);
  // Independent blocks of at most 64 KB, no checksums; the third byte is the header's own checksum.
  head.set([0x60, 0x40, 0x82], 4);
  head.writeUInt32LE((bytes.length | 0x80000000) >>> 0, 7);
  return Buffer.concat([head, bytes, Buffer.alloc(4)]);
}
