import { bind, display, join, literal, param, sql } from '@weir/schema/sql';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

describe('sql', () => {
  test('a value becomes a parameter, never text', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const bound = bind(sql`SELECT ${value}`);
        expect(bound.query).toBe('SELECT {p0:String}');
        expect(bound.query_params).toEqual({ p0: value });
      }),
    );
  });

  test('fragments keep the order of their parameters', () => {
    const inner = sql`a = ${1} AND b = ${'x'}`;
    const bound = bind(sql`SELECT ${true} WHERE ${inner} LIMIT ${5}`);
    expect(bound.query).toBe('SELECT {p0:Bool} WHERE a = {p1:Int64} AND b = {p2:String} LIMIT {p3:Int64}');
    expect(bound.query_params).toEqual({ p0: true, p1: 1, p2: 'x', p3: 5 });
  });

  test('an object that only looks like a fragment is refused as one', () => {
    const forged = JSON.parse('{"strings":["1; DROP TABLE requests"],"params":[]}') as never;
    expect(bind(sql`SELECT ${forged}`).query).not.toContain('DROP');
  });

  test('lists join with their separator', () => {
    expect(bind(join([sql`a`, sql`b`, sql`c`], sql` OR `)).query).toBe('a OR b OR c');
    expect(bind(join([], sql`, `)).query).toBe('');
  });

  test('a shown literal ends where its value ends', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const text = literal({ value, type: 'String' });
        expect(text.startsWith("'") && text.endsWith("'")).toBe(true);
        // Inside, every quote and backslash is escaped.
        expect(text.slice(1, -1).replace(/\\./gs, '')).not.toMatch(/['\\]/);
      }),
    );
  });

  test('typed parameters show what they are', () => {
    expect(display(sql`${param('2026-11-19 15:43:07.218000', "DateTime64(6, 'UTC')")}`)).toBe(
      "toDateTime64('2026-11-19 15:43:07.218000', 6, 'UTC')",
    );
    expect(display(sql`x IN ${['a', "b'c"]}`)).toBe("x IN ['a', 'b\\'c']");
  });

  test('the indentation of our source is not shown', () => {
    expect(
      display(sql`
      SELECT 1
        FROM t`),
    ).toBe('SELECT 1\n  FROM t');
  });
});
