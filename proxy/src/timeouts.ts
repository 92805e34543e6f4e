/** `Weir-Timeout` (CONTRACT.md §4): the clocks of a call, which has none of Weir's own unless it asks. */
import { parseDictionary } from 'structured-headers';
import { WeirError } from './errors.ts';
import { parseField } from './structured.ts';

/** In ms; 0: no limit. */
export interface Timeouts {
  /** From the start of an attempt to the head of its answer. */
  headers: number;
  /** Between two pieces of the answer's body; a client that is too slow to take them does not count. */
  idle: number;
  /** From the call's first byte to the last of its answer, all attempts and waiting included. */
  total: number;
  /** How long to read on after the client left; 0: not at all. */
  drain: number;
}

const longest = 86_400_000;
const expected = 'headers=10000, idle=30000, total=600000, drain=0';

/** @throws WeirError `bad_header` */
export function readTimeouts(value: string): Timeouts {
  const timeouts: Timeouts = { headers: 0, idle: 0, total: 0, drain: 0 };
  for (const [name, [member]] of parseField('weir-timeout', value, expected, parseDictionary)) {
    if (!isClock(name)) throw new WeirError('bad_header', `weir-timeout: ${name} is no clock; expected ${expected}.`);
    if (typeof member !== 'number' || !Number.isInteger(member) || member < 0 || member > longest) {
      throw new WeirError('bad_header', `weir-timeout: ${name} takes whole milliseconds from 0 to ${longest}.`);
    }
    timeouts[name] = member;
  }
  return timeouts;
}

function isClock(name: string): name is keyof Timeouts {
  return name === 'headers' || name === 'idle' || name === 'total' || name === 'drain';
}
