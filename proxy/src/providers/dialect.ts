import type { Quirks } from './format.ts';
import { modelInPath, operationOf } from './operations.ts';
import type { Dialect } from './provider.ts';
import { ReplyReader } from './reply.ts';
import { RequestReader } from './request.ts';

/** What is Weir's own about a dialect: the shape of its errors. Reading follows from the operation. */
export type ErrorShape = Pick<Dialect, 'name' | 'errorBody' | 'errorEvent' | 'errorMessage'>;

/** A dialect as one provider speaks it. */
export function makeDialect(shape: ErrorShape, quirks: Quirks = {}): Dialect {
  return {
    ...shape,
    operation: operationOf,
    modelInPath,
    requestReader: (context) => new RequestReader(context),
    replyReader: (context) => new ReplyReader(context, quirks),
    readReply: (context, body) => new ReplyReader(context, quirks).read(body),
  };
}
