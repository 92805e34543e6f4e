/**
 * A request's body on its way to the provider. A body that says that it is short goes on in one write, when it is there: no
 * provider can do anything with a part of a JSON object. Everything else is passed on as it comes, so that a long or endless
 * upload behaves as it does without Weir.
 */
import type { IncomingMessage } from 'node:http';
import { Bytes } from './json/bytes.ts';
import { stringEnd } from './json/members.ts';

/** Nothing, bytes, or a stream of bytes. */
export type RequestBody = null | Buffer | AsyncIterable<Buffer>;

/** So much of a body is looked into for the model's name before the call starts. */
const peekLimit = 65_536;
/** Bodies up to this length are short. */
const shortLimit = 262_144;
/** Smaller chunks are kept together. */
const smallChunk = 4_096;

/**
 * Waits for a short body, or for the first bytes of any other. `tap` sees every later chunk once, in order, as it is sent on.
 * @param limit a longer body is not short (`WEIR_REPLAY_LIMIT`). @returns the body to send, and its first bytes.
 */
export async function readBody(
  incoming: IncomingMessage,
  limit: number,
  tap: (chunk: Buffer) => void,
): Promise<{ body: RequestBody; first: Buffer | null }> {
  const length = incoming.headers['content-length'];
  if (length === undefined && incoming.headers['transfer-encoding'] === undefined) return { body: null, first: null };
  if (length === '0') return { body: Buffer.alloc(0), first: null };
  const whole = Number(length);
  const first = await firstBytes(incoming, whole <= Math.min(shortLimit, limit) ? whole : 0);
  if (first === null) return { body: Buffer.alloc(0), first: null };
  if (whole === first.length) return { body: first, first };
  return { body: rest(incoming, first, tap), first };
}

/** The first bytes of a body, at least `wanted`, or all there are; null for a body that ends without any. */
function firstBytes(incoming: IncomingMessage, wanted: number): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    let open = true;
    let chunks: Buffer[] | null = null;
    let length = 0;
    const settle = (): void => {
      open = false;
      if (chunks === null) resolve(null);
      else resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length));
    };
    const data = (chunk: Buffer): void => {
      (chunks ??= []).push(chunk);
      length += chunk.length;
      if (length < wanted) return;
      settle();
      // All that there is: what is left to come is its end.
      if (length === wanted) return;
      incoming.pause();
      incoming.off('data', data);
    };
    incoming.on('data', data).on('end', () => {
      if (open) settle();
    });
    // A body that is cut off closes without an end; it is an error only where somebody listens for one.
    incoming.on('close', () => {
      if (open) reject(new Error('the client left'));
    });
  });
}

async function* rest(incoming: IncomingMessage, first: Buffer, tap: (chunk: Buffer) => void): AsyncIterable<Buffer> {
  yield first;
  // A provider may answer before it has read everything; the client must still get that answer, so its stream stays open.
  for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    tap(chunk);
    yield chunk;
  }
}

/**
 * Holds a body whole, up to a limit. @returns the bytes, or null for a body that is longer; and, in any case, a body to send in
 * place of the one that was read.
 */
export async function holdWhole(
  body: Buffer | AsyncIterable<Buffer>,
  limit: number,
): Promise<{ whole: Buffer | null; body: RequestBody }> {
  if (Buffer.isBuffer(body)) return { whole: body.length > limit ? null : body, body };
  const chunks = new Chunks();
  const iterator = body[Symbol.asyncIterator]();
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    chunks.push(next.value);
    if (chunks.length > limit) return { whole: null, body: goOn(chunks.list, iterator) };
  }
  const whole = Buffer.concat(chunks.list);
  return { whole, body: whole };
}

/** Chunks that are kept; small ones together, because each on its own takes a hundred bytes besides and holds what it came in. */
export class Chunks {
  length = 0;
  readonly #list: Buffer[] = [];
  readonly #small = new Bytes();

  push(chunk: Buffer): void {
    this.length += chunk.length;
    if (chunk.length >= smallChunk) {
      this.#join();
      this.#list.push(chunk);
      return;
    }
    this.#small.append(chunk);
    if (this.#small.length >= smallChunk) this.#join();
  }

  /** All of them, in order. */
  get list(): readonly Buffer[] {
    this.#join();
    return this.#list;
  }

  #join(): void {
    if (this.#small.length > 0) this.#list.push(this.#small.view);
    this.#small.clear();
  }
}

async function* goOn(chunks: readonly Buffer[], iterator: AsyncIterator<Buffer>): AsyncIterable<Buffer> {
  yield* chunks;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
}

const quote = 0x22;
/** Bytes of a model's name; a longer one is no name. */
const longestModel = 600;

/**
 * The value of the top-level `"model"` member of a JSON object's first bytes, found without parsing them: the response
 * headers name it, and a parse of a large body would hold up every other stream. Null when it is not there to be seen.
 */
export function peekModel(bytes: Buffer | null): string | null {
  if (bytes === null) return null;
  let depth = 0;
  for (let at = 0; at < Math.min(bytes.length, peekLimit); at++) {
    const byte = bytes[at] as number;
    if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) depth--;
    else if (byte === quote) {
      const end = stringEnd(bytes, at + 1);
      if (end === -1) return null;
      if (depth === 1 && end - at === 6 && bytes.toString('latin1', at + 1, end) === 'model') {
        const value = memberValue(bytes, end + 1);
        if (value !== undefined) return value;
      }
      at = end;
    }
  }
  return null;
}

/** The string that follows a colon at `from`; undefined when no colon does (the string was a value, not a name). */
function memberValue(bytes: Buffer, from: number): string | null | undefined {
  const colon = pastSpace(bytes, from);
  if (bytes[colon] !== 0x3a) return undefined;
  const start = pastSpace(bytes, colon + 1);
  if (bytes[start] !== quote) return null;
  const end = stringEnd(bytes, start + 1);
  if (end === -1 || end - start > longestModel) return null;
  const text = bytes.toString('utf8', start + 1, end);
  if (!text.includes('\\')) return text;
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return null;
  }
}

/** JSON's own white space (RFC 8259 §2). */
function pastSpace(bytes: Buffer, from: number): number {
  let at = from;
  for (let byte = bytes[at]; byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = bytes[at]) at++;
  return at;
}
