/**
 * ClickHouse's own compression (`compress=1`, `decompress=1`). The columns of its tables are stored in the same blocks: what
 * the engine wrote is what ours are held against, and what we write the engine reads.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeBlock, makeBlockEncoder, unpackBlocks } from '@weir/schema/store/blocks';
import { cityHash128 } from '@weir/schema/store/city-hash';
import { compressLz4, decompressLz4 } from '@weir/schema/store/lz4';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { openTarget, post, rows } from './support.ts';
import type { Target } from './support.ts';

// A deadline that only a hang reaches: the machine may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const atServer = process.env['TEST_CLICKHOUSE_URL'] !== undefined;
let target: Target;
beforeAll(async () => {
  target = await openTarget();
  await target.client.command({ query: 'CREATE OR REPLACE TABLE b (n UInt64) ENGINE = MergeTree ORDER BY n' });
});
afterAll(() => target.remove());

async function* inPieces(bytes: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

async function unpacked(bytes: Buffer, piece = 1000): Promise<Buffer> {
  const { chunks } = await unpackBlocks(inPieces(bytes, piece), { most: 1024 * 1024, checked: true });
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

const insert = (more = ''): string =>
  `&decompress=1&query=${encodeURIComponent('INSERT INTO b FORMAT RowBinary')}${more}`;

async function sumOfB(): Promise<unknown> {
  const found = await rows<object>(target.client, 'SELECT toString(count()) AS many, toString(sum(n)) AS total FROM b');
  return found[0];
}

describe('a body in blocks', () => {
  test.skipIf(atServer).for(['LZ4', 'ZSTD', 'NONE'])(
    'as the engine writes them with %s arrives whole',
    async (codec) => {
      await target.client.command({ query: 'TRUNCATE TABLE b' });
      await target.client.command({
        query: `CREATE OR REPLACE TABLE stored (n UInt64 CODEC(${codec})) ENGINE = MergeTree ORDER BY tuple()
        SETTINGS min_bytes_for_wide_part = 0, min_rows_for_wide_part = 0`,
      });
      await target.client.command({ query: 'INSERT INTO stored SELECT number * 7 FROM numbers(300000)' });
      const where = "database = currentDatabase() AND table = 'stored' AND active";
      const [part] = await rows<{ path: string }>(target.client, `SELECT path FROM system.parts WHERE ${where}`);
      const column = readFileSync(join(part!.path, 'n.bin'));
      const response = await post(target, column, insert());
      expect([response.status, await response.text()]).toEqual([200, '']);
      expect(await sumOfB()).toEqual({ many: '300000', total: String(7 * ((300_000 * 299_999) / 2)) });
    },
  );

  test('of more than is held in memory comes back as it went out', async () => {
    await target.client.command({ query: 'TRUNCATE TABLE b' });
    const packed = await post(
      target,
      'SELECT intDiv(number, 1000) FROM numbers(2200000) FORMAT RowBinary',
      '&compress=1',
    );
    const response = await post(target, Buffer.from(await packed.arrayBuffer()), insert());
    expect([response.status, await response.text()]).toEqual([200, '']);
    expect(await sumOfB()).toEqual({ many: '2200000', total: String(1000 * ((2200 * 2199) / 2)) });
  });

  const eight = makeBlock(Buffer.alloc(8));
  test.for([
    ['a wrong checksum', flip(eight, 0), 40],
    ['a byte that changed on the way', flip(eight, eight.length - 1), 40],
    ['an end before its end', eight.subarray(0, -1), 33],
    ['an unknown method', sealed(0x91, 8, Buffer.alloc(8)), 89],
    ['a length that none has', sealed(0x82, 2 ** 31, Buffer.alloc(8)), 12],
    ['data that is no LZ4', sealed(0x82, 8, Buffer.from([0xff, 0xff])), 271],
    ['another method than the first', Buffer.concat([eight, sealed(0x02, 8, Buffer.alloc(8))]), 271],
  ] as const)('with %s is refused', async ([, body, code]) => {
    const before = await sumOfB();
    const response = await post(target, Buffer.from(body), insert());
    expect([response.status, response.headers.get('x-clickhouse-exception-code')]).toEqual([500, String(code)]);
    expect(await response.text()).toContain(`Code: ${code}. DB::Exception: `);
    expect(await sumOfB()).toEqual(before);
  });

  test('is taken without a look at its checksums where that is asked for', async () => {
    const more = '&http_native_compression_disable_checksumming_on_decompress=1';
    expect((await post(target, flip(eight, 0), insert(more))).status).toBe(200);
  });
});

describe('a result in blocks', () => {
  test('is that result, whatever else the client would take', async () => {
    const sql = 'SELECT number, toString(number) FROM numbers(50000) FORMAT TSV';
    const plain = Buffer.from(await (await post(target, sql)).arrayBuffer());
    const response = await post(
      target,
      makeBlock(Buffer.from(sql)),
      '&compress=1&decompress=1&enable_http_compression=1',
    );
    expect(response.headers.get('content-type')).toBe('text/tab-separated-values; charset=UTF-8');
    if (!atServer) expect(response.headers.get('content-encoding')).toBeNull();
    const packed = Buffer.from(await response.arrayBuffer());
    expect(packed.length).toBeLessThan(0.8 * plain.length);
    expect((await unpacked(packed)).equals(plain)).toBe(true);
  });

  test('that is none has no block', async () => {
    const response = await post(target, 'CREATE TABLE IF NOT EXISTS b (n UInt64) ENGINE = Memory', '&compress=1');
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  test('has its errors in blocks as well, but for those of who may ask', async () => {
    const response = await post(target, 'SELECT nope', '&compress=1');
    expect([response.status, response.headers.get('x-clickhouse-exception-code')]).toEqual([404, '47']);
    expect((await unpacked(Buffer.from(await response.arrayBuffer()))).toString()).toMatch(
      /^Code: 47\. DB::Exception: /,
    );
    const stranger = { ...target, headers: { 'x-clickhouse-user': 'default', 'x-clickhouse-key': 'wrong' } };
    expect(await (await post(stranger, 'SELECT 1', '&compress=1')).text()).toMatch(/^Code: (516|194)\. /);
  });

  test('that breaks off says why in a block, and is never a whole one', async () => {
    const sql = 'SELECT number, throwIf(number = 900000) FROM numbers(1000000) FORMAT TSV';
    const response = await post(target, sql, '&compress=1');
    const read: Buffer[] = [];
    const reading = async (): Promise<void> => {
      for await (const chunk of response.body!) read.push(Buffer.from(chunk as Uint8Array));
    };
    expect(response.status).toBe(200);
    await expect(reading()).rejects.toThrow();
    const text = (await unpacked(Buffer.concat(read))).toString();
    expect(text).toMatch(/^0\t0\n1\t0\n/);
    expect(text).toMatch(/__exception__[^]*Code: 395\. DB::Exception: /);
  });

  test.skipIf(atServer)('is also for who has no password (a rule of the embedded store)', async () => {
    const body = new Uint8Array(makeBlock(Buffer.from('SELECT 1 AS one FORMAT JSONEachRow')));
    const response = await fetch(`${target.url}/?compress=1&decompress=1`, { method: 'POST', body });
    expect(response.status).toBe(200);
    expect((await unpacked(Buffer.from(await response.arrayBuffer()))).toString()).toBe('{"one":1}\n');
  });
});

describe('packing', () => {
  const repetitive = fc
    .array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 300 })), { maxLength: 20 })
    .map((pieces) => Buffer.concat(pieces.flatMap(([piece, times]) => Array<Uint8Array>(times).fill(piece))));

  test('gives back what it was given', () => {
    fc.assert(
      fc.property(repetitive, (bytes) => {
        expect(decompressLz4(compressLz4(bytes), bytes.length).equals(bytes)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  test('of anything else is refused, and reads nothing beside the block', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 0, max: 4000 }), (block, size) => {
        try {
          expect(decompressLz4(Buffer.from(block), size)).toHaveLength(size);
        } catch (error) {
          expect(error).toMatchObject({ code: 271 });
        }
      }),
      { numRuns: 500 },
    );
  });

  test('is LZ4 to the engine', async () => {
    const text = readFileSync(new URL(import.meta.url));
    const into = `&query=${encodeURIComponent('INSERT INTO blob FORMAT RawBLOB')}`;
    for (const bytes of [text, Buffer.alloc(60_000, 'ab'), Buffer.from('short')]) {
      await target.client.command({ query: 'CREATE OR REPLACE TABLE blob (s String) ENGINE = Memory' });
      const sent = await post(target, lz4File(compressLz4(bytes)), into, { 'content-encoding': 'lz4' });
      expect([sent.status, await sent.text()]).toEqual([200, '']);
      const [read] = await rows<{ s: string }>(target.client, 'SELECT base64Encode(s) AS s FROM blob');
      expect(Buffer.from(read!.s, 'base64').equals(bytes)).toBe(true);
    }
  });

  test('cuts a stream into blocks of 64 KB, wherever its chunks end', async () => {
    const bytes = Buffer.from(Array.from({ length: 50_000 }, (_, i) => `${i}\n`).join(''));
    const encoder = makeBlockEncoder();
    const writing = (async () => {
      for await (const piece of inPieces(bytes, 70_001)) encoder.write(piece);
      encoder.end();
    })();
    const read: Buffer[] = [];
    for await (const chunk of encoder) read.push(chunk as Buffer);
    await writing;
    const packed = Buffer.concat(read);
    const sizes: number[] = [];
    for (let at = 0; at < packed.length; at += 16 + packed.readUInt32LE(at + 17))
      sizes.push(packed.readUInt32LE(at + 21));
    expect(sizes).toEqual([65_536, 65_536, 65_536, 65_536, bytes.length % 65_536]);
    expect((await unpacked(packed, 7)).equals(bytes)).toBe(true);
  });
});

/** A block around data that was made elsewhere. */
function sealed(method: number, size: number, data: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt8(method, 0);
  head.writeUInt32LE(9 + data.length, 1);
  head.writeUInt32LE(size, 5);
  const bytes = Buffer.concat([head, data]);
  return Buffer.concat([cityHash128(bytes), bytes]);
}

function flip(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at]! ^= 1;
  return changed;
}

/** One block of LZ4 as a file of it (the LZ4 frame format 1.6): what the engine reads as `Content-Encoding: lz4`. */
function lz4File(block: Buffer): Buffer {
  const head = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, 0, 0, 0, 0]);
  head.writeUInt32LE(block.length, 7);
  return Buffer.concat([head, block, Buffer.alloc(4)]);
}
