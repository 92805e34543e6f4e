/** What is kept of a body reads the same however its bytes came, and outlives the memory that they came in. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeptBody } from '../../proxy/src/record/kept.ts';

const options = { seed: 20_26, numRuns: 300 };

/** The text as it was made before bytes were kept as they are: in one piece, by way of a string. */
function expected(body: Buffer, limit: number): string {
  const bytes = body.subarray(0, limit);
  const text = bytes.toString('utf8');
  const whole = body.length > limit ? text.replace(/\ufffd{1,3}$/, '') : text;
  const damaged = whole.includes('\ufffd') && !bytes.includes(Buffer.from('\ufffd'));
  return damaged ? `base64:${bytes.toString('base64')}` : whole;
}

const pieces = fc.array(
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }).map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom('\ufffd', 'plain', 'ä', '😀').map((text) => Buffer.from(text)),
  ),
  { maxLength: 30 },
);

describe('what is kept of a body', () => {
  test('is its first bytes, as text or base64, however it was cut, copied or borrowed', () => {
    fc.assert(
      fc.property(pieces, fc.nat(400), fc.array(fc.nat(30)), (chunks, limit, owns) => {
        const kept = new KeptBody(limit);
        chunks.forEach((chunk, index) => {
          kept.borrow(chunk);
          if (owns.includes(index)) kept.own();
        });
        const body = Buffer.concat(chunks);
        expect(kept.bytes()).toEqual(body.subarray(0, limit));
        expect(kept.truncated).toBe(body.length > limit);
        expect(kept.text().toString()).toBe(expected(body, limit));
      }),
      options,
    );
  });

  test('is a copy once it is owned', () => {
    const kept = new KeptBody(1e6);
    const slab = Buffer.alloc(100_000);
    const texts = Array.from({ length: 300 }, (_, index) => `${index}:${'z'.repeat((index * 37) % 5000)}`);
    for (const text of texts) {
      kept.borrow(slab.subarray(0, slab.write(text)));
      kept.own();
      slab.fill('!');
    }
    expect(kept.text().toString()).toBe(texts.join(''));
  });

  test('takes little more memory than it has bytes, in pieces of any size', () => {
    const kept = new KeptBody(1e6);
    const before = process.memoryUsage().arrayBuffers;
    for (let index = 0; index < 10_000; index++) kept.add(Buffer.from('0123456789'));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
    expect(kept.bytes().length).toBe(100_000);
  });
});
