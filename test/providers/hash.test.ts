import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashJson } from '../../proxy/src/record/hash.ts';
import { readRequest } from './support.ts';

const hash = (text: string): string | null => hashJson(Buffer.from(text));

describe('the hash of a question', () => {
  test.each([
    ['order of members', '{"a":1,"b":{"c":2,"d":[3]}}', '{"b":{"d":[3],"c":2},"a":1}'],
    ['white space', '{"a":[1,2]}', ' {\n"a" :\t[ 1 , 2 ] }\r\n'],
    ['numbers', '[100,0.5,0]', '[1e2,5E-1,-0]'],
    ['escapes', '["é/😀\\n"]', '["\\u00e9\\/\\ud83d\\ude00\\u000a"]'],
  ])('does not depend on the spelling: %s', (_, one, other) => {
    expect(hash(one)).toMatch(/^\d{1,20}$/);
    expect(hash(one)).toBe(hash(other));
  });

  test.each([
    ['order of a list', '[1,2]', '[2,1]'],
    ['type', '["1"]', '[1]'],
    ['nesting', '[[1],2]', '[[1,2]]'],
    ['empty', '{}', '[]'],
    ['null', '{"a":null}', '{}'],
    ['which name has which value', '{"a":1,"b":2}', '{"a":2,"b":1}'],
    ['trailing zero bytes', '["a\\u0000"]', '["a"]'],
    ['lone surrogates', '["\\ud800"]', '["\\ud801"]'],
    ['false and null', '[false]', '[null]'],
  ])('depends on the meaning: %s', (_, one, other) => {
    expect(hash(one)).not.toBe(hash(other));
  });

  test.each(['', '{', '{"a":1}}', '{"a":1,}', '[1 2]', 'model=x', '{"a" 1}', '["\\x"]', '[01]', '{]'])(
    'is none of what is not JSON: %s',
    (text) => expect(hash(text)).toBeNull(),
  );

  test('leaves out delivery, user and metadata, at the top only', () => {
    const facts = (body: object): string | null => readRequest([JSON.stringify(body)]).hash;
    const question = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };
    const dressed = {
      stream: true,
      stream_options: { include_usage: true },
      user: 'u',
      safety_identifier: 's',
      metadata: { a: 1 },
      ...question,
    };
    expect(facts(dressed)).toBe(facts(question));
    expect(facts({ ...question, messages: [{ role: 'user', content: 'hi', user: 'x' }] })).not.toBe(facts(question));
    expect(facts({ ...question, model: 'n' })).not.toBe(facts(question));
  });

  test('is the same however the bytes are split and the members ordered', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 9 }), (value, size) => {
        const text = JSON.stringify(value);
        const spaced = Buffer.from(JSON.stringify(reversed(value), null, 2));
        const chunks = Array.from({ length: Math.ceil(spaced.length / size) }, (_, at) =>
          spaced.subarray(at * size, (at + 1) * size),
        );
        const bodies = [[text], chunks].map((body) => readRequest(body).hash);
        expect(bodies[0]).toBe(bodies[1]);
      }),
      { numRuns: 300 },
    );
  });

  test('a hundred thousand different questions have as many hashes', { timeout: 60_000 }, () => {
    const seen = new Set<string | null>();
    for (let i = 0; i < 100_000; i++) seen.add(hash(`{"model":"m","n":${i},"t":"${i % 7}"}`));
    expect(seen.size).toBe(100_000);
  });
});

/** The same value with its members in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([name, member]) => [name, reversed(member)]));
}
