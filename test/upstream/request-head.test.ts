/** What is sent is one request, whatever a header's value says. */
import type { SendRequest } from '@weir/proxy/src/upstream/exchange.ts';
import { requestHead } from '@weir/proxy/src/upstream/request-head.ts';
import { expect, test } from 'vitest';

function head(request: Partial<Omit<SendRequest, 'target'>> & { path?: string }): ReturnType<typeof requestHead> {
  const { path = '/v1/x?a=b', method = 'POST', headers = [], body = null } = request;
  return requestHead({ method, headers, body, target: { path } as SendRequest['target'] }, 'host:1');
}

async function* stream(): AsyncIterable<Buffer> {
  yield await Promise.resolve(Buffer.from('x'));
}

const begin = 'POST /v1/x?a=b HTTP/1.1\r\nHost: host:1\r\nConnection: keep-alive\r\n';

test('a body’s length is what it is, by the name that the client gave it', () => {
  const body = Buffer.from('hello');
  expect(head({ headers: ['X-A', 'é', 'content-length', '9'], body })).toEqual([
    `${begin}X-A: é\r\ncontent-length: 5\r\n\r\n`,
    { length: 5 },
  ]);
  expect(head({ body })[0]).toBe(`${begin}Content-Length: 5\r\n\r\n`);
  expect(head({})[0]).toBe(`${begin}Content-Length: 0\r\n\r\n`);
  expect(head({ method: 'GET' })[0]).not.toContain('Content-Length');
  expect(head({ headers: ['content-length', '7'], body: stream() })).toEqual([
    `${begin}content-length: 7\r\n\r\n`,
    { length: 7 },
  ]);
  expect(head({ body: stream() })).toEqual([`${begin}Transfer-Encoding: chunked\r\n\r\n`, 'chunked']);
});

test('what is Weir’s to say of the connection is said once', () => {
  const headers = ['host', 'other', 'connection', 'close', 'transfer-encoding', 'gzip', 'content-length', '0'];
  expect(head({ headers: [...headers, 'Content-Length', '3'] })[0]).toBe(`${begin}content-length: 0\r\n\r\n`);
});

test.each([
  ['a value with a line break', { headers: ['X-A', 'b\r\nX-B: c'] }, 'ERR_INVALID_CHAR'],
  ['a value with a null byte', { headers: ['X-A', 'b\0'] }, 'ERR_INVALID_CHAR'],
  ['a value beyond latin1', { headers: ['X-A', '€'] }, 'ERR_INVALID_CHAR'],
  ['a name with a line break', { headers: ['X-A\r\n', 'b'] }, 'ERR_INVALID_CHAR'],
  ['no name', { headers: ['', 'b'] }, 'ERR_INVALID_CHAR'],
  ['a path with a space', { path: '/a b' }, 'ERR_INVALID_CHAR'],
  ['a path with a line break', { path: '/a\r\nX-A: b' }, 'ERR_INVALID_CHAR'],
  ['a method with a space', { method: 'GET /x' }, 'ERR_INVALID_CHAR'],
  ['a length that is none', { headers: ['content-length', '1e3'], body: stream() }, 'ERR_HTTP_CONTENT_LENGTH_MISMATCH'],
])('%s is not sent', (_name, request, code) => {
  expect(() => head(request)).toThrow(expect.objectContaining({ code }));
});
