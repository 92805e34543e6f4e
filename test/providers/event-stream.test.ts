import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MessageHeaders } from '../../proxy/src/event-stream.ts';
import { EventStreamReader, encodeMessage } from '../../proxy/src/event-stream.ts';

interface Seen {
  readonly messages: { headers: Record<string, string>; payload: string }[];
  readonly damaged: string[];
}

function read(chunks: Iterable<Uint8Array>): Seen {
  const seen: Seen = { messages: [], damaged: [] };
  const open = (headers: MessageHeaders): { add(bytes: Uint8Array): void; close(): void } => {
    const parts: Buffer[] = [];
    return {
      add: (bytes) => void parts.push(Buffer.from(bytes)),
      close: () =>
        void seen.messages.push({
          headers: Object.fromEntries(headers),
          payload: Buffer.concat(parts).toString('latin1'),
        }),
    };
  };
  const reader = new EventStreamReader({
    message: (headers, payload) => {
      const message = open(headers);
      message.add(payload);
      message.close();
    },
    longMessage: (headers) => {
      const message = open(headers);
      return { feed: (bytes) => message.add(bytes), end: () => message.close() };
    },
    damaged: (part) => void seen.damaged.push(part),
  });
  for (const chunk of chunks) reader.feed(chunk);
  reader.end();
  return seen;
}

function* pieces(body: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size);
}

describe('an AWS event stream', () => {
  test('has its messages read however it is split, empty ones too', () => {
    const body = Buffer.concat([
      encodeMessage({ ':event-type': 'a', é: 'ü' }, Buffer.from('{"x":1}')),
      encodeMessage({}, Buffer.alloc(0)),
      encodeMessage({ n: '' }, Buffer.from('z')),
    ]);
    const right = [
      { headers: { ':event-type': 'a', é: 'ü' }, payload: '{"x":1}' },
      { headers: {}, payload: '' },
      { headers: { n: '' }, payload: 'z' },
    ];
    for (const size of [1, 2, 3, 7, 1000]) expect(read(pieces(body, size))).toEqual({ messages: right, damaged: [] });
  });

  test('passes over headers that are no strings', () => {
    const values = [
      [0],
      [1],
      [2, 9],
      [3, 0, 9],
      [4, 0, 0, 0, 9],
      [5, ...Array(8).fill(1)],
      [6, 0, 2, 1, 1],
      [8, ...Array(8).fill(0)],
      [9, ...Array(16).fill(7)],
      [7, 0, 1, 0x76],
    ];
    const headers = Buffer.concat(values.map((value, index) => Buffer.from([1, 0x61 + index, ...value])));
    // The codec writes strings only: put these headers where a string's own bytes were.
    const plain = encodeMessage({}, headers);
    const message = Buffer.from(plain);
    message.writeUInt32BE(headers.length, 4);
    const again = encodeSums(message);
    expect(read([again]).messages).toEqual([{ headers: { j: 'v' }, payload: '' }]);
  });

  test('with a wrong checksum loses that message and goes on; with a wrong prelude it ends there', () => {
    const one = encodeMessage({ n: '1' }, Buffer.from('one'));
    const two = encodeMessage({ n: '2' }, Buffer.from('two'));
    const torn = Buffer.from(one);
    torn[torn.length - 6] = (torn.at(-6) ?? 0) ^ 1;
    expect(read([torn, two])).toMatchObject({ messages: [{ payload: 'two' }], damaged: ['message'] });
    const lost = Buffer.from(two);
    lost[3] = (lost[3] ?? 0) ^ 1;
    expect(read([one, lost, two])).toMatchObject({ messages: [{ payload: 'one' }], damaged: ['prelude'] });
  });

  test('broken off gives what was whole', () => {
    const body = Buffer.concat([encodeMessage({}, Buffer.from('one')), encodeMessage({}, Buffer.from('two'))]);
    expect(read([body.subarray(0, -1)])).toMatchObject({ messages: [{ payload: 'one' }], damaged: [] });
  });

  test('hands a long payload on as it arrives', () => {
    const payload = Buffer.alloc(1_000_000, 'x');
    const seen = read(pieces(encodeMessage({ n: 'long' }, payload), 16_384));
    expect(seen.messages[0]?.payload).toHaveLength(1_000_000);
    expect(seen.damaged).toEqual([]);
  });

  test('never throws on random or damaged bytes, and never depends on the split', () => {
    const message = fc
      .tuple(
        fc.dictionary(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 })),
        fc.uint8Array({ maxLength: 60 }),
      )
      .map(([headers, payload]) => encodeMessage(headers, payload));
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.tuple(fc.array(message, { maxLength: 4 }), fc.nat(), fc.nat(255)).map(([messages, at, byte]) => {
        const all = Buffer.concat(messages);
        if (all.length > 0) all[at % all.length] = byte;
        return all;
      }),
    );
    fc.assert(
      fc.property(body, fc.integer({ min: 1, max: 50 }), (bytes, size) => {
        expect(read(pieces(bytes, size))).toEqual(read([bytes]));
      }),
      { seed: 20_26, numRuns: 300 },
    );
  });
});

/** Puts right checksums where a message was changed by hand. */
function encodeSums(message: Buffer): Buffer {
  message.writeUInt32BE(crc(message.subarray(0, 8)), 8);
  message.writeUInt32BE(crc(message.subarray(0, -4)), message.length - 4);
  return message;
}

/** CRC32 of ISO 3309, bit by bit: a second opinion on the library's. */
function crc(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return (value ^ 0xffffffff) >>> 0;
}
