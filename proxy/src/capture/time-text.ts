/**
 * Times as JSON numbers, put together from whole numbers: to find the shortest text of a fraction took a fiftieth of what a call
 * costs the main thread.
 */

const ofThree = Array.from({ length: 1_000 }, (_, number) => String(number).padStart(3, '0'));
const fractions = ofThree.map((digits, number) => (number === 0 ? '' : `.${digits.replace(/0+$/, '')}`));

/** @param micros whole microseconds. @returns the milliseconds, as `String(micros / 1000)` has them. */
export function msText(micros: number): string {
  if (!(micros >= 0 && micros < 2 ** 31)) return String(micros / 1000);
  const rest = micros % 1000;
  return `${(micros - rest) / 1000}${fractions[rest] as string}`;
}

let second = 0;
let secondText = '0';

/** @param micros whole microseconds since 1970. @returns all their digits. */
export function microsText(micros: number): string {
  const rest = micros % 1_000_000;
  const seconds = (micros - rest) / 1_000_000;
  // A number of less than a second, or before 1970, begins otherwise.
  if (!(seconds >= 1)) return String(micros);
  if (seconds !== second) {
    second = seconds;
    secondText = String(seconds);
  }
  const ms = Math.floor(rest / 1000);
  return secondText + (ofThree[ms] as string) + (ofThree[rest - ms * 1000] as string);
}
