/** The head of a request as it is sent (RFC 9112 §3). What could end it early is refused: nothing can be smuggled in behind it. */
import { headerTraits } from '../header-traits.ts';
import type { SendRequest } from './exchange.ts';

/** How the end of the body is told. */
export type Framing = { length: number } | 'chunked';

/** Methods whose requests have no body unless they say so (RFC 9110 §9.3); of others it is said that there is none. */
const bodiless = new Set(['GET', 'HEAD', 'OPTIONS', 'DELETE', 'TRACE']);
const target = /^[\x21-\x7e\x80-\xff]+$/;
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * @param host as the `Host` header has it. @returns the head up to its empty line, latin1.
 * @throws Error `ERR_INVALID_CHAR` for what cannot stand in a head, `ERR_HTTP_CONTENT_LENGTH_MISMATCH` for a length that is none.
 */
export function requestHead({ method, target: { path }, headers, body }: SendRequest, host: string): [string, Framing] {
  if (!target.test(path) || !headerTraits(method).isName) throw invalid('the path');
  let text = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: keep-alive\r\n`;
  let framing: Framing | null = body === null || Buffer.isBuffer(body) ? { length: body?.length ?? 0 } : null;
  let said = false;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string;
    const value = headers[index + 1] as string;
    const { lower, isName } = headerTraits(name);
    if (!isName || !fieldValue.test(value)) throw invalid(`the header ${isName ? lower : ''}`);
    if (lower === 'host' || lower === 'connection' || lower === 'transfer-encoding') continue;
    if (lower === 'content-length') {
      if (said) continue;
      said = true;
      framing ??= { length: lengthOf(value) };
      if (framing !== 'chunked') text += `${name}: ${framing.length}\r\n`;
    } else text += `${name}: ${value}\r\n`;
  }
  framing ??= 'chunked';
  if (framing === 'chunked') text += 'Transfer-Encoding: chunked\r\n';
  else if (!said && (framing.length > 0 || !bodiless.has(method))) text += `Content-Length: ${framing.length}\r\n`;
  return [`${text}\r\n`, framing];
}

function lengthOf(value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw mismatch(`${value.slice(0, 40)} is no length`);
  return Number(value);
}

/** A body that is not as long as its head said. */
export function mismatch(why: string): Error {
  return Object.assign(new Error(`Content-Length: ${why}`), { code: 'ERR_HTTP_CONTENT_LENGTH_MISMATCH' });
}

function invalid(what: string): Error {
  return Object.assign(new Error(`${what} has a character that cannot be sent`), { code: 'ERR_INVALID_CHAR' });
}
