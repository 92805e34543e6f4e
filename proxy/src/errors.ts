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

export class WeirError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  /** Names and values of the headers that belong to it. */
  headers: string[] = [];
  constructor(code: ErrorCode, message: string) {
    super(message);
    this.name = 'WeirError';
    this.code = code;
    this.status = errorStatus[code];
  }
}
