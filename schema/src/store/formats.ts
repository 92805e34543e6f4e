const contentTypes: ReadonlyArray<readonly [pattern: RegExp, type: string]> = [
  [
    /^(JSONEachRow|JSONLines|NDJSON|JSONStringsEachRow|JSONCompact\w*EachRow\w*|PrettyJSONEachRow|JSONObjectEachRow)/,
    'application/x-ndjson; charset=UTF-8',
  ],
  [/^JSON/, 'application/json; charset=UTF-8'],
  [/^CSVWithNames/, 'text/csv; charset=UTF-8; header=present'],
  [/^CSV/, 'text/csv; charset=UTF-8; header=absent'],
  [/^(TabSeparated|TSV)/, 'text/tab-separated-values; charset=UTF-8'],
  [/^(Parquet|Arrow|ORC|Avro|Native|RowBinary|MsgPack|Npy|BSONEachRow|Protobuf|CapnProto)/, 'application/octet-stream'],
  [/^XML$/, 'application/xml; charset=UTF-8'],
  [/^Markdown$/, 'text/markdown; charset=UTF-8'],
];

/** The Content-Type of a result in this format. */
export function readContentType(format: string): string {
  return contentTypes.find(([pattern]) => pattern.test(format))?.[1] ?? 'text/plain; charset=UTF-8';
}

/** The format of a result for which neither statement nor request names one. */
export const plainFormat = 'TabSeparated';

/** Whether this is a name that may stand in a FORMAT clause. */
export function isFormatName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(name);
}
