/** Under load, with a provider that fails three times in ten: nothing is lost or doubled, and memory stays where it is. */
import { readFileSync } from 'node:fs';
import { Agent, fetch } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { firstKey } from '../support/administration.ts';
import { until } from '../support/deadline.ts';
import { chatChunks, chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

const calls = 3_000;
const clients = 48;
let weir: TestWeir;
let failing: ScriptedProvider;
let well: ScriptedProvider;
/** Attempts that the providers saw. */
const asked = { failing: 0, well: 0 };
/** Always the same failures, in an order that looks random. */
let state = 1;
const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;

beforeAll(async () => {
  const reply = (body: Buffer, response: Parameters<typeof json>[0]): void => {
    if (!body.includes('"stream":true')) return json(response, chatCompletion());
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(chatChunks(['a', 'b', 'c']).join(''));
  };
  failing = await startProvider(({ body }, response) => {
    asked.failing++;
    failing.seen.length = 0;
    const chance = random();
    if (chance < 0.1) json(response, { error: { type: 'server_error' } }, 503);
    else if (chance < 0.2) json(response, { error: { type: 'rate_limit_error' } }, 429);
    else if (chance < 0.3) response.socket?.resetAndDestroy();
    else reply(body, response);
  });
  well = await startProvider(({ body }, response) => {
    asked.well++;
    well.seen.length = 0;
    reply(body, response);
  });
  weir = await startWeir(
    { openai: failing.url, groq: well.url },
    { OPENAI_API_KEY: 'sk-held', GROQ_API_KEY: 'gsk-held' },
  );
});
afterAll(async () => {
  await weir.stop();
  await failing.close();
  await well.close();
});

/** Resident memory of the proxy, MiB. */
function memory(): number {
  const status = readFileSync(`/proc/${weir.proxy.child.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

async function load(count: number, session: string): Promise<number> {
  const key = firstKey(weir.dataDir);
  const dispatcher = new Agent({ connections: clients });
  let [next, answered] = [0, 0];
  const client = async (): Promise<void> => {
    for (let n = next++; n < count; n = next++) {
      const got = await fetch(`${weir.proxy.url}/openai/v1/chat/completions`, {
        dispatcher,
        method: 'POST',
        body: JSON.stringify({ model: 'gpt-4o-mini', messages: [], stream: n % 2 === 0 }),
        headers: {
          'content-type': 'application/json',
          'weir-key': key,
          'weir-session': session,
          'weir-retry': 'retries=1, min=1, max=4',
          'weir-fallback': 'to=(groq/llama-3.3-70b-versatile)',
        },
      });
      const text = await got.text();
      expect([got.status, text.includes('Hello') || text.includes('[DONE]')]).toEqual([200, true]);
      answered++;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  await dispatcher.close();
  return answered;
}

test(`${calls} calls: each answered, one row each, one row for each attempt that a provider saw`, async () => {
  await load(500, 'warm');
  const before = memory();
  const seen = { ...asked };
  expect(await load(calls, 'load')).toBe(calls);
  const after = memory();
  const [row] = await until(60_000, 'all rows', async () => {
    const found = await weir.query<Record<string, string>>(`
      SELECT count() AS requests, uniqExact(request_id) AS distinct, sum(attempts) AS attempts, countIf(outcome = 'ok') AS ok,
             countIf(abs(overhead_ms + wait_ms + upstream_ms - duration_ms) > 0.002) AS wrong_times,
             quantileExact(0.99)(overhead_ms) AS p99
      FROM requests WHERE session_id = 'load'`);
    return Number(found[0]?.requests) >= calls ? found : undefined;
  });
  const [tries] = await until(60_000, 'all attempts', async () => {
    const found = await weir.query<Record<string, string>>(`
      SELECT count() AS attempts, uniqExact(request_id, attempt_index) AS distinct, countIf(provider = 'openai') AS failing,
             countIf(provider = 'groq') AS well, countIf(outcome = 'ok') AS ok
      FROM attempts WHERE request_id IN (SELECT request_id FROM requests WHERE session_id = 'load')`);
    return Number(found[0]?.attempts) >= Number(row?.attempts) ? found : undefined;
  });
  console.log(
    `overhead p99 ${row?.p99} ms; ${tries?.attempts} attempts; memory ${before.toFixed(0)} → ${after.toFixed(0)} MiB`,
  );
  expect(row).toMatchObject({ requests: String(calls), distinct: String(calls), ok: String(calls), wrong_times: '0' });
  expect(tries).toMatchObject({
    attempts: row?.attempts,
    distinct: row?.attempts,
    failing: String(asked.failing - seen.failing),
    well: String(asked.well - seen.well),
    ok: String(calls),
  });
  // About three in ten failed once, and one in ten twice.
  expect(Number(tries?.attempts) / calls).toBeGreaterThan(1.25);
  expect(after - before).toBeLessThan(150);
}, 120_000);
