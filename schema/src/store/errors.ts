/** What the store answers when it cannot do what was asked: ClickHouse's own code, name and wording. */
export class StoreError extends Error {
  readonly code: number;
  readonly type: string;
  /** Overrides the status that the code maps to. */
  readonly status: number | undefined;

  constructor(code: number, type: string, message: string, status?: number) {
    super(message);
    this.name = 'StoreError';
    this.code = code;
    this.type = type;
    this.status = status;
  }
}

// src/Server/HTTP/exceptionCodeToHTTPStatus.cpp; what is not here is 500, also there.
const codesByStatus: ReadonlyArray<readonly [status: number, codes: readonly number[]]> = [
  [401, [194]],
  [403, [192, 193, 497, 512, 516]],
  [400, [6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321, 376, 427, 441, 675, 676]],
  [404, [46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511]],
  [408, [159]],
  [411, [381]],
  [413, [229]],
  [415, [779]],
  [501, [48]],
  [503, [76, 209, 439]],
];

const statuses = new Map(codesByStatus.flatMap(([status, codes]) => codes.map((code) => [code, status] as const)));

/** The HTTP status that ClickHouse gives to an exception code. */
export function readStatus(error: StoreError): number {
  return error.status ?? statuses.get(error.code) ?? 500;
}

const coded = /^Code: (\d+)\. DB::Exception: ([\s\S]*) \(([A-Z][A-Z0-9_]+)\)\s*$/;
const version = / \(version [^()]*(?:\([^()]*\))?\)\s*$/;

// What chDB adds to an error: the same error wrapped again, and, for data that it reads from a file of ours, the file.
const wrapped = /^Code: \d+\. DB::Exception: ([\s\S]*) \([A-Z][A-Z0-9_]+\) \(version [^()]*(?:\([^()]*\))?\)\.?$/;
const ofFile = /(: )?\(in file\/uri [^()]*\)|: While executing File\b|: data for INSERT was parsed from file/g;

/** The engine's own error text (`Code: 60. DB::Exception: … (UNKNOWN_TABLE)`) as a StoreError. */
export function readEngineError(cause: unknown): StoreError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const match = coded.exec(text.replace(version, ''));
  if (!match) return new StoreError(1001, 'STD_EXCEPTION', text);
  let message = (match[2] ?? text).replace(ofFile, '');
  for (let inner = wrapped.exec(message); inner; inner = wrapped.exec(message)) message = inner[1]!;
  return new StoreError(Number(match[1]), match[3] ?? 'UNKNOWN', message);
}

/** The body of an error response, worded as a ClickHouse server does it. */
export function formatError(error: StoreError, engineVersion: string): string {
  return `Code: ${error.code}. DB::Exception: ${error.message} (${error.type}) (version ${engineVersion} (official build))\n`;
}
