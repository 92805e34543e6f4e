/** WebSockets pass as they are. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { within } from '../support/deadline.ts';
import { startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await startProvider((_, response) => response.end());
  weir = await startWeir({ openai: provider.url });
});
afterAll(async () => {
  await weir.stop();
  await provider.close();
});

test('WebSocket frames are relayed as they are, and the connection leaves one row', async () => {
  const server = new WebSocketServer({ server: provider.server });
  server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
  const client = new WebSocket(`${weir.proxy.url.replace('http', 'ws')}/openai/v1/realtime?model=gpt-realtime`, [
    'realtime',
  ]);
  const upgraded = new Promise<string>((resolve) => {
    client.on('upgrade', (response) => resolve(String(response.headers['weir-id'])));
  });
  const opened = new Promise((resolve) => client.on('open', resolve));
  const echo = new Promise<string>((resolve) => client.on('message', (data) => resolve((data as Buffer).toString())));
  await within(5_000, 'the connection is open', opened);
  const id = await upgraded;
  client.send('{"type":"ping"}');
  expect(await within(5_000, 'an echo', echo)).toBe('{"type":"ping"}');
  client.close();
  const row = await weir.request(id);
  expect([row.operation, row.status, row.outcome]).toEqual(['realtime', 101, 'ok']);
  server.close();
});
