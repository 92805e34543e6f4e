import { encodeMessage } from '../../event-stream.ts';
import type { ErrorShape } from '../dialect.ts';
import type { HeaderOf } from '../format.ts';

const TYPES: Readonly<Record<number, string>> = {
  401: 'UnrecognizedClientException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  429: 'ThrottlingException',
  502: 'ModelErrorException',
  503: 'ServiceUnavailableException',
  504: 'ModelTimeoutException',
};

interface OwnError {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/**
 * docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html; the SDKs take the exception's name from `__type`
 * where no header has it (smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization).
 */
function errorBody(error: OwnError): Record<string, unknown> {
  const type = TYPES[error.status] ?? (error.status >= 500 ? 'InternalServerException' : 'ValidationException');
  return { __type: type, message: error.message };
}

/** AWS's errors. In a stream an exception of the stream's own kind. */
export const awsErrors: ErrorShape = {
  name: 'aws',
  errorBody,
  errorEvent: (error) => `event: error\ndata: ${JSON.stringify({ error: errorBody(error) })}\n\n`,
  errorMessage: (error) =>
    encodeMessage(
      {
        ':exception-type': 'modelStreamErrorException',
        ':content-type': 'application/json',
        ':message-type': 'exception',
      },
      Buffer.from(JSON.stringify({ message: error.message })),
    ),
};

/** The exception's name, without the address that some services write after it. */
export function awsErrorType(header: HeaderOf): string | null {
  const text = header('x-amzn-errortype')?.split(':')[0]?.trim() ?? '';
  return text === '' ? null : text.slice(text.indexOf('#') + 1);
}
