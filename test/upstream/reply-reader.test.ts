/** What a provider sends is read as RFC 9112 has it, wherever the network cuts it; what two readers could read differently is refused. */
import { ReplyReader } from '@weir/proxy/src/upstream/reply-reader.ts';
import { expect, test } from 'vitest';

interface Heard {
  status: number;
  statusText: string;
  headers: string[];
  body: string;
  trailers: string[] | null;
}

function listen(): { heard: Heard; events: ConstructorParameters<typeof ReplyReader>[1] } {
  const heard: Heard = { status: 0, statusText: '', headers: [], body: '', trailers: null };
  return {
    heard,
    events: {
      head(status, statusText, headers) {
        expect(heard.status).toBe(0);
        Object.assign(heard, { status, statusText, headers });
      },
      data(chunk) {
        expect(chunk.length).toBeGreaterThan(0);
        heard.body += chunk.toString('latin1');
        return true;
      },
      end(trailers) {
        expect(heard.trailers).toBeNull();
        heard.trailers = trailers;
      },
    },
  };
}

interface Read extends Heard {
  reusable: boolean;
  done: boolean;
}

/** @param cuts where the text is cut. */
function read(text: string, { method = 'POST', cuts = [] as number[], closes = false } = {}): Read {
  const { heard, events } = listen();
  const reader = new ReplyReader(method, events);
  const bytes = Buffer.from(text, 'latin1');
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    if (cut > from) reader.feed(bytes.subarray(from, cut));
    from = cut;
  }
  if (closes) reader.close();
  return { ...heard, reusable: reader.reusable, done: reader.done };
}

const replies: [
  name: string,
  text: string,
  expected: Partial<Read>,
  options?: { method?: string; closes?: boolean },
][] = [
  [
    'a length',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b c \t\r\n\r\nhello',
    { status: 200, statusText: 'OK', headers: ['Content-Length', '5', 'X-A', 'b c'], body: 'hello', reusable: true },
  ],
  ['no reason', 'HTTP/1.1 204\r\n\r\n', { status: 204, statusText: '', body: '', reusable: true }],
  ['an empty body', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', { body: '', reusable: true }],
  [
    'chunks, extensions and trailers',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5;a="b"\r\nhello\r\n00B \r\n wonderful!\r\n0\r\nX-Sum: 42\r\nX-B: c\r\n\r\n',
    { body: 'hello wonderful!', trailers: ['X-Sum', '42', 'X-B', 'c'], reusable: true },
  ],
  [
    'chunks without trailers',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
    { body: 'x', trailers: [], reusable: true },
  ],
  [
    'heads before the head',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx',
    { status: 200, body: 'x', reusable: true },
  ],
  [
    'a body that ends with the connection',
    'HTTP/1.1 200 OK\r\n\r\nhello',
    { body: 'hello', trailers: [], reusable: false },
    { closes: true },
  ],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx', { body: 'x', reusable: false }],
  [
    'HTTP/1.0 that goes on',
    'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx',
    { body: 'x', reusable: true },
  ],
  [
    'a last reply',
    'HTTP/1.1 200 OK\r\nConnection: foo, close\r\nContent-Length: 1\r\n\r\nx',
    { body: 'x', reusable: false },
  ],
  [
    'the head of a body',
    'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n',
    { body: '', trailers: [], reusable: true },
    { method: 'HEAD' },
  ],
  ['not modified', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n', { body: '', reusable: true }],
  [
    'a line that goes on',
    'HTTP/1.1 200 OK\r\nX-A: b\r\n  c\r\nContent-Length: 0\r\n\r\n',
    { headers: ['X-A', 'b c', 'Content-Length', '0'], reusable: true },
  ],
  [
    'bytes beyond ASCII',
    'HTTP/1.1 200 Tr\xe8s bien\r\nX-A: \xe9\r\nContent-Length: 2\r\n\r\n\xff\x00',
    { statusText: 'Tr\xe8s bien', headers: ['X-A', '\xe9', 'Content-Length', '2'], body: '\xff\x00' },
  ],
  [
    'more than was asked for',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n',
    { body: 'x', trailers: [], reusable: false },
  ],
];

test.each(replies)('%s, cut anywhere', (_name, text, expected, options) => {
  expect(read(text, options)).toMatchObject({ ...expected, done: true });
  for (let cut = 1; cut < text.length; cut++) {
    expect(read(text, { ...options, cuts: [cut] }), `cut at ${cut}`).toMatchObject({ ...expected, done: true });
  }
  const everywhere = Array.from({ length: text.length }, (_, at) => at);
  expect(read(text, { ...options, cuts: everywhere }), 'byte by byte').toMatchObject({ ...expected, done: true });
});

const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n';
test.each([
  ['no status line', 'hello\r\n\r\n', 'HPE_INVALID_CONSTANT'],
  ['another protocol', 'HTTP/2 200 OK\r\n\r\n', 'HPE_INVALID_CONSTANT'],
  ['no status', 'HTTP/1.1 20 OK\r\n\r\n', 'HPE_INVALID_CONSTANT'],
  ['an upgrade', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 'HPE_UNEXPECTED_UPGRADE'],
  ['a name with a space', 'HTTP/1.1 200 OK\r\nX A: b\r\n\r\n', 'HPE_INVALID_HEADER_TOKEN'],
  ['a space before the colon', 'HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n', 'HPE_INVALID_HEADER_TOKEN'],
  ['a line without a colon', 'HTTP/1.1 200 OK\r\nX-A\r\nX-B: c\r\n\r\n', 'HPE_INVALID_HEADER_TOKEN'],
  ['a first line that goes on', 'HTTP/1.1 200 OK\r\n X-A: b\r\n\r\n', 'HPE_INVALID_HEADER_TOKEN'],
  ['a line feed alone', 'HTTP/1.1 200 OK\r\nX-A: b\nContent-Length: 1\r\n\r\n', 'HPE_INVALID_HEADER_TOKEN'],
  ['a null byte', 'HTTP/1.1 200 OK\r\nX-A: b\0c\r\n\r\n', 'HPE_INVALID_HEADER_TOKEN'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n', 'HPE_UNEXPECTED_CONTENT_LENGTH'],
  ['a length with a sign', 'HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n', 'HPE_INVALID_CONTENT_LENGTH'],
  ['a length and chunks', `${chunked}Content-Length: 1\r\n\r\n`, 'HPE_INVALID_CONTENT_LENGTH'],
  ['another coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n', 'HPE_INVALID_TRANSFER_ENCODING'],
  ['a size that is none', `${chunked}\r\nxyz\r\n`, 'HPE_INVALID_CHUNK_SIZE'],
  ['no size', `${chunked}\r\n\r\n`, 'HPE_INVALID_CHUNK_SIZE'],
  ['a size beyond counting', `${chunked}\r\nfffffffffffffff\r\n`, 'HPE_INVALID_CHUNK_SIZE'],
  ['a size that ends with a line feed', `${chunked}\r\n1\nx\r\n`, 'HPE_INVALID_CHUNK_SIZE'],
  ['a line feed in an extension', `${chunked}\r\n1;a\nx\r\n`, 'HPE_CR_EXPECTED'],
  ['a chunk that is longer', `${chunked}\r\n1\r\nxy\r\n`, 'HPE_STRICT'],
  ['an endless extension', `${chunked}\r\n1;${'a'.repeat(20_000)}`, 'HPE_CHUNK_EXTENSIONS_OVERFLOW'],
  ['an endless head', `HTTP/1.1 200 OK\r\nX-A: ${'b'.repeat(140_000)}`, 'HPE_HEADER_OVERFLOW'],
  ['too long a head', `HTTP/1.1 200 OK\r\nX-A: ${'b'.repeat(140_000)}\r\n\r\n`, 'HPE_HEADER_OVERFLOW'],
  ['endless trailers', `${chunked}\r\n0\r\nX-A: ${'b'.repeat(140_000)}`, 'HPE_HEADER_OVERFLOW'],
])('%s is refused, whole or byte by byte', (_name, text, code) => {
  expect(() => read(text)).toThrow(expect.objectContaining({ code }));
  const everywhere = Array.from({ length: Math.min(text.length, 2_000) }, (_, at) => at);
  expect(() => read(text, { cuts: everywhere })).toThrow(expect.objectContaining({ code }));
});

test.each([
  ['in the head', 'HTTP/1.1 200 OK\r\nContent-Le'],
  ['in the body', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell'],
  ['in a chunk', `${chunked}\r\n5\r\nhel`],
  ['behind the last chunk', `${chunked}\r\n5\r\nhello\r\n0\r\n`],
])('a connection that ends %s is no end', (_name, text) => {
  expect(read(text, { closes: true })).toMatchObject({ done: false, trailers: null });
});

test('a head of many pieces costs what it is long, and nothing is told after a stop', () => {
  const text = `HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(10_000)}\r\n`;
  const began = performance.now();
  expect(read(text, { closes: true, cuts: Array.from({ length: text.length }, (_, at) => at) }).headers).toHaveLength(
    20_000,
  );
  expect(performance.now() - began).toBeLessThan(5_000);

  const { heard, events } = listen();
  const reader = new ReplyReader('GET', { ...events, head: () => reader.stop() });
  reader.feed(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'));
  expect(heard).toMatchObject({ body: '', trailers: null });
  expect(reader.reusable).toBe(false);
});
