/** Messages of a WebSocket and the responses they come to, whole and split, plain and compressed, sound and hostile. */
import { createDeflateRaw, constants, type DeflateRaw } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Conversation } from '../../proxy/src/providers/realtime/conversation.ts';
import { realtimeFormatOf } from '../../proxy/src/providers/realtime/formats.ts';
import { MessageReader } from '../../proxy/src/websocket/messages.ts';
import { columnsOf, differences, hasSessions, readSession, readSessions } from '../support/realtime.ts';

describe.skipIf(!hasSessions)('every recorded session', () => {
  for (const session of hasSessions ? readSessions() : []) {
    test(session.id, () => {
      const read = readSession(session);
      expect(differences(session, read.map(columnsOf))).toEqual([]);
      for (const { beganMs, contentMs } of read) expect(contentMs).toBeGreaterThanOrEqual(beganMs);
    });
  }
});

describe('responses', () => {
  const openai = (): Conversation => new Conversation(realtimeFormatOf('/v1/realtime'));
  const done = (id: string, more: object = {}): Record<string, unknown> => ({
    type: 'response.done',
    response: { id, status: 'completed', output: [], usage: { input_tokens: 3, output_tokens: 4 }, ...more },
  });

  test('that go on at once are told apart', () => {
    const conversation = openai();
    conversation.received({ type: 'response.created', response: { id: 'a' } }, 1);
    conversation.received({ type: 'response.created', response: { id: 'b' } }, 2);
    conversation.received({ type: 'response.output_text.delta', response_id: 'a', delta: 'x' }, 3);
    expect(conversation.received(done('b'), 4)).toMatchObject([{ beganMs: 2, contentMs: null }]);
    expect(conversation.received(done('a'), 5)).toMatchObject([{ beganMs: 1, contentMs: 3 }]);
  });

  test('a question that is answered with an error is one, an error beside it is the connection’s', () => {
    const conversation = openai();
    const error = { type: 'error', error: { type: 'invalid_request_error', code: 'x', message: 'no' } };
    expect(conversation.received(error, 1)).toEqual([]);
    conversation.sent({ type: 'response.create' }, 2);
    const [failed] = conversation.received(error, 3);
    expect(failed).toMatchObject({ beganMs: 2, reply: { error: { type: 'invalid_request_error', message: 'no' } } });
    expect(conversation.end().connection.error).toEqual({ type: 'invalid_request_error', message: 'no' });
  });

  test('one that failed says why, one that was cut off is known at the end', () => {
    const conversation = openai();
    const error = { type: 'server_error', code: 'rate_limit_exceeded', message: 'Too much.' };
    const [failed] = conversation.received(done('a', { status: 'failed', status_details: { error } }), 1);
    expect(failed?.reply).toMatchObject({
      error: { type: 'server_error', message: 'Too much.' },
      finishReasons: ['failed'],
    });
    conversation.received({ type: 'response.created', response: { id: 'b' } }, 2);
    expect(conversation.end().unfinished).toMatchObject([{ beganMs: 2, reply: { complete: false, usage: null } }]);
  });

  test('speech that is written down is counted apart, by its own model, as long as that lasts', () => {
    const conversation = openai();
    const named = (model: string): object => ({ session: { audio: { input: { transcription: { model } } } } });
    const completed = (usage?: object): Record<string, unknown> => ({
      type: 'conversation.item.input_audio_transcription.completed',
      item_id: 'i',
      transcript: 'Hello.',
      ...(usage === undefined ? {} : { usage }),
    });
    conversation.received({ type: 'session.created', ...named('whisper-1') }, 1);
    conversation.received({ type: 'input_audio_buffer.committed', item_id: 'i' }, 2);
    conversation.received({ type: 'response.created', response: { id: 'a' } }, 3);
    expect(conversation.received(completed({ type: 'duration', seconds: 3 }), 4)).toMatchObject([
      { kind: 'transcript', beganMs: 2, reply: { model: 'whisper-1', usage: null, units: { audio_seconds: 3 } } },
    ]);
    conversation.received({ type: 'session.updated', ...named('gpt-4o-transcribe') }, 5);
    const tokens = { type: 'tokens', input_tokens: 110, output_tokens: 20, input_token_details: { audio_tokens: 100 } };
    expect(conversation.received(completed(tokens), 6)).toMatchObject([
      {
        reply: { model: 'gpt-4o-transcribe', usage: { input_tokens: 110, input_audio_tokens: 100, output_tokens: 20 } },
      },
    ]);
    // Where it is not counted apart (Azure's voice live, xAI), it is no call of its own.
    expect(conversation.received(completed(), 7)).toEqual([]);
    expect(conversation.received(done('a'), 8)).toMatchObject([
      { kind: 'response', reply: { usage: { input_tokens: 3 } } },
    ]);
  });

  test('the model that writes down is known by every name a session has for it', () => {
    const { transcriber } = realtimeFormatOf('/v1/realtime');
    const session = { input_audio_transcription: { model: 'gpt-4o-mini-transcribe' } };
    for (const type of ['session.created', 'session.updated', 'transcription_session.updated'])
      expect(transcriber({ type, session })).toBe('gpt-4o-mini-transcribe');
    expect(transcriber({ type: 'session.updated', session: { audio: { input: { transcription: null } } } })).toBeNull();
    expect(transcriber({ type: 'session.update', session })).toBeNull();
  });

  test('without end are not kept for ever', () => {
    const conversation = openai();
    const ended = Array.from({ length: 100 }, (_, at) =>
      conversation.received({ type: 'response.created', response: { id: `r${at}` } }, at),
    ).flat();
    expect(ended.length + conversation.end().unfinished.length).toBe(100);
    expect(ended.length).toBeGreaterThan(50);
  });
});

interface Message {
  readonly text: string;
  readonly binary: boolean;
  /** Sizes of its fragments. */
  readonly cuts: readonly number[];
}

/** Frames as a peer writes them (RFC 6455 §5.2): masked from a client, cut, with a ping in between, compressed or not. */
async function encode(messages: readonly Message[], masked: boolean, deflate: DeflateRaw | null): Promise<Buffer> {
  const frames: Buffer[] = [];
  for (const { text, binary, cuts } of messages) {
    const payload = deflate === null ? Buffer.from(text) : await compress(deflate, Buffer.from(text));
    let from = 0;
    for (const [index, size] of [...cuts, payload.length].entries()) {
      const part = payload.subarray(from, index === cuts.length ? undefined : from + size);
      from += part.length;
      const opcode = index > 0 ? 0 : binary ? 2 : 1;
      const first = (index === cuts.length ? 0x80 : 0) | (index === 0 && deflate !== null ? 0x40 : 0) | opcode;
      frames.push(frameOf(first, part, masked), frameOf(0x89, Buffer.from('ping'), masked));
    }
  }
  return Buffer.concat(frames);
}

function frameOf(first: number, payload: Buffer, masked: boolean): Buffer {
  const size = payload.length;
  const head = size < 126 ? Buffer.from([first, size]) : Buffer.alloc(size < 65_536 ? 4 : 10, 0);
  if (size >= 126) {
    head[0] = first;
    head[1] = size < 65_536 ? 126 : 127;
    if (size < 65_536) head.writeUInt16BE(size, 2);
    else head.writeBigUInt64BE(BigInt(size), 2);
  }
  if (!masked) return Buffer.concat([head, payload]);
  head[1] = (head[1] ?? 0) | 0x80;
  const mask = Buffer.from([7, 99, 250, 31]);
  return Buffer.concat([head, mask, payload.map((byte, at) => byte ^ (mask[at & 3] ?? 0))]);
}

function compress(deflate: DeflateRaw, bytes: Buffer): Promise<Buffer> {
  const parts: Buffer[] = [];
  const take = (part: Buffer): unknown => parts.push(part);
  deflate.on('data', take);
  deflate.write(bytes);
  return new Promise((resolve) =>
    deflate.flush(constants.Z_SYNC_FLUSH, () => {
      deflate.off('data', take);
      resolve(Buffer.concat(parts).subarray(0, -4));
    }),
  );
}

interface Heard {
  readonly messages: string[];
  readonly kept: string;
  readonly closed: number[];
  readonly broken: boolean;
}

async function hear(chunks: Iterable<Buffer>, compressed: boolean): Promise<Heard> {
  const messages: string[] = [];
  const kept: string[] = [];
  const closed: number[] = [];
  const reader = new MessageReader(
    {
      bytes: (bytes, last) => kept.push(last ? '\n' : bytes.toString('latin1')),
      message: (text) => messages.push(text),
      longMessage: () => {
        const parts: Buffer[] = [];
        return {
          feed: (part) => parts.push(Buffer.from(part)),
          end: () => void messages.push(Buffer.concat(parts).toString()),
        };
      },
      closed: (code) => closed.push(code),
    },
    compressed ? { alone: false } : null,
  );
  for (const chunk of chunks) await reader.feed(chunk);
  reader.close();
  return { messages, kept: kept.join(''), closed, broken: reader.broken };
}

function* split(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

describe('messages', () => {
  const message = fc.record({
    text: fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }),
      fc.integer({ min: 1, max: 100_000 }).map((words) => 'long'.repeat(words)),
    ),
    binary: fc.boolean(),
    cuts: fc.array(fc.nat(70_000), { maxLength: 3 }),
  });
  const stream = fc.record({
    messages: fc.array(message, { maxLength: 5 }),
    masked: fc.boolean(),
    compressed: fc.boolean(),
    sizes: fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 5 }),
  });

  test('are the same however their bytes are split, cut into frames, masked or compressed', async () => {
    await fc.assert(
      fc.asyncProperty(stream, async ({ messages, masked, compressed, sizes }) => {
        const bytes = await encode(messages, masked, compressed ? createDeflateRaw() : null);
        const heard = await hear(split(bytes, sizes), compressed);
        expect(heard.messages).toEqual(messages.map(({ text }) => text));
        expect(heard.kept).toBe(messages.map(({ text }) => `${Buffer.from(text).toString('latin1')}\n`).join(''));
        expect(heard.broken).toBe(false);
      }),
      { seed: 6455, numRuns: 25 },
    );
  });

  test('a message of 64 MB is never held', { timeout: 60_000 }, async () => {
    const part = Buffer.alloc(1024 * 1024, 'x');
    let bytes = 0;
    const reader = new MessageReader(
      {
        bytes: (piece) => (bytes += piece.length),
        message: () => expect.unreachable(),
        longMessage: () => ({ feed: () => undefined, end: () => undefined }),
        closed: () => undefined,
      },
      null,
    );
    const [first, middle, last] = [1, 0, 0x80].map((head) => frameOf(head, part, false));
    const used = (): number => process.memoryUsage().heapUsed + process.memoryUsage().external;
    const before = used();
    let most = 0;
    for (let at = 0; at < 64; at++) {
      await reader.feed((at === 0 ? first : at === 63 ? last : middle) as Buffer);
      most = Math.max(most, used() - before);
    }
    expect(bytes).toBe(64 * part.length);
    expect(most).toBeLessThan(32 * part.length);
  });

  test('of hostile bytes are none, and nothing throws', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, compressed) => {
        const whole = await hear([Buffer.from(bytes)], compressed);
        const single = await hear(split(Buffer.from(bytes), [1]), compressed);
        expect(single.messages).toEqual(whole.messages);
      }),
      { seed: 7692, numRuns: 300 },
    );
  });

  test('what claims to be compressed and is not ends the reading, and says so', async () => {
    const frame = frameOf(0xc1, Buffer.from('{"type":"no deflate"}'), false);
    expect(await hear([frame], true)).toMatchObject({ messages: [], broken: true });
    expect(await hear([frame], false)).toMatchObject({ messages: [], broken: true });
  });

  test('a close tells its code', async () => {
    expect((await hear([frameOf(0x88, Buffer.from([0x03, 0xf3]), false)], false)).closed).toEqual([1011]);
    expect((await hear([frameOf(0x88, Buffer.alloc(0), false)], false)).closed).toEqual([1005]);
  });
});
