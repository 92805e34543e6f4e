/** Which format a result is asked in, and which may go where. */
import { extname } from 'node:path';
import { readContentType } from '@weir/schema/store/formats';

const byExtension: Readonly<Record<string, string>> = {
  '.arrow': 'Arrow',
  '.avro': 'Avro',
  '.csv': 'CSVWithNames',
  '.json': 'JSON',
  '.jsonl': 'JSONEachRow',
  '.md': 'Markdown',
  '.ndjson': 'JSONEachRow',
  '.orc': 'ORC',
  '.parquet': 'Parquet',
  '.tsv': 'TSVWithNames',
};

/** The format where none was named: by the file's extension, a table on a terminal, else JSON lines. */
export function chooseFormat(to: { out: string | undefined; terminal: boolean }): string {
  if (to.out !== undefined) return byExtension[extname(to.out).toLowerCase()] ?? 'JSONEachRow';
  return to.terminal ? 'PrettyCompact' : 'JSONEachRow';
}

/** Whether its bytes are for programs only. */
export function isBinary(format: string): boolean {
  return readContentType(format) === 'application/octet-stream';
}

/** Whether each line is a row: what makes rows countable without reading them. CSV is not, its texts may hold line ends. */
export function isLineARow(format: string): boolean {
  return /^(JSONEachRow|JSONLines|NDJSON|JSONStringsEachRow|JSONCompact(Strings)?EachRow|TabSeparated|TSV)(Raw)?$/.test(
    format,
  );
}
