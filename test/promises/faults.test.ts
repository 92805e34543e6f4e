/**
 * Every fault × plain or stream × what is to be done about it: what the client gets, the rows, and the times are what the policy
 * says. All calls are made at once, and looked at one by one.
 */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { AttemptRow, RequestRow } from '@weir/schema/records';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { firstKey } from '../support/administration.ts';
import { until } from '../support/deadline.ts';
import { rawRequest, type RawResponse } from '../support/http.ts';
import { startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';
import { bounds, faults, healthy, type Fault } from './faults.ts';

/** `recovers`: the second try succeeds. */
const policies = ['neither', 'retry', 'retry, recovers', 'fallback', 'both'] as const;
type Policy = (typeof policies)[number];

interface Cell {
  id: string;
  fault: Fault;
  streamed: boolean;
  policy: Policy;
}

const cells: Cell[] = faults.flatMap((fault) =>
  [false, true].flatMap((streamed) =>
    policies.map((policy) => ({ id: `${fault.name}|${streamed}|${policy}`, fault, streamed, policy })),
  ),
);

/** Paths by what is at the other end: any that speaks OpenAI's API. */
const paths: Record<Fault['at'], string> = {
  openai: 'openai',
  refused: 'mistral',
  unresolved: 'deepseek',
  untrusted: 'xai',
};

let weir: TestWeir;
let faulty: ScriptedProvider;
let well: ScriptedProvider;
const got = new Map<string, RawResponse>();
const rows = new Map<string, RequestRow>();
const attempts = new Map<string, AttemptRow[]>();

beforeAll(async () => {
  const tries = new Map<string, number>();
  faulty = await startProvider((seen, response) => {
    const cell = cells.find(({ id }) => id === header(seen.headers, 'x-cell')) as Cell;
    const tried = (tries.get(cell.id) ?? 0) + 1;
    tries.set(cell.id, tried);
    if (cell.policy === 'retry, recovers' && tried > 1) healthy(response, cell.streamed);
    else cell.fault.act?.(response, cell.streamed);
  });
  well = await startProvider((seen, response) => healthy(response, header(seen.headers, 'x-cell').includes('|true|')));
  const closed = await freePort();
  weir = await startWeir(
    {
      openai: faulty.url,
      groq: well.url,
      mistral: `http://127.0.0.1:${closed}`,
      deepseek: 'http://nobody.invalid',
      xai: faulty.url.replace('http:', 'https:'),
    },
    { GROQ_API_KEY: 'gsk-held' },
  );
  const key = firstKey(weir.dataDir);
  const waiting = [...cells];
  const clients = Array.from({ length: 16 }, async () => {
    for (let cell = waiting.shift(); cell !== undefined; cell = waiting.shift()) got.set(cell.id, await ask(cell, key));
  });
  await Promise.all(clients);
  const ids = [...got.values()].map((answer) => `'${answer.header('weir-id')}'`).join(', ');
  await until(60_000, 'all rows', async () => {
    const [row] = await weir.query<{ n: string }>(`SELECT count() AS n FROM requests WHERE request_id IN (${ids})`);
    return Number(row?.n) === cells.length ? true : undefined;
  });
  for (const row of await weir.query<RequestRow>('SELECT * FROM requests')) rows.set(row.request_id, row);
  for (const row of await weir.query<AttemptRow>('SELECT * FROM attempts ORDER BY attempt_index'))
    attempts.set(row.request_id, [...(attempts.get(row.request_id) ?? []), row]);
}, 120_000);
afterAll(async () => {
  await weir.stop();
  await faulty.close();
  await well.close();
});

function header(raw: readonly string[], name: string): string {
  const at = raw.findIndex((entry, index) => index % 2 === 0 && entry.toLowerCase() === name);
  return raw[at + 1] ?? '';
}

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function ask({ id, fault, streamed, policy }: Cell, key: string): Promise<RawResponse> {
  const headers: [string, string][] = [
    ['Content-Type', 'application/json'],
    ['Authorization', 'Bearer sk-own'],
    ['X-Cell', id],
    ['Weir-Timeout', `headers=${bounds.headers}, idle=${bounds.idle}`],
  ];
  if (policy !== 'neither' && policy !== 'fallback')
    headers.push(['Weir-Retry', `retries=1, min=${bounds.min}, max=${bounds.max}`]);
  if (policy === 'fallback' || policy === 'both')
    headers.push(['Weir-Fallback', 'to=(groq/llama-3.3-70b-versatile)'], ['Weir-Key', key]);
  const body = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }], stream: streamed });
  return rawRequest(weir.proxy.url, { path: `/${paths[fault.at]}/v1/chat/completions`, headers, body });
}

/** The attempts that a policy comes to: who was asked, why, and whether it failed. */
function expected({ fault, streamed, policy }: Cell): { reason: string; at: string; fails: boolean }[] {
  const first = { reason: 'first', at: paths[fault.at], fails: true };
  const again = { reason: 'retry', at: paths[fault.at], fails: true };
  const other = { reason: 'fallback', at: 'groq', fails: false };
  if (fault.comes(streamed).trigger === null) return [first];
  switch (policy) {
    case 'neither':
      return [first];
    case 'retry':
      return [first, again];
    case 'retry, recovers':
      // Nobody is there who could recover.
      return [first, { ...again, fails: fault.act === undefined }];
    case 'fallback':
      return [first, other];
    case 'both':
      return [first, again, other];
  }
}

describe.each(faults.map(({ name }) => name))('%s', (name) => {
  test.each(
    cells
      .filter(({ fault }) => fault.name === name)
      .map((cell) => [`${cell.streamed ? 'stream' : 'plain'}, ${cell.policy}`, cell] as const),
  )('%s', (_, cell) => {
    const { fault, streamed, policy } = cell;
    const coming = fault.comes(streamed);
    const steps = expected(cell);
    const last = steps.at(-1) as (typeof steps)[number];
    const answer = got.get(cell.id) as RawResponse;
    const row = rows.get(answer.header('weir-id') ?? '') as RequestRow;
    const tried = attempts.get(row.request_id) as AttemptRow[];

    // The client.
    const passes = coming.trigger === null;
    const final = last.fails ? coming : { status: 200, complete: true, outcome: 'ok', code: undefined };
    expect([answer.status, answer.complete]).toEqual([final.status, final.complete]);
    expect(answer.header('weir-error')).toBe(final.code);
    expect(Number(answer.header('weir-attempts'))).toBe(steps.length);
    expect(answer.header('weir-provider')).toBe(last.at);

    // The rows.
    expect([row.status, row.attempts, row.provider]).toEqual([final.status, steps.length, last.at]);
    // A short body that was cut is held until it is given up: then the client gets what there is of it.
    const cutOff = !passes && !final.complete && coming.outcome === 'network_error';
    expect(row.outcome).toBe(cutOff ? 'truncated' : final.outcome);
    expect(tried.map(({ provider, reason, attempt_index }) => [attempt_index, provider, reason])).toEqual(
      steps.map(({ at, reason }, index) => [index, at, reason]),
    );
    tried.slice(0, -1).forEach((attempt) => expect(attempt.outcome).toBe(coming.outcome));
    tried.slice(1).forEach((attempt) => expect(attempt.trigger).toMatch(coming.trigger as RegExp));
    expect(tried[0]?.trigger).toBe('');

    // The times add up.
    expect(row.overhead_ms).toBeGreaterThanOrEqual(0);
    expect(row.overhead_ms + row.wait_ms + row.upstream_ms).toBeCloseTo(row.duration_ms, 2);
    const sum = (of: (attempt: AttemptRow) => number): number => tried.reduce((all, one) => all + of(one), 0);
    expect(sum(({ wait_ms }) => wait_ms)).toBeCloseTo(row.wait_ms, 2);
    expect(sum(({ duration_ms }) => duration_ms)).toBeCloseTo(row.upstream_ms, 1);
    for (const { reason, wait_ms } of tried) {
      const [least, most] =
        reason !== 'retry'
          ? [0, 0]
          : coming.waits === undefined
            ? [bounds.min, bounds.max]
            : [coming.waits, coming.waits];
      // A timer may run late on a busy machine, and a millisecond early.
      expect(wait_ms).toBeGreaterThanOrEqual(Math.max(0, least - 1.5));
      expect(wait_ms).toBeLessThanOrEqual(most === 0 ? 0 : most + 2_000);
    }

    // The money: what nobody can tell is not called nothing.
    const unknown = steps.length > 1 && coming.mayBeBilled === true;
    if (row.cost_usd !== null) expect(row.retry_cost_usd === null).toBe(unknown);
    expect(row.warnings.includes('unknown_attempt_cost')).toBe(unknown);
    if (policy === 'neither') expect(tried).toHaveLength(1);
  });
});
