/** Times as the viewer's zone has them. */

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = zone + JSON.stringify(options);
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hourCycle: 'h23', ...options });
    formats.set(key, found);
  }
  return found;
}

const parts = (at: number, zone: string, options: Intl.DateTimeFormatOptions): string =>
  format(zone, options).format(at).replaceAll(',', '');

export const time = (at: number, zone: string): string => parts(at, zone, { hour: '2-digit', minute: '2-digit' });
export const timeWithSeconds = (at: number, zone: string): string =>
  parts(at, zone, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
export const day = (at: number, zone: string): string => parts(at, zone, { weekday: 'short', day: 'numeric' });
export const date = (at: number, zone: string): string =>
  parts(at, zone, { weekday: 'short', day: 'numeric', month: 'short' });
export const dayMonth = (at: number, zone: string): string => parts(at, zone, { day: 'numeric', month: 'short' });
export const full = (at: number, zone: string): string =>
  `${parts(at, zone, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' })}, ${timeWithSeconds(at, zone)}.${String(at % 1000).padStart(3, '0')}`;

/** Today's as a time, this year's with its date. */
export function when(at: number, zone: string, now: number): string {
  return date(at, zone) === date(now, zone) && now - at < 86_400_000
    ? timeWithSeconds(at, zone)
    : `${dayMonth(at, zone)} ${time(at, zone)}`;
}

/** The stretch of one bucket: `Thu 19 Nov, 10:45–11:00`. */
export function bucket(from: number, to: number, zone: string): string {
  const end =
    to - from >= 86_400_000 ? date(to, zone) : to - from < 60_000 ? timeWithSeconds(to, zone) : time(to, zone);
  const start =
    to - from >= 86_400_000
      ? date(from, zone)
      : `${date(from, zone)}, ${to - from < 60_000 ? timeWithSeconds(from, zone) : time(from, zone)}`;
  return `${start}–${end}`;
}

/** What the cursor and the legend say: as short as the step allows. */
export function moment(at: number, step: number, zone: string): string {
  if (step >= 86_400_000) return date(at, zone);
  return step < 60_000 ? timeWithSeconds(at, zone) : time(at, zone);
}

export const span = (from: number, to: number, zone: string): string =>
  `${date(from, zone)} ${time(from, zone)} to ${date(to, zone)} ${time(to, zone)}`;
