import type { Dialect, ReplyContext, ReplyFacts, RequestFacts } from '../../proxy/src/providers/provider.ts';
import { encodeMessage } from '../../proxy/src/event-stream.ts';
import { providers } from '../../proxy/src/providers/registry.ts';

export function dialectOf(name: string): Dialect {
  const provider = providers.get(name);
  if (provider === undefined) throw new Error(`no provider ${name}`);
  return provider.dialect;
}

export interface Given {
  readonly provider?: string;
  readonly path?: string;
  readonly status?: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const PATHS: Readonly<Record<string, string>> = {
  anthropic: '/v1/messages',
  google: '/v1beta/models/gemini-2.5-flash:generateContent',
};

function contextOf(given: Given): { dialect: Dialect; context: ReplyContext } {
  const provider = given.provider ?? 'openai';
  const dialect = dialectOf(provider);
  const path = given.path ?? PATHS[provider] ?? '/v1/chat/completions';
  const contentType = given.type ?? 'application/json';
  const operation = dialect.operation('POST', path);
  return {
    dialect,
    context: {
      operation,
      path,
      status: given.status ?? 200,
      contentType,
      header: (name) => given.headers?.[name] ?? null,
    },
  };
}

/** The facts of a reply that arrives in these chunks. */
export function readReply(chunks: Iterable<Uint8Array | string>, given: Given = {}, cut = false): ReplyFacts {
  const { dialect, context } = contextOf(given);
  const reader = dialect.replyReader(context);
  for (const chunk of chunks) reader.feed(Buffer.from(chunk));
  return reader.end(cut);
}

/** The same of a stream of server-sent events, one JSON value (or literal text) each. */
export function readEvents(events: readonly unknown[], given: Given = {}, cut = false): ReplyFacts {
  const lines = events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`);
  return readReply(lines, { type: 'text/event-stream', ...given }, cut);
}

export function readRequest(chunks: Iterable<Uint8Array | string>, given: Given = {}): RequestFacts {
  const { dialect, context } = contextOf(given);
  const reader = dialect.requestReader(context);
  for (const chunk of chunks) reader.feed(Buffer.from(chunk));
  return reader.end();
}

/** An AWS event stream of these events: each its type and its JSON. */
export function eventStream(events: readonly (readonly [string, unknown])[]): Buffer {
  return Buffer.concat(
    events.map(([type, value]) =>
      encodeMessage(
        { ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' },
        Buffer.from(JSON.stringify(value)),
      ),
    ),
  );
}

/** A model's own JSON, as InvokeModelWithResponseStream sends it. */
export function chunkEvent(value: unknown): readonly [string, unknown] {
  return ['chunk', { bytes: Buffer.from(JSON.stringify(value)).toString('base64'), p: 'abcdefgh' }];
}
