/** Errors that are Weir's own (CONTRACT.md §6). Thrown anywhere; turned into a response in one place. */
export const errorStatus = {
  bad_header: 400,
  bad_request: 400,
  unauthorized: 401,
  forbidden_target: 403,
  forbidden_origin: 403,
  forbidden_role: 403,
  not_found: 404,
  unknown_provider: 404,
  unknown_route: 404,
  limit_exceeded: 429,
  upstream_unreachable: 502,
  upstream_credentials: 502,
  overloaded: 503,
  upstream_timeout: 504,
} as const;
export type ErrorCode = keyof typeof errorStatus;

/** What is wrong with one field of what was sent, for a form that shows it there. */
export interface FieldError {
  /** As in `limits.0.quota`. */
  field: string;
  message: string;
}

export class WeirError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  /** Names and values of the headers that belong to it. */
  headers: string[] = [];
  constructor(
    code: ErrorCode,
    message: string,
    readonly fields: readonly FieldError[] = [],
  ) {
    super(message);
    this.name = 'WeirError';
    this.code = code;
    this.status = errorStatus[code];
  }
}

/** One that names what is wrong, field by field, as a sentence and for a form. */
export function fieldsError(code: 'bad_request' | 'forbidden_role', fields: readonly FieldError[]): WeirError {
  return new WeirError(code, `${fields.map(({ field, message }) => `${field}: ${message}`).join('; ')}.`, fields);
}
