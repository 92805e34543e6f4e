import {
  type Condition,
  filtersFromUrl,
  filtersToUrl,
  numberFieldNames,
  parseCondition,
  parseFilterText,
  textFieldNames,
  where,
  writeCondition,
} from '@weir/schema/filters';
import { bind } from '@weir/schema/sql';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const printable = fc.string({ maxLength: 60 }).filter((text) => !/[\u0000-\u001f\u007f]/.test(text));
const values = fc.array(printable, { minLength: 1, maxLength: 4 });
const op = fc.constantFrom('is' as const, 'is not' as const, 'contains' as const);
const field = fc.constantFrom(...textFieldNames);
const numberField = fc.constantFrom(...numberFieldNames);
const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), field, op, values }),
  fc.record({
    kind: fc.constant('property' as const),
    name: fc.stringMatching(/^[a-z][a-z0-9_.-]{0,20}$/),
    op,
    values,
  }),
  fc.record({
    kind: fc.constant('number' as const),
    field: numberField,
    op: fc.constantFrom('=' as const, '!=' as const, '>' as const, '>=' as const, '<' as const, '<=' as const),
    value: fc.integer({ min: -1_000_000, max: 1_000_000 }).map((n) => String(n / 1000)),
  }),
  fc.record({ kind: fc.constant('unknown' as const), field: numberField, not: fc.boolean() }),
  fc.record({ kind: fc.constant('streamed' as const), value: fc.boolean() }),
  fc.record({ kind: fc.constant('body' as const), text: printable.filter((text) => text !== '') }),
);
const range = { from: 1_700_000_000_000, to: 1_700_086_400_000 };

describe('filters', () => {
  test('what is written is read back as it was', () => {
    fc.assert(
      fc.property(condition, (one) => {
        expect(parseCondition(writeCondition(one))).toEqual({ ok: true, condition: one });
      }),
      { numRuns: 2000 },
    );
  });

  test('a list survives the URL', () => {
    fc.assert(
      fc.property(fc.array(condition, { maxLength: 6 }), (list) => {
        const url = new URL(`http://x/?range=7d&${filtersToUrl(list, new URLSearchParams()).toString()}`);
        expect(filtersFromUrl(url.searchParams)).toEqual({ filters: list, problems: [] });
      }),
    );
  });

  test('several conditions in one text are told apart', () => {
    fc.assert(
      fc.property(fc.array(condition, { minLength: 1, maxLength: 4 }), (list) => {
        expect(parseFilterText(list.map(writeCondition).join(', '))).toEqual(
          list.map((one) => ({ ok: true, condition: one })),
        );
      }),
      { numRuns: 1000 },
    );
  });

  test('no value ever becomes part of the query text', () => {
    fc.assert(
      fc.property(condition, fc.stringMatching(/^[A-Z]{12}['"\\;)]{3}$/), (one, marker) => {
        const marked: Condition =
          'values' in one ? { ...one, values: [marker] } : one.kind === 'body' ? { ...one, text: marker } : one;
        expect(bind(where(range, [marked])).query).not.toContain(marker);
      }),
    );
  });

  test('any text at all is either a condition or a sentence', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const parsed of parseFilterText(text)) expect(parsed.ok || parsed.reason.length > 0).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['provider is openai', 'provider is openai'],
    ['Provider = openai', 'provider is openai'],
    ['property.team is search', 'property.team is search'],
    ['cost > $0.10', 'cost > 0.10'],
    ['duration > 2s', 'duration > 2000'],
    ['tokens >= 1,200', 'tokens >= 1200'],
    ['input > 8k', 'input > 8000'],
    ['outcome is not ok', 'outcome is not ok'],
    ['outcome is ok or cancelled', 'outcome is ok or cancelled'],
    ['cost is unknown', 'cost is unknown'],
    ['refund policy', 'text contains refund policy'],
    ['ttft > 800ms', 'first_token > 800'],
    ['status is 429', 'status = 429'],
  ])('%s', (typed, written) => {
    const parsed = parseCondition(typed);
    expect(parsed.ok && writeCondition(parsed.condition)).toBe(written);
  });

  test.each(['cost > much', 'duration > ', 'provider > openai', 'cost > 5s', 'constructor is x and'])(
    '%s is not taken for something else',
    (typed) => {
      const parsed = parseCondition(typed);
      expect(!parsed.ok || parsed.condition.kind === 'body').toBe(true);
    },
  );

  test('a comma inside a number or quotes parts nothing', () => {
    expect(parseFilterText('tokens > 1,200, user is "a, b"')).toEqual([
      { ok: true, condition: { kind: 'number', field: 'tokens', op: '>', value: '1200' } },
      { ok: true, condition: { kind: 'text', field: 'user', op: 'is', values: ['a, b'] } },
    ]);
  });

  test('text in bodies is a bounded semi-join', () => {
    const { query } = bind(where(range, [{ kind: 'body', text: 'x' }]));
    expect(query).toMatch(/IN \(\s*SELECT request_id FROM bodies/);
    expect(query).toMatch(/LIMIT \{p\d+:Int64\}\)/);
  });
});
