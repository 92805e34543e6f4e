/** Connections to providers: used again where that is sound, never where an answer could be taken for another call's. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeCertificate } from '../support/certificate.ts';
import { until, within } from '../support/deadline.ts';
import { rawRequest, type RawResponse } from '../support/http.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

/** A provider that writes what it is told to, byte for byte. */
class RawProvider {
  /** One for each connection: the requests that came over it. */
  connections: { socket: Socket; requests: number; text: string }[] = [];
  answer: (socket: Socket, request: number) => void = (socket) => socket.write(reply('ok'));

  /** Ends all connections, and forgets them. */
  async endAll(): Promise<void> {
    const open = this.connections.splice(0).filter(({ socket }) => !socket.destroyed);
    await Promise.all(open.map(({ socket }) => new Promise((resolve) => socket.on('close', resolve).destroy())));
    // Their ends have arrived at Weir: it has read them when it has answered once more.
    await fetch(`${weir.proxy.url}/weir/health`);
  }

  take(socket: Socket): void {
    const connection = { socket, requests: 0, text: '' };
    this.connections.push(connection);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      connection.text += chunk.toString('latin1');
      // Every request of these tests ends with its question, or with its last chunk.
      if (!connection.text.endsWith(question) && !connection.text.endsWith('0\r\n\r\n')) return;
      this.answer(socket, connection.requests++);
    });
  }
}

const question = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hi' }] });

function reply(body: string, headers = ''): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`;
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const provider = new RawProvider();
const server = createServer((socket) => provider.take(socket));
const secure = new RawProvider();
const home = mkdtempSync(join(tmpdir(), 'weir-certificate-'));
const certificate = makeCertificate();
const secureServer = createTlsServer(certificate, (socket) => secure.take(socket));
let weir: TestWeir;

beforeAll(async () => {
  const ca = join(home, 'ca.pem');
  writeFileSync(ca, certificate.cert);
  const upstreams = {
    openai: `http://${await listen(server)}`,
    groq: `https://localhost:${(await listen(secureServer)).split(':')[1]}`,
  };
  weir = await startWeir(upstreams, { NODE_EXTRA_CA_CERTS: ca });
});
beforeEach(async () => {
  provider.answer = (socket) => socket.write(reply('ok'));
  await provider.endAll();
});
afterAll(async () => {
  expect(weir.proxy.log).toEqual([]);
  await weir.stop();
  for (const { socket } of [...provider.connections, ...secure.connections]) socket.destroy();
  server.close();
  secureServer.close();
  rmSync(home, { recursive: true, force: true });
});

function ask(place = 'openai'): Promise<RawResponse> {
  return rawRequest(weir.proxy.url, { path: `/${place}/v1/chat/completions`, body: question });
}

/** Asks one after the other. */
async function answers(count: number): Promise<string[]> {
  const got: string[] = [];
  for (let made = 0; made < count; made++) got.push((await ask()).body.toString());
  return got;
}

test('one connection serves call after call, also over TLS', async () => {
  expect(await answers(5)).toEqual(Array(5).fill('ok'));
  expect(provider.connections.map(({ requests }) => requests)).toEqual([5]);

  secure.answer = (socket, request) => socket.write(reply(`secure ${request}`));
  for (const expected of [0, 1, 2]) expect((await ask('groq')).body.toString()).toBe(`secure ${expected}`);
  expect(secure.connections).toHaveLength(1);
});

test('no connection is used again after a last reply, a body without a length, or a byte too many', async () => {
  const endings: [string, (socket: Socket) => void][] = [
    ['close', (socket) => socket.write(reply('ok', 'Connection: close\r\n'))],
    ['a short life', (socket) => socket.write(reply('ok', 'Keep-Alive: timeout=1\r\n'))],
    ['no length', (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nok')],
    ['a second reply', (socket) => socket.write(reply('ok') + reply('nobody asked'))],
    ['HTTP/1.0', (socket) => socket.write(reply('ok').replace('1.1', '1.0'))],
  ];
  for (const [name, answer] of endings) {
    provider.answer = answer;
    expect(await answers(3), name).toEqual(['ok', 'ok', 'ok']);
    expect(
      provider.connections.map(({ requests }) => requests),
      name,
    ).toEqual([1, 1, 1]);
    await provider.endAll();
  }
});

test('what comes when nobody has asked is never the answer to the next call', async () => {
  for (const poison of [reply('forged'), 'x', 'HTTP/1.1 200 OK\r\n']) {
    await provider.endAll();
    expect(await answers(1)).toEqual(['ok']);
    const [first] = provider.connections;
    const closed = new Promise((resolve) => first?.socket.on('close', resolve));
    first?.socket.write(poison);
    await within(5_000, 'the connection is given up', closed);
    expect(await answers(1)).toEqual(['ok']);
    expect(provider.connections).toHaveLength(2);
  }
});

test('a provider that closes what nobody uses does no harm to the next call, whenever it comes', async () => {
  // As long as a connection rests before it is looked at once more, and shorter.
  for (const rest of [0, 300, 1_200]) {
    await provider.endAll();
    expect(await answers(1)).toEqual(['ok']);
    if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
    const [first] = provider.connections;
    const ended = new Promise((resolve) => first?.socket.on('close', resolve));
    first?.socket.end();
    await within(5_000, 'its end', ended);
    expect(await answers(2)).toEqual(['ok', 'ok']);
    expect(provider.connections.map(({ requests }) => requests)).toEqual([1, 2]);
  }
});

test('many calls at once have a connection each, and keep them', async () => {
  const waiting: Socket[] = [];
  provider.answer = (socket) => void waiting.push(socket);
  const asked = Array.from({ length: 50 }, () => ask());
  await until(20_000, 'all are asked', () => (waiting.length === 50 ? true : undefined));
  for (const [index, socket] of waiting.entries()) socket.write(reply(`answer ${index}`));
  const got = (await Promise.all(asked)).map(({ body }) => body.toString());
  expect(new Set(got).size).toBe(50);
  const before = provider.connections.length;
  provider.answer = (socket) => socket.write(reply('ok'));
  expect((await Promise.all(Array.from({ length: 50 }, () => ask()))).map(({ body }) => body.toString())).toEqual(
    Array(50).fill('ok'),
  );
  expect(provider.connections.length).toBe(before);
});

test('a reply that is no HTTP is a 502 that names what was wrong, and the connection is not used again', async () => {
  provider.answer = (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!');
  const got = await ask();
  expect(got.status).toBe(502);
  const { error_type } = await weir.request(got.header('weir-id') ?? '');
  expect(error_type).toBe('network:HPE_UNEXPECTED_CONTENT_LENGTH');
  provider.answer = (socket) => socket.write(reply('ok'));
  expect(await answers(1)).toEqual(['ok']);
  expect(provider.connections.map(({ requests }) => requests)).toEqual([1, 1]);
});

test('an upload without a length is passed on in chunks, and one that is answered early costs the connection', async () => {
  const url = new URL(weir.proxy.url);
  const upload = (): { socket: Socket; text: () => string } => {
    const socket = connect({ host: url.hostname, port: Number(url.port) });
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.write(`POST /openai/v1/files HTTP/1.1\r\nHost: ${url.host}\r\nTransfer-Encoding: chunked\r\n\r\n`);
    return { socket, text: () => text };
  };
  const whole = upload();
  for (const piece of ['hello', ' world']) {
    whole.socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    await until(5_000, `${piece} has arrived`, () => provider.connections.at(-1)?.text.includes(piece) || undefined);
  }
  whole.socket.write('0\r\n\r\n');
  await until(5_000, 'an answer', () => whole.text().endsWith('ok') || undefined);
  expect(provider.connections[0]?.text).toMatch(/transfer-encoding: chunked/i);
  expect(provider.connections[0]?.text).toContain('5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n');
  whole.socket.destroy();

  await provider.endAll();
  const early = upload();
  early.socket.write('5\r\nhello\r\n');
  const [first] = await until(5_000, 'it has begun', () =>
    provider.connections.length > 0 ? provider.connections : undefined,
  );
  const closed = new Promise((resolve) => first?.socket.on('close', resolve));
  first?.socket.write(reply('early'));
  await until(5_000, 'the early answer', () => early.text().endsWith('early') || undefined);
  await within(5_000, 'the connection is given up', closed);
  expect(await answers(1)).toEqual(['ok']);
  early.socket.destroy();
});

test('a provider whose certificate nobody knows is not talked to', async () => {
  const other = createTlsServer(makeCertificate(), (socket) => socket.end(reply('forged')));
  const origin = `https://localhost:${(await listen(other)).split(':')[1]}`;
  const wary = await startWeir({ openai: origin });
  const got = await rawRequest(wary.proxy.url, { path: '/openai/v1/chat/completions', body: question });
  expect(got.status).toBe(502);
  expect((await wary.request(got.header('weir-id') ?? '')).error_type).toMatch(/^network:.*(CERT|SELF_SIGNED)/);
  await wary.stop();
  other.close();
});
