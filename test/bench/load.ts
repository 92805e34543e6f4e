/** The load: closed loops (a connection asks again when it is answered), an open loop (Poisson), and streams. */
import { request as httpRequest, Agent } from 'node:http';

const body = Buffer.from(
  JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'y'.repeat(900) }] }),
);

export interface Latencies {
  p50: number;
  p99: number;
  /** Requests a second. */
  rate: number;
  requests: number;
}

/** @returns milliseconds until the last byte. @throws on an error, or an answer of the wrong size. */
function once(url: string, agent: Agent, path: string, onData?: (chunk: Buffer) => void): Promise<number> {
  const started = performance.now();
  const target = new URL(url);
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        agent,
        host: target.hostname,
        port: target.port,
        path: target.pathname.replace(/\/$/, '') + path,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'content-length': body.length,
          authorization: 'Bearer sk-bench',
        },
      },
      (response) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          onData?.(chunk);
        });
        response.on('end', () => {
          if (response.statusCode !== 200 || bytes < 800)
            reject(new Error(`status ${response.statusCode}, ${bytes} bytes`));
          else resolve(performance.now() - started);
        });
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

export async function closedLoop(url: string, connections: number, durationMs: number): Promise<Latencies> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const times: number[] = [];
  const started = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() - started < durationMs) times.push(await once(url, agent, '/v1/chat/completions'));
    }),
  );
  agent.destroy();
  return summary(times, performance.now() - started);
}

/** Latency counts from the moment a request was due: a stall is not hidden by asking later. */
export async function openLoop(url: string, perSecond: number, durationMs: number): Promise<Latencies> {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const times: number[] = [];
  const asked: Promise<void>[] = [];
  const started = performance.now();
  for (let due = 0; due < durationMs; due += (-Math.log(1 - Math.random()) * 1000) / perSecond) {
    const early = started + due - performance.now();
    if (early > 1) await new Promise((resolve) => setTimeout(resolve, early));
    const late = performance.now() - (started + due);
    asked.push(
      once(url, agent, '/v1/chat/completions').then((ms) => {
        times.push(ms + Math.max(0, late));
      }),
    );
  }
  await Promise.all(asked);
  agent.destroy();
  return summary(times, performance.now() - started);
}

/** Delays of a stream's chunks, from the provider's clock to the client's (one machine, one clock). */
export async function streams(url: string, count: number): Promise<{ p50: number; p99: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: count });
  const delays: number[] = [];
  await Promise.all(
    Array.from({ length: count }, () =>
      once(url, agent, '/v1/chat/completions?stream=1', (chunk) => {
        const at = process.hrtime.bigint();
        for (const [, sent] of chunk.toString('latin1').matchAll(/: (\d{10,})\n/g))
          delays.push(Number(at - BigInt(sent ?? 0)) / 1e6);
      }),
    ),
  );
  agent.destroy();
  return { p50: quantile(delays, 0.5), p99: quantile(delays, 0.99) };
}

function summary(times: number[], elapsedMs: number): Latencies {
  return {
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    rate: (times.length / elapsedMs) * 1000,
    requests: times.length,
  };
}

export function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
