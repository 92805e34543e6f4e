/** Promise 1 at its limits: replies and requests of any size, and a thousand streams at once, in bounded memory. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Chunks } from '../../proxy/src/body.ts';
import { until } from '../support/deadline.ts';
import { chatChunks, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await startProvider((_, response) => response.end('ok'));
  weir = await startWeir({ openai: provider.url });
});
afterAll(async () => {
  await weir.stop();
  await provider.close();
});

const MB = 1024 * 1024;

/** Watches the proxy's resident memory. @returns by how many MB it grew at most. */
function watchMemory(): () => number {
  const read = (): number =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${weir.proxy.child.pid}/status`, 'utf8'))?.[1]) / 1024;
  const before = read();
  let highest = before;
  const timer = setInterval(() => (highest = Math.max(highest, read())), 50);
  return () => {
    clearInterval(timer);
    return highest - before;
  };
}

/** A JSON document around `size` bytes of text, in pieces. */
function* document(head: string, size: number, tail: string): Generator<Buffer> {
  yield Buffer.from(head);
  const piece = Buffer.from('All work and no play makes for long replies. '.repeat(1456));
  for (let left = size; left > 0; left -= piece.length) yield left < piece.length ? piece.subarray(0, left) : piece;
  yield Buffer.from(tail);
}

function post(path: string, headers: Record<string, string>, body: Readable, agent?: Agent): Promise<IncomingMessage> {
  const { hostname, port } = new URL(weir.proxy.url);
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      { hostname, port, path, method: 'POST', headers: { 'content-type': 'application/json', ...headers }, agent },
      resolve,
    );
    outgoing.on('error', reject);
    pipeline(body, outgoing).catch(reject);
  });
}

test('a request of 30 MB and a reply of 200 MB: every byte, the model and the usage, in bounded memory', async () => {
  const question = (): Generator<Buffer> =>
    document('{"messages":[{"role":"user","content":"', 30 * MB, '"}],"model":"gpt-4o-mini"}');
  const reply = (): Generator<Buffer> =>
    document(
      '{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":"',
      200 * MB,
      '"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7000000,"completion_tokens":45000000,"total_tokens":52000000}}',
    );
  const digest = (pieces: Iterable<Buffer>): string => {
    const hash = createHash('sha256');
    for (const piece of pieces) hash.update(piece);
    return hash.digest('hex');
  };
  provider.script = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    return pipeline(Readable.from(reply()), response);
  };
  provider.seen.length = 0;
  const grown = watchMemory();
  const response = await post('/openai/v1/chat/completions', {}, Readable.from(question()));
  const hash = createHash('sha256');
  for await (const chunk of response) hash.update(chunk as Buffer);
  expect(hash.digest('hex')).toBe(digest(reply()));
  expect(digest([provider.seen[0]?.body ?? Buffer.alloc(0)])).toBe(digest(question()));

  const id = String(response.headers['weir-id']);
  const row = await weir.request(id);
  const megabytes = grown();
  console.log(`30 MB up, 200 MB down: the proxy grew by ${megabytes.toFixed(0)} MB`);
  expect(row).toMatchObject({
    outcome: 'ok',
    request_model: 'gpt-4o-mini',
    response_model: 'gpt-4o-mini-2024-07-18',
    input_tokens: 7_000_000,
    output_tokens: 45_000_000,
    usage_source: 'provider',
    finish_reasons: ['stop'],
  });
  expect(Number(row.response_bytes)).toBeGreaterThan(200 * MB);
  expect(row.request_hash).not.toBe('0');
  const body = await weir.body(id);
  expect(body.response_truncated).toBe(true);
  expect(megabytes).toBeLessThan(200);
});

test('the same request asked again has the same hash, however it is cut', async () => {
  provider.script = (_, response) => response.end('{"model":"gpt-4o-mini"}');
  const hashes: string[] = [];
  for (const size of [1_000, 65_536]) {
    const whole = Buffer.concat([...document('{"model":"gpt-4o-mini","messages":[{"content":"', MB, '"}]}')]);
    const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, i) =>
      whole.subarray(i * size, i * size + size),
    );
    const response = await post('/openai/v1/chat/completions', {}, Readable.from(pieces));
    response.resume();
    hashes.push((await weir.request(String(response.headers['weir-id']))).request_hash);
  }
  expect(hashes[0]).toBe(hashes[1]);
});

test('a thousand streams at once: none is broken, each is recorded', { timeout: 240_000 }, async () => {
  const count = 1_000;
  const chunks = chatChunks(['one ', 'two ', 'three ', 'four ']);
  const waiting: (() => void)[] = [];
  provider.script = async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(chunks[0]);
    // All of them are open before any goes on.
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (waiting.length === count) for (const go of waiting) go();
    });
    for (const chunk of chunks.slice(1)) {
      response.write(chunk);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    response.end();
  };
  const grown = watchMemory();
  const agent = new Agent({ keepAlive: true, maxSockets: count });
  const body = JSON.stringify({ model: 'gpt-4o-mini', stream: true, messages: [{ role: 'user', content: 'Count.' }] });
  const ids = await Promise.all(
    Array.from({ length: count }, async () => {
      const response = await post(
        '/openai/v1/chat/completions',
        { 'content-length': String(body.length), 'weir-session': 'thousand' },
        Readable.from([Buffer.from(body)]),
        agent,
      );
      const parts: Buffer[] = [];
      for await (const part of response) parts.push(part as Buffer);
      expect(Buffer.concat(parts).toString()).toBe(chunks.join(''));
      return String(response.headers['weir-id']);
    }),
  );
  const megabytes = grown();
  agent.destroy();
  console.log(
    `1,000 streams: the proxy grew by ${megabytes.toFixed(0)} MB, ${((megabytes * 1024) / count).toFixed(0)} KB a stream`,
  );
  const rows = await until(120_000, 'all rows are there', async () => {
    const found = await weir.query<{ request_id: string; output_tokens: number; outcome: string }>(
      `SELECT request_id, output_tokens, outcome FROM requests WHERE session_id = 'thousand'`,
    );
    return found.length >= count ? found : undefined;
  });
  expect(new Set(rows.map(({ request_id }) => request_id))).toEqual(new Set(ids));
  expect(rows.filter(({ outcome, output_tokens }) => outcome !== 'ok' || Number(output_tokens) !== 4)).toEqual([]);
  expect(megabytes).toBeLessThan(200);
});

test('a body that is held takes its own size, however small the pieces in which it comes', () => {
  const chunks = new Chunks();
  const pieces = Array.from({ length: 100_000 }, (_, index) => Buffer.from([index % 251]));
  for (const piece of pieces) chunks.push(piece);
  chunks.push(Buffer.alloc(10_000, 1));
  chunks.push(Buffer.from('end'));
  expect(chunks.list.length).toBeLessThan(40);
  expect(chunks.length).toBe(110_003);
  expect(
    Buffer.concat(chunks.list).equals(Buffer.concat([...pieces, Buffer.alloc(10_000, 1), Buffer.from('end')])),
  ).toBe(true);
});
