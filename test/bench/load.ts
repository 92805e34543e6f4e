/** The load: closed loops (a connection asks again when it is answered), an open loop (Poisson), and streams. */
import { Agent, request as httpRequest } from 'node:http';
import { clock, type Watch } from './watch.ts';

export interface Target {
  url: string;
  headers: Record<string, string>;
  agent: Agent;
}

export function makeTarget(url: string, headers: Record<string, string> = {}): Target {
  return { url, headers, agent: new Agent({ keepAlive: true, maxSockets: 512 }) };
}

export interface Timed {
  /** ms since 1970 */
  startedAt: number;
  ms: number;
}

export function bodyOf(bytes: number): Buffer {
  const text = 'y'.repeat(Math.max(0, bytes - 100));
  return Buffer.from(JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: text }] }));
}
const small = bodyOf(1000);

/** One call. @returns milliseconds until the last byte. @throws on an error, or a short answer. */
export function call(
  { url, headers, agent }: Target,
  options: { path?: string; body?: Buffer; onData?: (chunk: Buffer) => void } = {},
): Promise<number> {
  const { path = '/v1/chat/completions', body = small, onData } = options;
  const started = clock();
  const { hostname, port, pathname } = new URL(url);
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      agent,
      host: hostname,
      port,
      path: pathname.replace(/\/$/, '') + path,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-length': body.length,
        authorization: 'Bearer sk-bench',
        ...headers,
      },
    });
    request.on('response', (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        onData?.(chunk);
      });
      response.on('end', () => {
        if (response.statusCode === 200 && bytes >= 800) resolve(clock() - started);
        else reject(new Error(`status ${response.statusCode}, ${bytes} bytes`));
      });
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** @returns every call that was made. */
export async function closedLoop(
  target: Target,
  connections: number,
  durationMs: number,
  body?: Buffer,
): Promise<Timed[]> {
  const made: Timed[] = [];
  const began = clock();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (clock() - began < durationMs) {
        const startedAt = clock();
        made.push({ startedAt, ms: await call(target, body === undefined ? {} : { body }) });
      }
    }),
  );
  return made;
}

/** Makes `count` calls on `connections`. */
export async function calls(target: Target, connections: number, count: number, body?: Buffer): Promise<void> {
  let left = count;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (left-- > 0) await call(target, body === undefined ? {} : { body });
    }),
  );
}

/** Calls with the time from the moment each was due: a stall is not hidden by asking later. */
export async function openLoop(target: Target, perSecond: number, durationMs: number): Promise<Timed[]> {
  const asked: Promise<Timed>[] = [];
  const began = clock();
  for (let due = 0; due < durationMs; due += (-Math.log(1 - Math.random()) * 1000) / perSecond) {
    while (clock() < began + due) await new Promise((resolve) => setImmediate(resolve));
    const startedAt = began + due;
    asked.push(call(target).then(() => ({ startedAt, ms: clock() - startedAt })));
  }
  return Promise.all(asked);
}

/** Delays of streams' chunks, from the provider's clock to the client's (one machine, one clock). */
export async function chunkDelays(target: Target, streams: number): Promise<Timed[]> {
  const delays: Timed[] = [];
  const onData = (chunk: Buffer): void => {
    const at = process.hrtime.bigint();
    const now = clock();
    for (const [, sent] of chunk.toString('latin1').matchAll(/: (\d{10,})\n/g)) {
      const ms = Number(at - BigInt(sent ?? 0)) / 1e6;
      delays.push({ startedAt: now - ms, ms });
    }
  };
  await Promise.all(
    Array.from({ length: streams }, () => call(target, { path: '/v1/chat/completions?stream=1', onData })),
  );
  return delays;
}

/** Opens streams that go on until the returned function is called. */
export async function holdStreams(target: Target, count: number): Promise<() => void> {
  const agent = new Agent({ keepAlive: true, maxSockets: count });
  await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<void>((resolve, reject) => {
          const first = (): void => resolve();
          call({ ...target, agent }, { path: '/v1/chat/completions?stream=held', onData: first }).catch(reject);
        }),
    ),
  );
  return () => agent.destroy();
}

export function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

/** Calls `measure` for each in turn, in a new order each round. @returns what came of each, all rounds together. */
export async function inTurns<K, T>(
  of: Iterable<K>,
  rounds: number,
  measure: (one: K) => Promise<T[]>,
): Promise<Map<K, T[]>> {
  const all = [...of];
  const results = new Map<K, T[]>(all.map((one) => [one, []]));
  for (let round = 0; round < rounds; round++) {
    for (const one of all.sort(() => Math.random() - 0.5)) results.get(one)?.push(...(await measure(one)));
  }
  return results;
}

/** Milliseconds of the calls during which the machine ran. */
export function undisturbed(made: Timed[] | undefined, watch: Watch): number[] {
  return (made ?? []).filter(({ startedAt, ms }) => watch.ran(startedAt, startedAt + ms)).map(({ ms }) => ms);
}
