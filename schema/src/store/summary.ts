/** What is known of a statement, in the words of X-ClickHouse-Summary (ClickHouse's src/IO/Progress.cpp). */
export interface Summary {
  readonly read_rows: string;
  readonly read_bytes: string;
  readonly written_rows: string;
  readonly written_bytes: string;
  readonly total_rows_to_read: string;
  readonly result_rows: string;
  readonly result_bytes: string;
  readonly elapsed_ns: string;
  /** Of a statement that was looked at while it ran; not known of others. */
  readonly memory_usage?: string;
}

/** Nothing yet, as a server says it of a result that begins to be sent. */
export const emptySummary: Summary = {
  read_rows: '0',
  read_bytes: '0',
  written_rows: '0',
  written_bytes: '0',
  total_rows_to_read: '0',
  result_rows: '0',
  result_bytes: '0',
  elapsed_ns: '0',
};

export function elapsedNs(seconds: number): string {
  return String(Math.round(seconds * 1e9));
}

const statistics = /"?rows_read"?\s*[:>]\s*"?(\d+)[^]{0,40}?bytes_read"?\s*[:>]\s*"?(\d+)/;

/**
 * What was read, as the end of a result in a JSON format with statistics (or XML) tells it. The engine's own calls count
 * only what a statement returns.
 */
export function readStatistics(format: string, end: Buffer): Partial<Summary> {
  if (!/^(JSON|JSONStrings|JSONCompact|JSONCompactStrings|JSONColumnsWithMetadata|XML)$/.test(format)) return {};
  const match = statistics.exec(end.toString('latin1', Math.max(0, end.length - 256)));
  return match ? { read_rows: match[1]!, read_bytes: match[2]! } : {};
}
