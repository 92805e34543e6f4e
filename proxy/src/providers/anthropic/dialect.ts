import type { ErrorShape } from '../dialect.ts';

/** docs.anthropic.com/en/api/errors. */
function errorBody(error: { status: number; code: string; message: string }): Record<string, unknown> {
  return { type: 'error', error: { type: errorType(error.status), message: error.message, code: error.code } };
}

const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

function errorType(status: number): string {
  return TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}

/** Anthropic's errors; in a stream the event's name is `error`. */
export const anthropicErrors: ErrorShape = {
  name: 'anthropic',
  errorBody,
  errorEvent: (error) => `event: error\ndata: ${JSON.stringify(errorBody(error))}\n\n`,
};
