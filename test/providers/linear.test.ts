/** Four times the bytes are four times the work, for every reader of a stream, whatever comes and however it is split. */
import { describe, expect, test } from 'vitest';
import { FrameReader } from '../../proxy/src/websocket/frames.ts';
import { BatchLines } from '../../proxy/src/providers/batch-lines.ts';
import { workOf } from '../support/work.ts';
import { chunkEvent, dialectOf, eventStream, readReply, readRequest } from './support.ts';

/** In large chunks beyond the size (256 KB) from which on a piece is no longer held. */
const sizes = { large: [300_000, 1_200_000], single: [15_000, 60_000] } as const;
/** Linear work has 4; reading everything again with each chunk, line or event would have 16. */
const mostGrowth = 5.5;
/** Work that does not depend on the size. */
const base = 20_000;

function* split(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** As many repetitions as come to `size` bytes. */
const times = (text: string, size: number): string => text.repeat(Math.ceil(size / text.length));

const chat = (text: string): string =>
  JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, delta: { content: text } }] });
const sse = (text: string): string => `data: ${chat(text)}\n\n`;

type Feed = (chunks: Iterable<Buffer>) => unknown;
const reply =
  (given: Parameters<typeof readReply>[1]): Feed =>
  (chunks) =>
    readReply(chunks, given);
const events = reply({ type: 'text/event-stream' });
const lines = reply({ type: 'application/x-ndjson', path: '/api/chat', provider: 'ollama' });
const messages = reply({
  type: 'application/vnd.amazon.eventstream',
  path: '/model/m/converse-stream',
  provider: 'bedrock',
});
const delta = (text: string): readonly [string, unknown] => ['contentBlockDelta', { delta: { text } }];
const repeated = (part: Buffer, size: number): Buffer =>
  Buffer.alloc(Math.ceil(size / part.length) * part.length, part);

const frames: Feed = (chunks) => {
  const reader = new FrameReader();
  for (const chunk of chunks) reader.read(chunk);
};
const batch: Feed = (chunks) => {
  const reader = new BatchLines('b', dialectOf('openai'), () => undefined);
  for (const chunk of chunks) reader.feed(chunk);
  reader.end();
};
const batchLine = `${JSON.stringify({ id: 'i', custom_id: 'c', response: { status_code: 200, body: { object: 'response' } } })}\n`;

const cases: readonly (readonly [name: string, feed: Feed, body: (size: number) => string | Buffer])[] = [
  ['events', events, (size) => times(sse('hello there'), size)],
  ['events with CRLF and comments', events, (size) => times(`: ping\r\n\r\nid: 1\r\ndata: ${chat('x')}\r\n\r\n`, size)],
  ['one event of many lines', events, (size) => `${times('data: "x",\n', size)}\n`],
  ['one event of one line', events, (size) => `${sse('x'.repeat(size))}`],
  ['a line without end', events, (size) => `data: ${'x'.repeat(size)}`],
  ['a comment without end', events, (size) => `: ${'x'.repeat(size)}`],
  ['line ends alone', events, (size) => `data: 1${'\r'.repeat(size)}`],
  ['events that are no JSON', events, (size) => times('data: {"a":\n\n', size)],
  ['lines', lines, (size) => times(`${JSON.stringify({ message: { content: 'hello' } })}\n`, size)],
  ['a line of JSON without end', lines, (size) => `{"a":"${'x'.repeat(size)}`],
  ['empty lines', lines, (size) => '\n'.repeat(size)],
  ['lines that are no JSON', lines, (size) => times('{"a":\n', size)],
  ['a document of many lines', lines, (size) => `{\n${times('"a":\n1,\n', size)}"b":2}`],
  ['messages', messages, (size) => repeated(eventStream([delta('hello there')]), size)],
  ['one message', messages, (size) => eventStream([delta('x'.repeat(size))])],
  ['messages of the model’s own', messages, (size) => repeated(eventStream([chunkEvent({ a: 'hello' })]), size)],
  ['a list of pieces', reply({ provider: 'google' }), (size) => `[${times('{"candidates":[]},', size)}{}]`],
  ['brackets', reply({}), (size) => '['.repeat(size)],
  ['a long string', reply({}), (size) => `{"choices":[{"message":{"content":"${'\\n'.repeat(size / 2)}"}}]}`],
  ['many names', reply({}), (size) => `{${times('"usage":{"x":1},', size)}"a":1}`],
  ['a request', (chunks) => readRequest(chunks), (size) => `{"messages":[${times('{"content":"hello"},', size)}{}]}`],
  ['frames', frames, (size) => repeated(Buffer.from([0x81, 5, 1, 2, 3, 4, 5]), size)],
  ['empty frames', frames, (size) => repeated(Buffer.from([0x81, 0]), size)],
  ['lines of a batch', batch, (size) => times(batchLine, size)],
];

describe.each([
  ['single bytes', sizes.single, 1],
  ['large chunks', sizes.large, 65_536],
] as const)('in %s', (_, [small, large], chunk) => {
  test.each(cases)('%s', (__, feed, body) => {
    const work = (size: number): number => {
      const chunks = [...split(Buffer.from(body(size)), chunk)];
      return workOf(() => void feed(chunks));
    };
    const [few, many] = [work(small), work(large)];
    expect(many).toBeLessThan(mostGrowth * few + base);
  });
});

test('work that grows with the square is seen', () => {
  const again = (size: number): number =>
    workOf(() => {
      let all = Buffer.alloc(0);
      for (let at = 0; at < size; at += 64) all = Buffer.concat([all, Buffer.alloc(64)]);
    });
  expect(again(80_000)).toBeGreaterThan(mostGrowth * again(20_000) + base);
});
