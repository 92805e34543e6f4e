import { translateRequest, type TranslatedDialect } from '../../proxy/src/translate/translate.ts';
import { models } from './traffic.ts';

export type Json = Record<string, unknown>;

export interface Sent {
  readonly body: Json;
  readonly warnings: readonly string[];
}

/** What goes to the target. */
export function send(
  from: TranslatedDialect,
  to: TranslatedDialect,
  body: Json,
  model = models[to],
  streamed = false,
): Sent {
  const made = translateRequest({ from, to, body, streamed, model, askedModel: 'p/m' });
  return { body: JSON.parse(made.body.toString()) as Json, warnings: made.warnings };
}

export const hi: Readonly<Record<TranslatedDialect, Json>> = {
  chat: { messages: [{ role: 'user', content: 'Hi' }] },
  messages: { max_tokens: 64, messages: [{ role: 'user', content: 'Hi' }] },
  generate_content: { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] },
};

export interface Replied {
  readonly text: string;
  readonly whole: boolean;
  readonly status: number;
  readonly contentType: string;
  readonly warnings: readonly string[];
}

export interface Given {
  readonly streamed?: boolean;
  readonly status?: number;
  readonly body?: Json;
}

/** The reply to a client of `from`, of these pieces of bytes from a provider of `to`. */
export function reply(
  from: TranslatedDialect,
  to: TranslatedDialect,
  chunks: readonly (string | Uint8Array)[],
  given: Given = {},
): Replied {
  const { streamed = false, status = 200, body = hi[from] } = given;
  const request = translateRequest({
    from,
    to,
    body,
    streamed,
    model: 'm',
    askedModel: 'p/m',
    now: () => 1_760_000_000_000,
  });
  const translator = request.reply(status, streamed ? 'text/event-stream' : 'application/json');
  const out = chunks.map((chunk) => translator.feed(Buffer.from(chunk)));
  out.push(translator.end());
  const { whole, contentType, warnings } = translator;
  return { text: Buffer.concat(out).toString(), whole, status: translator.status, contentType, warnings };
}

export const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
export const named = (type: string, value: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...value })}\n\n`;

/** The JSON of a stream's events, and its end mark as it is. */
export function events(text: string): unknown[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const data = block.slice(block.indexOf('data: ') + 6);
      return data === '[DONE]' ? data : (JSON.parse(data) as unknown);
    });
}

export const chunk = (delta: Json, finish: string | null = null, index = 0): string =>
  event({ id: 'chatcmpl-1', model: 'gpt', choices: [{ index, delta, finish_reason: finish }] });
