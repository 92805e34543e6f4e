/** One line on a terminal that says how far a result has come. */
import type { WriteStream } from 'node:tty';
import { sizeText } from '../size.ts';

export interface Progress {
  count(bytes: Buffer): void;
  /** Clears the line; `last` leaves the totals behind. */
  end(last: boolean): void;
}

export interface ProgressOptions {
  /** Where it is shown: nowhere unless this is a terminal. */
  to: Pick<WriteStream, 'write'> & { isTTY?: boolean };
  /** Lines are counted as rows. */
  rows: boolean;
  /** The result goes to the same terminal: the line makes room for it. */
  shared: boolean;
}

const everyMs = 250;
const lineEnd = 0x0a;

/** Starts to show; the first line comes after a quarter of a second, so that a quick answer shows none. */
export function startProgress({ to, rows, shared }: ProgressOptions): Progress {
  if (to.isTTY !== true) return { count: () => undefined, end: () => undefined };
  const started = performance.now();
  let counted = 0;
  let bytesSeen = 0;
  const line = (): string => {
    const seconds = Math.floor((performance.now() - started) / 1000);
    const said = [rows ? `${counted.toLocaleString('en')} rows` : '', sizeText(bytesSeen), `${seconds} s`];
    return said.filter(Boolean).join(', ');
  };
  const clear = (): void => void to.write('\r\x1b[K');
  let timer: NodeJS.Timeout | undefined = setInterval(() => to.write(`\r\x1b[K${line()}`), everyMs);
  const stop = (): void => {
    if (timer === undefined) return;
    clearInterval(timer);
    timer = undefined;
    clear();
  };
  return {
    count: (bytes) => {
      if (shared) stop();
      bytesSeen += bytes.length;
      if (rows) for (let at = -1; (at = bytes.indexOf(lineEnd, at + 1)) >= 0;) counted += 1;
    },
    end: (last) => {
      stop();
      if (last && !shared) to.write(`${line()}\n`);
    },
  };
}
