/** The recorded WebSocket sessions beside the project, and what must be read from each. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { asObject } from '@weir/proxy/src/json/value.ts';
import { UNKNOWN_USAGE } from '@weir/proxy/src/providers/facts.ts';
import { Conversation, type Spoken } from '@weir/proxy/src/providers/realtime/conversation.ts';
import { realtimeFormatOf } from '@weir/proxy/src/providers/realtime/formats.ts';
import type { Cell } from '../providers/judge.ts';

const FILE = fileURLToPath(new URL('../../../shared/traffic/realtime-ws.jsonl.gz', import.meta.url));
export const hasSessions = existsSync(FILE);

const count = z.number().nullish();
const usage = z.object({
  input_tokens: count,
  output_tokens: count,
  cached_input_tokens: count,
  input_audio_tokens: count,
  output_audio_tokens: count,
});
const gemini = z.object({
  promptTokenCount: z.number(),
  candidatesTokenCount: count,
  responseTokenCount: count,
  thoughtsTokenCount: count,
});
const frame = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('message'), direction: z.enum(['sent', 'received']), text: z.string() }),
  z.object({ kind: z.literal('close'), code: z.number(), reason: z.string() }),
]);
const session = z.object({
  id: z.string(),
  provider: z.string(),
  frames: z.array(frame),
  expect: z.object({
    model: z.string(),
    statuses: z.array(z.string()),
    tool_calls: z.number(),
    usage_events: z.number(),
    summed_usage: usage.nullable(),
    last_usage_metadata: gemini.nullable(),
  }),
});
export type Session = z.infer<typeof session>;
export type Frame = z.infer<typeof frame>;

export function readSessions(): Session[] {
  const lines = gunzipSync(readFileSync(FILE)).toString('utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => session.parse(JSON.parse(line)));
}

/** The frames of each connection: a recording goes on in a new one after it was closed. */
export function connectionsOf({ frames }: Session): Frame[][] {
  const connections: Frame[][] = [[]];
  for (const one of frames) {
    connections.at(-1)?.push(one);
    if (one.kind === 'close') connections.push([]);
  }
  return connections.filter((all) => all.length > 0);
}

const PATHS: Readonly<Record<string, string>> = {
  openai: '/openai/v1/realtime?model=gpt-realtime',
  azure: '/azure/my-resource/openai/realtime?api-version=2025-04-01-preview&deployment=gpt-realtime',
  xai: '/xai/v1/realtime?model=grok-voice-latest',
  google: '/google/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent',
};

/** Where a client of Weir connects for a session of this provider. */
export function pathOf(provider: string): string {
  const path = PATHS[provider];
  if (path === undefined) throw new Error(`no realtime path of ${provider}`);
  return path;
}

/** What one response was read as, by the names of the columns. */
export interface ReadResponse {
  readonly response_model: string;
  readonly finish_reasons: readonly string[];
  readonly tool_calls: number;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly cache_read_tokens: number | null;
  readonly input_audio_tokens: number | null;
  readonly output_audio_tokens: number | null;
  readonly reasoning_tokens: number | null;
}

/** Compares the responses of a session with what the recording is known to say. */
export function judgeSession({ expect }: Session, read: readonly ReadResponse[]): Cell[] {
  const sum = (of: (one: ReadResponse) => number | null): number => read.reduce((all, one) => all + (of(one) ?? 0), 0);
  const cells: [string, unknown, unknown][] = [
    ['row', Math.max(expect.statuses.length, expect.usage_events), read.length],
    ['model', [expect.model], [...new Set(read.map((one) => one.response_model))]],
    ['finish', expect.statuses, read.flatMap((one) => one.finish_reasons)],
    ['tools', expect.tool_calls, sum((one) => one.tool_calls)],
  ];
  const summed = expect.summed_usage;
  if (summed !== null) {
    cells.push(
      ['input', summed.input_tokens, sum((one) => one.input_tokens)],
      ['output', summed.output_tokens, sum((one) => one.output_tokens)],
      ['cached', summed.cached_input_tokens, sum((one) => one.cache_read_tokens)],
      ['audio_in', summed.input_audio_tokens, sum((one) => one.input_audio_tokens)],
      ['audio_out', summed.output_audio_tokens, sum((one) => one.output_audio_tokens)],
    );
  }
  const last = expect.last_usage_metadata;
  if (last !== null) {
    const thoughts = last.thoughtsTokenCount ?? 0;
    const written = (last.candidatesTokenCount ?? last.responseTokenCount ?? 0) + thoughts;
    cells.push(
      ['input', last.promptTokenCount, read.at(-1)?.input_tokens],
      ['output', written, read.at(-1)?.output_tokens],
      ['reasoning', thoughts, read.at(-1)?.reasoning_tokens ?? 0],
    );
  }
  return cells.map(([name, ...pair]) => {
    const [expected, actual] = pair.map((value) => JSON.stringify(value));
    return { name, expected, actual, right: expected === actual };
  });
}

/** What a session was read wrong in. */
export function differences(session: Session, read: readonly ReadResponse[]): Cell[] {
  return judgeSession(session, read).filter((cell) => !cell.right);
}

/** Reads the messages of a session, without sockets. @returns its responses. */
export function readSession(session: Session): Spoken[] {
  const path = pathOf(session.provider).split('?')[0] ?? '';
  const spoken = connectionsOf(session).flatMap((frames) => {
    const conversation = new Conversation(realtimeFormatOf(path));
    return frames.flatMap((one, at) => {
      const message = one.kind === 'message' ? asObject(JSON.parse(one.text)) : null;
      if (one.kind === 'close' || message === null) return [];
      if (one.direction === 'received') return conversation.received(message, at);
      conversation.sent(message, at);
      return [];
    });
  });
  return spoken.filter(({ kind }) => kind === 'response');
}

/** A response that was read, by the names of its columns. */
export function columnsOf({ reply }: Spoken): ReadResponse {
  return {
    ...UNKNOWN_USAGE,
    ...reply.usage,
    response_model: reply.model ?? '',
    finish_reasons: reply.finishReasons,
    tool_calls: reply.toolCalls,
  };
}
