import type { ErrorShape } from '../dialect.ts';

const STATUSES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/** cloud.google.com/apis/design/errors. Weir's own code is an ErrorInfo detail, where Google puts such reasons. */
function errorBody(error: { status: number; code: string; message: string }): Record<string, unknown> {
  const status = STATUSES[error.status] ?? (error.status >= 500 ? 'UNAVAILABLE' : 'FAILED_PRECONDITION');
  const details = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: error.code, domain: 'weir' }];
  return { error: { code: error.status, message: error.message, status, details } };
}

/** Google's errors; in a stream a piece that has an `error` instead of candidates. */
export const googleErrors: ErrorShape = {
  name: 'google',
  errorBody,
  errorEvent: (error) => `data: ${JSON.stringify(errorBody(error))}\n\n`,
};
