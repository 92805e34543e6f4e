import { expect, test } from 'vitest';
import { newRequestId } from '@weir/proxy/src/request-id.ts';

test('ids are UUIDv7 (RFC 9562): of their time, in its order, and never twice', () => {
  const before = Date.now();
  const ids = Array.from({ length: 50_000 }, newRequestId);
  const after = Date.now();
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(new Set(ids).size).toBe(ids.length);
  const times = ids.map((id) => Number.parseInt(id.replace('-', '').slice(0, 12), 16));
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect([times[0]! >= before, times.at(-1)! <= after]).toEqual([true, true]);
  for (const variant of '89ab') expect(ids.filter((id) => id[19] === variant).length).toBeGreaterThan(10_000);
});
