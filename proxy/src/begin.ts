/** A request as it begins: who is called, by which words, and everything that is not known yet. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { now, type Call } from './call.ts';
import type { Settings } from './env.ts';
import { parseInstructions } from './headers.ts';
import { Memo } from './memo.ts';
import type { Operation, Provider } from './providers/provider.ts';
import { newRequestId } from './request-id.ts';
import { findProvider, splitPath, type SplitPath } from './route.ts';

let sequence = 0;

/** What method and path say. */
export interface Called {
  method: string;
  split: SplitPath;
  provider: Provider;
  operation: Operation;
  /** '' where the path names none. */
  model: string;
}

/** Programs call few paths, and it takes thirty patterns to read one. A query may hold a credential: those are not kept. */
const known = new Memo<Called>(1_024, 256);

/** Reads a request's head line. @throws WeirError `unknown_provider`: such a call is answered, but not recorded. */
export function readCalled({ method = 'GET', url = '/' }: IncomingMessage): Called {
  const key = `${method} ${url}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const split = splitPath(url);
  const provider = findProvider(split.provider);
  const operation = provider.dialect.operation(method, split.path);
  const called = { method, split, provider, operation, model: provider.dialect.modelInPath(split.path) ?? '' };
  if (split.query === '') known.set(key, called);
  return called;
}

export function makeCall(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { method, split, provider, operation, model }: Called,
  settings: Settings,
): Call {
  const instructions = parseInstructions(incoming.rawHeaders);
  if (settings.WEIR_LOG_BODIES === 'none') instructions.keepBodies = false;
  return {
    sequence: ++sequence >>> 0,
    id: newRequestId(),
    startedAt: wallClock(),
    started: now(),
    incoming,
    outgoing,
    method,
    provider,
    operation,
    path: split.path,
    query: split.query,
    instructions,
    holder: null,
    project: 'default',
    keyId: '',
    requestModel: model,
    routing: null,
    timeouts: instructions.timeouts,
    attempts: [],
    answeredBy: null,
    waitMs: 0,
    requestBytes: 0,
    responseBytes: 0,
    status: null,
    stallMs: 0,
    usageAsked: false,
    leftAt: null,
    verdict: null,
    endMark: null,
    warnings: [],
    reservation: null,
    limitFields: [],
  };
}

/**
 * Microseconds since 1970. The wall clock has milliseconds; the monotonic one lends its fraction so that calls of one
 * millisecond differ, but not more: it stands still while a laptop sleeps.
 */
function wallClock(): number {
  return Date.now() * 1000 + Math.floor((now() % 1) * 1000);
}
