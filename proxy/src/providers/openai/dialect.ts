import type { ErrorShape } from '../dialect.ts';

/** platform.openai.com/docs/guides/error-codes: the SDKs read `error.message`, `type` and `code`. */
function errorBody(error: { status: number; code: string; message: string }): Record<string, unknown> {
  return { error: { message: error.message, type: errorType(error.status), param: null, code: error.code } };
}

function errorType(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

/** OpenAI's errors. In a stream an event whose data has an `error` raises in the SDKs. */
export const openaiErrors: ErrorShape = {
  name: 'openai',
  errorBody,
  errorEvent: (error) => `event: error\ndata: ${JSON.stringify(errorBody(error))}\n\n`,
};
