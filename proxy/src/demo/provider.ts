/** The demo's simulated provider: answers like OpenAI, Anthropic and Google, plain and streaming, slow and failing at times. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { answers, eventText, refusalOf, replyOf } from './replies.ts';
import { models, type DemoModel } from './world.ts';

const asked = z.object({ model: z.string().catch('gpt-5-mini'), stream: z.boolean().catch(false) });
export interface SimulatedProvider {
  url: string;
  close(): void;
}

export async function startSimulatedProvider(): Promise<SimulatedProvider> {
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on(
      'end',
      () => void answer(incoming.url ?? '', Buffer.concat(chunks), response).catch(() => response.destroy()),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(url: string, body: Buffer, response: ServerResponse): Promise<void> {
  const { model, stream } = asked.parse(parseJson(body));
  const operation = operationOf(url);
  await delay(120 + Math.random() * 500);
  if (Math.random() < 0.01) return json(response, 429, refusalOf(operation));
  const words = (answers[Math.floor(Math.random() * answers.length)] ?? '').split(/(?<= )/);
  const name = operation === 'generate_content' ? (/models\/([^:/]+)/.exec(url)?.[1] ?? model) : model;
  const full = models.find((known) => known.model === name)?.answers ?? name;
  const said = { model: full, words, input: Math.ceil(body.length / 4), output: words.length };
  const reply = replyOf(operation, said, Date.now());
  if (!stream && !url.includes('stream')) return json(response, 200, reply.plain);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const event of reply.events) {
    response.write(eventText(event));
    await delay(15 + Math.random() * 30);
  }
  response.end();
}

function operationOf(url: string): DemoModel['operation'] {
  if (url.includes('/messages')) return 'messages';
  return url.includes('enerateContent') ? 'generate_content' : 'chat';
}

function json(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    .end(text);
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return {};
  }
}
