/**
 * `Weir-Log: usage=?1`: OpenAI's chat and completion streams tell their usage only when asked
 * (platform.openai.com/docs/api-reference/chat/create#chat-create-stream_options). Weir asks in the client's place, and takes
 * the one chunk that answers out of what the client gets. The recorder sees both as they are.
 */
import type { Call } from '../call.ts';
import { holdWhole, type RequestBody } from '../body.ts';
import { memberValues } from '../json/members.ts';

/** Larger bodies pass as they come, unasked. */
const bodyLimit = 32 * 1024 * 1024;
/** A longer event is not the one that is looked for. */
const eventLimit = 16_384;

/** Whether this call is one that can be asked, and is to be. */
export function wantsUsage(call: Call, always: boolean): boolean {
  return (
    (call.instructions.askUsage ?? always) &&
    call.method === 'POST' &&
    (call.operation === 'chat' || call.operation === 'completion') &&
    call.path.endsWith('/completions')
  );
}

/** The body as it is sent: with the question in it, where it asks for a stream and does not ask already. */
export async function withUsageAsked(call: Call, body: RequestBody): Promise<RequestBody> {
  const encoding = call.incoming.headers['content-encoding'];
  if (body === null || (encoding !== undefined && encoding !== 'identity')) return body;
  const held = await holdWhole(body, bodyLimit);
  const asked = held.whole === null ? null : askForUsage(held.whole);
  if (asked === null) return held.body;
  call.usageAsked = true;
  call.warnings.push('stream_usage_added');
  return asked;
}

/** The body with `stream_options.include_usage` set, its other bytes as they were; null when there is nothing to ask. */
export function askForUsage(body: Buffer): Buffer | null {
  const values = memberValues(body, ['stream', 'stream_options']);
  if (values?.get('stream')?.toString() !== 'true') return null;
  const options = values.get('stream_options');
  if (options === undefined) {
    const start = body.indexOf('{') + 1;
    return Buffer.concat([
      body.subarray(0, start),
      Buffer.from('"stream_options":{"include_usage":true},'),
      body.subarray(start),
    ]);
  }
  const before = readOptions(options);
  if (before === null || before['include_usage'] === true) return null;
  const at = options.byteOffset - body.byteOffset;
  const changed = JSON.stringify({ ...before, include_usage: true });
  return Buffer.concat([body.subarray(0, at), Buffer.from(changed), body.subarray(at + options.length)]);
}

function readOptions(text: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text.toString()) ?? {};
    return typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Passes a stream of events on without the chunk that tells the usage and nothing else (`choices` is empty). */
export class UsageChunkFilter {
  /** Bytes of an event that has not ended. */
  #held: Buffer = Buffer.alloc(0);
  /** The event that goes on is passed as it comes: it is too long to be looked at. */
  #passing = false;

  /** What of these bytes, and of those held back, goes on. */
  feed(chunk: Buffer): Buffer {
    let bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const out: Buffer[] = [];
    for (let end = eventEnd(bytes); end !== -1; end = eventEnd(bytes)) {
      const event = bytes.subarray(0, end);
      if (this.#passing || !tellsUsageOnly(event)) out.push(event);
      this.#passing = false;
      bytes = bytes.subarray(end);
    }
    // A chunk that began without its event's end is held only while it may be the one.
    if (this.#passing || bytes.length > eventLimit) {
      this.#passing = true;
      // The last bytes may be the first half of the blank line that ends it.
      const keep = Math.min(bytes.length, 3);
      out.push(bytes.subarray(0, bytes.length - keep));
      bytes = bytes.subarray(bytes.length - keep);
    }
    this.#held = bytes;
    return out.length === 1 ? (out[0] as Buffer) : Buffer.concat(out);
  }

  /** The stream has ended: what was held back, for which no end will come. */
  end(): Buffer | undefined {
    const rest = this.#held;
    this.#held = Buffer.alloc(0);
    return rest.length === 0 || (!this.#passing && tellsUsageOnly(rest)) ? undefined : rest;
  }
}

/** Where the first event ends: behind its blank line, with any of the line ends of the HTML standard §9.2.6; -1: nowhere yet. */
function eventEnd(bytes: Buffer): number {
  let first = -1;
  for (const mark of ['\n\n', '\r\n\r\n', '\r\r']) {
    const at = bytes.indexOf(mark);
    if (at !== -1 && (first === -1 || at + mark.length < first)) first = at + mark.length;
  }
  return first;
}

function tellsUsageOnly(event: Buffer): boolean {
  if (!event.includes('"usage"')) return false;
  const data = event
    .toString()
    .split(/\r\n|\r|\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).trimStart())
    .join('\n');
  try {
    const chunk = JSON.parse(data) as { choices?: unknown; usage?: unknown } | null;
    const empty = Array.isArray(chunk?.choices) && chunk.choices.length === 0;
    return empty && typeof chunk?.usage === 'object' && chunk.usage !== null;
  } catch {
    return false;
  }
}
