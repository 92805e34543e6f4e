/** Asks and answers of a ledger as the script `count` has them. */
import { limitUnits } from '@weir/schema/settings/limit';
import { z } from 'zod';
import type { Ask, Decision, Standing } from './ledger.ts';
import type { Part } from './redis-backlog.ts';
import { againKey, countKey, epochKey, openKey, recordKey, toldKey } from './redis-keys.ts';
import { beginOf, type Frame } from './window.ts';

/** Clocks differ, and what was counted while Redis was away comes late. */
const slackMs = 60_000;
/** What a double holds exactly: nine million dollars in billionths. */
const mostExact = Number.MAX_SAFE_INTEGER;

/** Redis has other data than it had. */
export class LostData extends Error {
  override message = 'Redis has lost what it held';
}

export interface Question {
  mode: 'take' | 'add' | 'hold';
  epoch: string;
  /** Of the proxy. */
  self: string;
  id: string;
  leaseMs: number;
  asks: readonly Ask[];
  /** ms since 1970. */
  at: number;
  /** Rules whose past is told, to be marked as in use: how long that holds, ms. */
  marks: ReadonlyMap<string, number>;
}

/** How long what is counted in a frame's last slot is kept, ms. */
export function lifeOf(frame: Frame, at: number): number {
  const leaves = frame.leaves(frame.slot);
  return Number.isFinite(leaves) ? Math.max(1, Math.ceil(leaves - at)) + slackMs : 0;
}

/** How long a rule that was told is known to be, ms: as long as anything counts that was counted before. */
export function toldLife(frame: Frame): number {
  return Math.ceil(frame.leaves(frame.slot) - beginOf(frame)) + slackMs;
}

export function partOf({ count, unit, frame }: Ask, amount: number): Part {
  const until = frame.leaves(frame.slot);
  return { key: countKey(count), count, unit, slot: frame.slot, amount, until };
}

/** @returns the keys and arguments of `count`. */
export function countQuestion(question: Question): { keys: string[]; args: string[] } {
  const { mode, epoch, self, id, leaseMs, asks, at, marks } = question;
  const lives = asks.map(({ frame }) => lifeOf(frame, at));
  const args = [mode, epoch, id, String(leaseMs), String(Math.max(1, ...lives)), String(asks.length)];
  asks.forEach(({ unit, frame, quota, amount, hard }, index) => {
    const most = amount === null ? '' : String(Math.min(mostExact, amount));
    args.push(unit, String(quota), most, hard ? '1' : '0', String(frame.slot), String(frame.first));
    args.push(String(lives[index] ?? 1));
  });
  for (const life of marks.values()) args.push(String(life));
  const keys = [epochKey, recordKey(id), openKey(self), ...asks.map(({ count }) => countKey(count))];
  return { keys: [...keys, ...(mode === 'hold' ? [againKey] : [...marks.keys()].map(toldKey))], args };
}

const reply = z.array(z.string());

/** @throws LostData when the epoch is another. */
export function readDecision(answer: unknown, asks: readonly Ask[], at: number): Decision {
  const [status, refused = '', ...rest] = reply.parse(answer);
  if (status === 'lost') throw new LostData();
  const end = (slot: string | undefined, frame: Frame): number =>
    slot === undefined || slot === '' ? at : frame.leaves(Number(slot));
  const standings = asks.map(({ frame }, index): Standing => {
    const [sum, first, room] = rest.slice(index * 4);
    return { sum: Number(sum), resets: end(first, frame), room: end(room, frame) };
  });
  if (refused !== '') return { standings, refused: Number(refused) };
  return { standings, refused: null, amounts: asks.map((_, index) => Number(rest[index * 4 + 3])) };
}

/** Parts of a call that is open, as they are asked for again. */
export function holdAsks(parts: readonly Part[]): Ask[] {
  return parts.map(({ count, unit, slot, amount, until }): Ask => {
    const frame: Frame = { slot, first: 0, slotMs: 0, leaves: () => until };
    return { count, unit, frame, quota: 0, amount: unit === 'concurrent' ? 1 : amount, hard: false };
  });
}

/** What a call has. @param fields as the script `records` has them. */
export function readRecord(fields: readonly string[]): Part[] {
  const parts: Part[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [slot, amount, unit] = (fields[index + 1] ?? '').split(':');
    const key = fields[index] ?? '';
    const known = z.enum(limitUnits).parse(unit);
    parts.push({ key, count: '', unit: known, slot: Number(slot), amount: Number(amount), until: Infinity });
  }
  return parts;
}
