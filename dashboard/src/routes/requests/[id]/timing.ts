/** Where the time of a request went. Attempts are placed on its own clock; the three parts add up to its duration. */
import type { AttemptRow, RequestRow } from '@weir/schema/records';
import { fromSqlTime } from '@weir/schema/time';

export interface Bar {
  attempt: AttemptRow;
  /** Milliseconds from the request's first byte. */
  start: number;
  waitFrom: number;
  /** Its length; no bar goes on past the request's own end. */
  shown: number;
  connect: number;
  headers: number;
  content: number;
  rest: number;
}

const micros = (text: string): number => fromSqlTime(text) + Number(`0.${text.slice(23).padEnd(3, '0')}`);

export function bars(
  row: Pick<RequestRow, 'started_at' | 'duration_ms' | 'ttft_ms'>,
  attempts: readonly AttemptRow[],
): Bar[] {
  const origin = micros(row.started_at);
  let clock = 0;
  return attempts.map((attempt, index) => {
    const told = micros(attempt.started_at) - origin;
    // Rows whose attempts all bear the request's own time are placed one after the other.
    const start = Math.max(0, Math.min(index > 0 && told <= 0 ? clock + attempt.wait_ms : told, row.duration_ms));
    clock = start + attempt.duration_ms;
    const shown = Math.min(attempt.duration_ms, row.duration_ms - start);
    const connect = Math.min(attempt.connect_ms ?? 0, shown);
    const headers = Math.max(0, Math.min((attempt.headers_ms ?? 0) - connect, shown - connect));
    const last = index === attempts.length - 1;
    const first = last && row.ttft_ms !== null ? row.ttft_ms - start : connect + headers;
    const content = Math.max(0, Math.min(first - connect - headers, shown - connect - headers));
    return {
      attempt,
      start,
      waitFrom: Math.max(0, start - attempt.wait_ms),
      shown,
      connect,
      headers,
      content,
      rest: Math.max(0, shown - connect - headers - content),
    };
  });
}

/** Round marks under the waterfall: at most five. */
export function marks(total: number): number[] {
  const rough = total / 5;
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  const step = ([1, 2, 5, 10].find((round) => round * power >= rough) ?? 10) * power;
  return Array.from({ length: Math.ceil(total / step) }, (_, index) => index * step).filter((at) => at < total * 0.9);
}
