/** WebSockets pass as they are, and leave a row for each response; one where there is none. */
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import type { RequestRow } from '@weir/schema/records';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { until, within } from '../support/deadline.ts';
import { startProvider, type ScriptedProvider } from '../support/provider.ts';
import {
  connectionsOf,
  differences,
  hasSessions,
  pathOf,
  readSessions,
  type Frame,
  type Session,
} from '../support/realtime.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
let server: WebSocketServer;
/** What the provider does with a connection. */
let serve: (socket: WebSocket) => unknown;
beforeAll(async () => {
  provider = await startProvider((_, response) => response.end());
  weir = await startWeir(Object.fromEntries(['openai', 'azure', 'google', 'xai'].map((name) => [name, provider.url])), {
    WEIR_CORS_ORIGINS: 'https://app.example',
  });
});
beforeEach(() => {
  serve = (socket) => socket.on('message', (data, binary) => socket.send(data, { binary }));
  server = new WebSocketServer({ server: provider.server, perMessageDeflate: { threshold: 0 } });
  server.on('connection', (socket) => serve(socket));
});
afterEach(() => server.close());
afterAll(async () => {
  await weir.stop();
  await provider.close();
});

interface Client {
  socket: WebSocket;
  id: string;
  headers: Record<string, string | string[] | undefined>;
}

/** Connects. Nothing is heard before `resume()`: what the provider says at once must not be missed. */
async function open(path: string, headers: Record<string, string> = {}, perMessageDeflate = false): Promise<Client> {
  const socket = new WebSocket(`${weir.proxy.url.replace('http', 'ws')}${path}`, ['realtime'], {
    headers,
    perMessageDeflate: perMessageDeflate ? { threshold: 0 } : false,
  });
  socket.on('error', () => undefined);
  socket.on('open', () => socket.pause());
  const upgraded = once(socket, 'upgrade');
  await within(10_000, 'the connection is open', once(socket, 'open'));
  const [response] = (await upgraded) as [{ headers: Client['headers'] }];
  return { socket, id: String(response.headers['weir-id']), headers: response.headers };
}

/** Plays the frames of one side in their order, waiting for each of the other's. @returns what it was sent. */
function play(socket: WebSocket, frames: readonly Frame[], side: 'sent' | 'received'): Promise<string[]> {
  const got: string[] = [];
  let at = 0;
  return new Promise((resolve) => {
    const next = (): void => {
      for (; at < frames.length; at++) {
        const frame = frames[at];
        if (frame?.kind === 'close') {
          if (side === 'received') socket.close(frame.code, frame.reason);
        } else if (frame?.direction === side) socket.send(frame.text);
        else return;
      }
      resolve(got);
    };
    socket.on('message', (data) => {
      got.push((data as Buffer).toString());
      at++;
      next();
    });
    next();
    socket.resume();
  });
}

const texts = (frames: readonly Frame[], direction: string): string[] =>
  frames.flatMap((frame) => (frame.kind === 'message' && frame.direction === direction ? [frame.text] : []));

/** Plays a recorded session through Weir, and compares every message on both sides. */
async function playSession(session: Session, name: string, compressed: boolean): Promise<void> {
  for (const frames of connectionsOf(session)) {
    const served = new Promise<string[]>((resolve) => (serve = (socket) => resolve(play(socket, frames, 'received'))));
    const { socket } = await open(pathOf(session.provider), { 'Weir-Session': name }, compressed);
    const closed = once(socket, 'close');
    const got = await within(20_000, `the frames of ${name}`, play(socket, frames, 'sent'));
    expect(got).toEqual(texts(frames, 'received'));
    expect(await within(20_000, 'what the provider got', served)).toEqual(texts(frames, 'sent'));
    socket.close();
    await within(10_000, 'the end', closed);
  }
}

async function sessionRows(session: string, count: number, operation = 'realtime'): Promise<RequestRow[]> {
  return until(90_000, `${count} rows of ${session}`, async () => {
    const rows = await weir.query<RequestRow>(
      `SELECT * FROM requests WHERE session_id = '${session}' AND operation = '${operation}' ORDER BY started_at`,
    );
    return rows.length >= count ? rows : undefined;
  });
}

const created = (id: string): string => JSON.stringify({ type: 'response.created', response: { id } });
const done = (id: string): string =>
  JSON.stringify({
    type: 'response.done',
    response: { id, status: 'completed', output: [], usage: { input_tokens: 100, output_tokens: 10 } },
  });

test('frames are relayed as they are, and a connection without a response leaves one row', async () => {
  const { socket, id, headers } = await open(pathOf('openai'), { origin: 'https://app.example' });
  const echo = once(socket, 'message');
  socket.resume();
  socket.send('{"type":"ping"}');
  const [data] = (await within(5_000, 'an echo', echo)) as [Buffer];
  expect(data.toString()).toBe('{"type":"ping"}');
  socket.close();
  const row = await weir.request(id);
  expect(row).toMatchObject({ operation: 'realtime', status: 101, outcome: 'ok', session_id: id });
  expect(row.request_model).toBe('gpt-realtime');
  expect(await weir.body(id)).toMatchObject({ request: '{"type":"ping"}\n', response: '{"type":"ping"}\n' });
  // Weir's own headers, as on every answer.
  expect(headers['weir-provider']).toBe('openai');
  expect(headers['server-timing']).toContain('weir;dur=');
  expect(headers['access-control-allow-origin']).toBe('https://app.example');
});

describe.skipIf(!hasSessions)('every recorded session passes, and each of its responses has a row', () => {
  const sessions = hasSessions ? readSessions() : [];
  for (const [index, session] of sessions.entries()) {
    const compressed = index % 3 === 0;
    test(`${session.id}${compressed ? ' (compressed)' : ''}`, async () => {
      const name = `session-${index}`;
      await playSession(session, name, compressed);
      const { statuses, usage_events } = session.expect;
      const rows = await sessionRows(name, Math.max(statuses.length, usage_events));
      expect(differences(session, rows)).toEqual([]);
      for (const row of rows) {
        expect(row).toMatchObject({ operation: 'realtime', status: 101, outcome: 'ok', streamed: true, warnings: [] });
        expect(row.usage_source).toBe('provider');
        const [attempt] = await weir.attempts(row.request_id);
        expect(attempt).toMatchObject({ input_tokens: row.input_tokens, cost_usd: row.cost_usd });
      }
      const kept = await Promise.all(rows.map(({ request_id }) => weir.body(request_id)));
      const received = connectionsOf(session).flatMap((frames) => texts(frames, 'received'));
      // What came after the last response belongs to none.
      expect(`${received.join('\n')}\n`.startsWith(kept.map(({ response }) => response).join(''))).toBe(true);
    });
  }

  test('at the price of its model', async () => {
    const index = sessions.findIndex(({ id }) => id.endsWith('test_openai_ws/test_tool_call_round'));
    const [row] = await sessionRows(`session-${index}`, 2);
    // gpt-realtime: $4 for a million tokens in, $0.40 cached, $16 out: platform.openai.com/docs/pricing
    expect(row).toMatchObject({ request_model: 'gpt-realtime', cost_usd: '0.000604' });
  });
});

test('what the user said is written down at the price of the model that does it', async () => {
  const transcribed = (usage: object): string =>
    JSON.stringify({ type: 'conversation.item.input_audio_transcription.completed', transcript: 'Hello.', usage });
  const session = (model: string): string =>
    JSON.stringify({ type: 'session.updated', session: { audio: { input: { transcription: { model } } } } });
  const tokens = { type: 'tokens', input_tokens: 110, output_tokens: 20, input_token_details: { audio_tokens: 100 } };
  const said = [
    session('whisper-1'),
    created('a'),
    transcribed({ type: 'duration', seconds: 3 }),
    session('gpt-4o-transcribe'),
    transcribed(tokens),
    session('nobody-knows'),
    transcribed(tokens),
    done('a'),
  ];
  serve = (socket) => said.forEach((text) => socket.send(text));
  const { socket, id } = await open(pathOf('openai'));
  let heard = 0;
  socket.on('message', () => ++heard === said.length && socket.close());
  socket.resume();
  await within(10_000, 'the end', once(socket, 'close'));
  const rows = await sessionRows(id, 3, 'audio');
  const told = rows.map((row) => [row.response_model, row.input_tokens, row.cost_usd]);
  expect(told).toHaveLength(3);
  // 3 seconds at $0.36 an hour; 100 × $6 + 10 × $2.50 + 20 × $10 for a million: platform.openai.com/docs/pricing
  expect(told).toEqual(
    expect.arrayContaining([
      ['whisper-1', null, '0.0003'],
      ['gpt-4o-transcribe', 110, '0.000825'],
      ['nobody-knows', 110, null],
    ]),
  );
  expect(rows[0]).toMatchObject({ status: 101, outcome: 'ok', request_bytes: null, response_bytes: null });
  const [response] = await sessionRows(id, 1);
  expect(response).toMatchObject({ input_tokens: 100, output_tokens: 10 });
  // The messages are all with the response.
  expect((await weir.body(response?.request_id ?? '')).response).toBe(`${said.join('\n')}\n`);
});

test('a connection that is refused: the client has the provider’s answer, the row its error', async () => {
  server.close();
  provider.server.once('upgrade', (_, socket) => {
    const body = '{"error":{"type":"invalid_request_error","message":"No such key."}}';
    socket.end(
      `HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n` +
        `Weir-Id: forged\r\nAccess-Control-Allow-Origin: *\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    );
  });
  const url = new URL(weir.proxy.url);
  const socket = connectSocket(Number(url.port), url.hostname);
  socket.write(
    `GET /openai/v1/realtime HTTP/1.1\r\nHost: ${url.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  await within(10_000, 'the answer', once(socket, 'close'));
  const [head = '', body] = Buffer.concat(parts).toString().split('\r\n\r\n');
  expect(head).toMatch(/^HTTP\/1\.1 401 /);
  expect(head).not.toMatch(/transfer-encoding|access-control|forged/i);
  expect(body).toBe('{"error":{"type":"invalid_request_error","message":"No such key."}}');
  const id = /^weir-id: (.*)$/im.exec(head)?.[1]?.trim() ?? '';
  expect(await weir.request(id)).toMatchObject({
    status: 401,
    outcome: 'client_error',
    error_type: 'invalid_request_error',
    error_message: 'No such key.',
  });
});

test('what goes wrong outside of a response is the connection’s', async () => {
  serve = (socket) => {
    socket.send('{"type":"error","error":{"type":"invalid_request_error","message":"No such session."}}');
    socket.close(1011, 'internal');
  };
  const { socket, id } = await open(pathOf('openai'));
  const closed = once(socket, 'close');
  socket.resume();
  await within(10_000, 'the end', closed);
  expect(await weir.request(id)).toMatchObject({
    outcome: 'provider_error',
    error_type: 'invalid_request_error',
    error_message: 'No such session.',
  });
});

test('what was odd about the handshake is told by every row of the connection', async () => {
  serve = (socket) => [created('a'), done('a'), created('b'), done('b')].forEach((text) => socket.send(text));
  const { socket, id } = await open(pathOf('openai'), { 'Helicone-Nonsense': '1' });
  let heard = 0;
  socket.on('message', () => ++heard === 4 && socket.close());
  socket.resume();
  await within(10_000, 'the end', once(socket, 'close'));
  for (const row of await sessionRows(id, 2)) expect(row.warnings).toEqual(['ignored_header:helicone-nonsense']);
});

test('a response that its client left is a row without usage', async () => {
  // The second begins when it is asked for: two that begin in the same chunk have no order.
  serve = (socket) => {
    for (const text of [created('a'), done('a')]) socket.send(text);
    socket.on('message', () => socket.send(created('b')));
  };
  const { socket, id } = await open(pathOf('openai'));
  let heard = 0;
  await within(
    10_000,
    'three messages',
    new Promise<void>((resolve) => {
      socket.on('message', () => {
        heard++;
        if (heard === 2) socket.send('{}');
        else if (heard === 3) resolve();
      });
      socket.resume();
    }),
  );
  socket.terminate();
  const rows = await sessionRows(id, 2);
  expect(rows.map((row) => [row.outcome, row.usage_source, row.finish_reasons])).toEqual([
    ['ok', 'provider', ['completed']],
    ['cancelled', 'none', []],
  ]);
  // The first has the id that the client was given.
  expect(rows[0]?.request_id).toBe(id);
});

test('kill -9: finished responses keep their rows, the connection comes back as interrupted, and none twice', async () => {
  serve = (socket) => socket.on('message', (data) => socket.send(done((data as Buffer).toString())));
  const { socket, id } = await open(pathOf('openai'), { 'Weir-Session': 'killed' });
  const silent = await open(pathOf('openai'), { 'Weir-Session': 'killed' });
  socket.resume();
  for (const name of ['a', 'b', 'c']) {
    const answer = once(socket, 'message');
    socket.send(name);
    await within(5_000, 'an answer', answer);
  }
  await sessionRows('killed', 3);
  await weir.proxy.kill();
  await weir.restartProxy();
  const rows = await sessionRows('killed', 5);
  expect(rows.map((row) => row.outcome).sort()).toEqual(['interrupted', 'interrupted', 'ok', 'ok', 'ok']);
  expect(rows.find((row) => row.request_id === silent.id)?.outcome).toBe('interrupted');
  expect(rows.find((row) => row.request_id === id)?.outcome).toBe('ok');
  // A second death in the middle of nothing brings nothing back.
  await weir.proxy.kill();
  await weir.restartProxy();
  const again = await open(pathOf('openai'), { 'Weir-Session': 'after' });
  again.socket.resume();
  again.socket.close();
  await sessionRows('after', 1);
  expect(await sessionRows('killed', 5)).toHaveLength(5);
});
