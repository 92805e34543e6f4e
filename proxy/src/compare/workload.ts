/** The same calls two ways, in turns: straight to the provider, and through Weir. */
import { Agent, request } from 'undici';

export type Way = 'direct' | 'weir';

/** One call, ms. */
export interface Sample {
  /** Until the first byte of the body. */
  firstByteMs: number;
  /** Until its last. */
  totalMs: number;
  /** Weir's `request_id`; '' without Weir. */
  id: string;
  /** `Server-Timing`; '' without Weir. */
  timing: string;
}

export interface Workload {
  urls: Readonly<Record<Way, string>>;
  headers: Readonly<Record<Way, Readonly<Record<string, string>>>>;
  body: string;
  /** Of each way. */
  calls: number;
  /** At the same time, both ways together. */
  concurrency: number;
}

/** A call that was not answered by a success: its figures would say nothing. */
export class CallFailed extends Error {
  override name = 'CallFailed';
}

const deadlineMs = 600_000;
const names: Readonly<Record<Way, string>> = { direct: 'The direct call', weir: 'The call through Weir' };

/** @throws CallFailed at the first call that fails: a comparison of errors is none. */
export async function run(workload: Workload): Promise<Record<Way, Sample[]>> {
  const made: Record<Way, Sample[]> = { direct: [], weir: [] };
  const agents = {
    direct: new Agent({ connections: workload.concurrency }),
    weir: new Agent({ connections: workload.concurrency }),
  };
  try {
    // Not counted: they make the connections, and find what is wrong.
    for (const way of ['direct', 'weir'] as const) {
      await Promise.all(Array.from({ length: workload.concurrency }, () => call(workload, way, agents[way])));
    }
    const turns = inTurns(workload.calls);
    await Promise.all(
      Array.from({ length: workload.concurrency }, async () => {
        for (let way = turns.pop(); way !== undefined; way = turns.pop()) {
          made[way].push(await call(workload, way, agents[way]));
        }
      }),
    );
    return made;
  } finally {
    await Promise.all([agents.direct.destroy(), agents.weir.destroy()]);
  }
}

/** Pairs, each in an order of its own: whatever happens meanwhile happens to both. */
function inTurns(calls: number): Way[] {
  return Array.from({ length: calls }, (): Way[] =>
    Math.random() < 0.5 ? ['direct', 'weir'] : ['weir', 'direct'],
  ).flat();
}

async function call({ urls, headers, body }: Workload, way: Way, dispatcher: Agent): Promise<Sample> {
  const started = performance.now();
  try {
    const answer = await request(urls[way], {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers[way] },
      body,
      dispatcher,
      headersTimeout: deadlineMs,
      bodyTimeout: deadlineMs,
    });
    let firstByteMs = 0;
    for await (const _ of answer.body) firstByteMs ||= performance.now() - started;
    const totalMs = performance.now() - started;
    const { statusCode } = answer;
    const error = headerText(answer.headers['weir-error']);
    if (statusCode >= 300) {
      throw new CallFailed(
        `${names[way]} was answered ${statusCode}${error === '' ? '' : ` (${error})`}: there is nothing to compare.`,
      );
    }
    return {
      firstByteMs: firstByteMs || totalMs,
      totalMs,
      id: headerText(answer.headers['weir-id']),
      timing: headerText(answer.headers['server-timing']),
    };
  } catch (error) {
    if (error instanceof CallFailed) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? (error instanceof Error ? error.message : 'unknown');
    throw new CallFailed(`${names[way]} to ${new URL(urls[way]).origin} failed: ${code}.`, { cause: error });
  }
}

function headerText(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
}
