/** A scripted provider: a real HTTP server on a free port that answers as it is told, and remembers what it was sent. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface SeenRequest {
  method: string;
  url: string;
  /** Raw: name, value …. */
  headers: string[];
  body: Buffer;
}

export type Script = (seen: SeenRequest, response: ServerResponse, incoming: IncomingMessage) => unknown;

export interface ScriptedProvider {
  url: string;
  /** Requests whose body has arrived whole, in order. */
  seen: SeenRequest[];
  /** Connections that were made. */
  connections: number;
  server: Server;
  script: Script;
  close(): Promise<void>;
}

export async function startProvider(script: Script): Promise<ScriptedProvider> {
  const sockets = new Set<Socket>();
  const server = createServer({ maxHeaderSize: 256 * 1024, requestTimeout: 0 }, (incoming, response) => {
    response.sendDate = false;
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('error', () => undefined);
    incoming.on('end', () => {
      const seen: SeenRequest = {
        method: incoming.method ?? '',
        url: incoming.url ?? '',
        headers: incoming.rawHeaders,
        body: Buffer.concat(chunks),
      };
      provider.seen.push(seen);
      void Promise.resolve(provider.script(seen, response, incoming)).catch(() => response.destroy());
    });
  });
  server.on('connection', (socket) => {
    provider.connections++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const provider: ScriptedProvider = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    connections: 0,
    server,
    script,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return provider;
}

/** Answers with a JSON body. */
export function json(response: ServerResponse, body: unknown, status = 200): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/** A chat completion of OpenAI's with the given usage. */
export function chatCompletion(model = 'gpt-4o-mini', promptTokens = 12, completionTokens = 3): object {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_760_000_000,
    model,
    choices: [{ index: 0, message: { role: 'assistant', content: 'Hello there.' }, finish_reason: 'stop' }],
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
    },
  };
}

/** The chunks of a streamed chat completion, usage included, as SSE text. */
export function chatChunks(words: string[], model = 'gpt-4o-mini'): string[] {
  const chunk = (delta: object, finish: string | null): string =>
    `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_760_000_000, model, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  const usage = { prompt_tokens: 12, completion_tokens: words.length, total_tokens: 12 + words.length };
  return [
    chunk({ role: 'assistant', content: '' }, null),
    ...words.map((content) => chunk({ content }, null)),
    chunk({}, 'stop'),
    `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_760_000_000, model, choices: [], usage })}\n\n`,
    'data: [DONE]\n\n',
  ];
}
