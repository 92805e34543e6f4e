/** A request as it begins: who is called, by which words, and everything that is not known yet. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { now, type Call } from './call.ts';
import type { Settings } from './env.ts';
import { parseInstructions } from './headers.ts';
import { newRequestId } from './request-id.ts';
import { findProvider, type SplitPath } from './route.ts';

let sequence = 0;

/** @throws WeirError `unknown_provider`: such a call is answered, but not recorded. */
export function makeCall(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  split: SplitPath,
  settings: Settings,
): Call {
  const provider = findProvider(split.provider);
  const method = incoming.method ?? 'GET';
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
    operation: provider.dialect.operation(method, split.path),
    path: split.path,
    query: split.query,
    instructions,
    holder: null,
    project: 'default',
    keyId: '',
    requestModel: provider.dialect.modelInPath(split.path) ?? '',
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
