/**
 * The time that a limit counts, in slots. A sliding window is sixty slots and the one that is going on: what was counted in a
 * slot is counted until the last moment of that slot is a window ago, so that no stretch of the window's length ever holds more
 * than the quota. A day, week or month of a time zone is one slot.
 */
import type { LimitWindow } from '@weir/schema/settings/limit';

export interface Frame {
  /** The slot that is going on. */
  slot: number;
  /** The oldest slot that counts. */
  first: number;
  /** Length of a slot, ms; 0: one slot for the whole period, named by its beginning. */
  slotMs: number;
  /** When what is counted in a slot counts no more, ms since 1970. */
  leaves(slot: number): number;
}

const slots = 60;

/** @param window null: calls at once, which have no time. @param at milliseconds since 1970. */
export function frameAt(window: LimitWindow | null, at: number): Frame {
  if (window === null) return { slot: 0, first: 0, slotMs: 0, leaves: () => Infinity };
  if ('seconds' in window) {
    const slotMs = (window.seconds * 1000) / slots;
    const slot = Math.floor(at / slotMs);
    return { slot, first: slot - slots, slotMs, leaves: (from) => (from + slots + 1) * slotMs };
  }
  const { start, end } = periodAt(window.calendar, window.zone, at);
  return { slot: start, first: start, slotMs: 0, leaves: () => end };
}

/** The frames of a window, moment after moment: one is made anew when its slot is over, and not for each call. */
export function framesOf(window: LimitWindow | null): (at: number) => Frame {
  let last: Frame | null = null;
  return (at) => {
    if (last === null || !goesOn(last, at)) last = frameAt(window, at);
    return last;
  };
}

/** Whether a frame's slot is the one of a moment, ms since 1970. */
function goesOn({ slot, slotMs, leaves }: Frame, at: number): boolean {
  return slotMs === 0 ? at >= slot && at < leaves(slot) : Math.floor(at / slotMs) === slot;
}

/** Where the frame begins, ms since 1970. */
export function beginOf(frame: Frame): number {
  return frame.slotMs === 0 ? frame.first : frame.first * frame.slotMs;
}

export interface Period {
  start: number;
  end: number;
}

/** The last periods that were asked for: they are the same for hours, and time zones are dear to reckon with. */
const known = new Map<string, Period>();

/** The day, week (from Monday) or month in a time zone that holds a moment, ms since 1970. */
export function periodAt(calendar: 'day' | 'week' | 'month', zone: string, at: number): Period {
  const name = `${calendar} ${zone}`;
  const last = known.get(name);
  if (last !== undefined && at >= last.start && at < last.end) return last;
  const [year, month, day] = localDay(zone, at);
  const weekday = (new Date(Date.UTC(year, month, day)).getUTCDay() + 6) % 7;
  const first = calendar === 'month' ? 1 : calendar === 'week' ? day - weekday : day;
  const period = {
    start: midnight(zone, year, month, first),
    end:
      calendar === 'month'
        ? midnight(zone, year, month + 1, 1)
        : midnight(zone, year, month, first + (calendar === 'week' ? 7 : 1)),
  };
  if (known.size >= 1024) known.clear();
  known.set(name, period);
  return period;
}

/** Year, month (from 0) and day on the wall of a time zone. */
function localDay(zone: string, at: number): [number, number, number] {
  const parts = new Intl.DateTimeFormat('en', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
  }).formatToParts(at);
  const part = (type: string): number => Number(parts.find((one) => one.type === type)?.value);
  return [part('year'), part('month') - 1, part('day')];
}

/** The first moment of a day in a time zone. Where a clock is put forward at midnight, that is one o'clock. */
function midnight(zone: string, year: number, month: number, day: number): number {
  const wanted = Date.UTC(year, month, day);
  const isBefore = (at: number): boolean => Date.UTC(...localDay(zone, at)) < wanted;
  // Time zones are at most 14 hours from UTC: the day begins in between.
  let [before, after] = [wanted - 15 * 3_600_000, wanted + 15 * 3_600_000];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (isBefore(middle)) before = middle;
    else after = middle;
  }
  return after;
}
