/**
 * How much work a function does, counted and not timed: the bytes and characters that pass through the bulk operations of the
 * engine (copies, searches, decoding, parsing). Reading again what was read before shows here; a slow machine does not.
 */

type Method = (this: unknown, ...given: unknown[]) => unknown;
type Owner = Record<string, Method>;

const lengthOf = (value: unknown): number =>
  typeof value === 'string' || value instanceof Uint8Array ? value.length : 0;

/** Bytes that a call of this method walked over. */
type Cost = (self: unknown, given: unknown[], result: unknown) => number;

const ofSelf: Cost = (self) => lengthOf(self);
const ofFirst: Cost = (_, given) => lengthOf(given[0]);
/** From an offset on, to what was found or to the end. */
const searched: Cost = (self, given, found) => {
  const end = Number(found) === -1 ? lengthOf(self) : Number(found) + 1;
  return Math.max(0, end - Number(given[1] ?? 0));
};
const between: Cost = (self, given) =>
  Math.max(0, Math.min(lengthOf(self), Number(given[2] ?? lengthOf(self))) - Number(given[1] ?? 0));
const copied: Cost = (self, given) =>
  Math.max(0, Math.min(lengthOf(self), Number(given[3] ?? lengthOf(self))) - Number(given[2] ?? 0));

const counted: readonly (readonly [owner: object, name: string, cost: Cost])[] = [
  [Buffer.prototype, 'toString', between],
  [Buffer.prototype, 'copy', copied],
  [Buffer.prototype, 'indexOf', searched],
  [Uint8Array.prototype, 'set', ofFirst],
  [Uint8Array.prototype, 'findIndex', (self, _, found) => searched(self, [], found)],
  [Uint8Array.prototype, 'slice', ofSelf],
  [Buffer, 'from', ofFirst],
  [Buffer, 'concat', (_, given) => (given[0] as Uint8Array[]).reduce((sum, part) => sum + part.length, 0)],
  [JSON, 'parse', ofFirst],
  [RegExp.prototype, 'exec', ofFirst],
  [RegExp.prototype, 'test', ofFirst],
  [String.prototype, 'trim', ofSelf],
  [String.prototype, 'replace', ofSelf],
  [String.prototype, 'split', ofSelf],
  [Array.prototype, 'join', (self) => (self as unknown[]).reduce<number>((sum, part) => sum + lengthOf(part), 0)],
];

/** Runs `work` once. @returns what it walked over. */
export function workOf(work: () => void): number {
  let total = 0;
  const before = counted.map(([owner, name, cost]) => {
    const method = (owner as Owner)[name] as Method;
    const had = Object.hasOwn(owner, name);
    (owner as Owner)[name] = function (this: unknown, ...given: unknown[]): unknown {
      const result = method.apply(this, given);
      total += cost(this, given, result);
      return result;
    };
    return () => {
      if (had) (owner as Owner)[name] = method;
      else delete (owner as Owner)[name];
    };
  });
  try {
    work();
  } finally {
    for (const restore of before) restore();
  }
  return total;
}
