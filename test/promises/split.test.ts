/**
 * What a split is for: the difference between its arms, read in SQL by what was assigned, is the true one, also where the worse
 * arm falls back to the better. By who answered it would not be.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../support/deadline.ts';
import { firstKey } from '../support/administration.ts';
import { rawRequest } from '../support/http.ts';
import { chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
const calls = 400;
/** What each model is like: the time it takes, ms, and every how many of its calls it fails. */
const models = { steady: { ms: 40, failsEvery: Infinity }, shaky: { ms: 120, failsEvery: 4 } };
type Model = keyof typeof models;
const asked: Record<Model, number> = { steady: 0, shaky: 0 };

beforeAll(async () => {
  provider = await startProvider((seen, response) => {
    const { model } = JSON.parse(seen.body.toString()) as { model: Model };
    const fails = ++asked[model] % models[model].failsEvery === 0;
    setTimeout(
      () => json(response, fails ? { error: {} } : chatCompletion(model), fails ? 500 : 200),
      models[model].ms,
    );
  });
  weir = await startWeir({ openai: provider.url }, { OPENAI_API_KEY: 'sk-held' });
});
afterAll(async () => {
  await weir.stop();
  await provider.close();
});

interface Arm {
  variant: Model;
  units: string;
  requests: string;
  failed: string;
  failed_attempts: string;
  ms: number;
}

/** Sends the same users through a split, and reads what came of each arm. */
async function run(name: string, more: [string, string][]): Promise<{ arms: Arm[]; assigned: Record<Model, number> }> {
  const key = firstKey(weir.dataDir);
  const assigned: Record<Model, number> = { steady: 0, shaky: 0 };
  let next = 0;
  const clients = Array.from({ length: 20 }, async () => {
    for (let n = next++; n < calls; n = next++) {
      const answer = await rawRequest(weir.proxy.url, {
        path: '/openai/v1/chat/completions',
        body: JSON.stringify({ model: 'any', messages: [] }),
        headers: [
          ['Content-Type', 'application/json'],
          ['Weir-Key', key],
          ['Weir-User', `user-${n % 200}`],
          ['Weir-Split', `name=${name}, by=user, to=(openai/steady;w=50;n=steady openai/shaky;w=50;n=shaky)`],
          ...more,
        ],
      });
      assigned[answer.header('weir-variant') as Model]++;
    }
  });
  await Promise.all(clients);
  const arms = await until(30_000, 'all rows', async () => {
    const found = await weir.query<Arm>(`
      SELECT r.variant AS variant, uniqExact(split_unit) AS units, count() AS requests,
             countIf(r.outcome NOT IN ('ok', 'cancelled')) AS failed, sum(a.failed) AS failed_attempts,
             quantileExact(0.5)(r.upstream_ms) AS ms
      FROM requests AS r
      LEFT JOIN (SELECT request_id, countIf(outcome = 'provider_error') AS failed FROM attempts GROUP BY request_id) AS a
        ON a.request_id = r.request_id
      WHERE split = '${name}' GROUP BY variant ORDER BY variant`);
    return found.reduce((sum, { requests }) => sum + Number(requests), 0) === calls ? found : undefined;
  });
  return { arms, assigned };
}

test('by assignment: units, requests, errors and time of each arm are those that it was given', async () => {
  const { arms, assigned } = await run('plain', []);
  const [shaky, steady] = arms as [Arm, Arm];
  expect([Number(steady.requests), Number(shaky.requests)]).toEqual([assigned.steady, assigned.shaky]);
  expect(Number(steady.units) + Number(shaky.units)).toBe(200);
  expect([Number(steady.failed), Number(shaky.failed)]).toEqual([0, Math.floor(asked.shaky / 4)]);
  // The machine adds to both alike.
  expect(shaky.ms - steady.ms).toBeGreaterThan(60);
  expect(shaky.ms - steady.ms).toBeLessThan(140);
});

test('the worse arm falls back to the better: nobody sees an error, and yet the rows say which arm fails', async () => {
  const before = { ...asked };
  const { arms, assigned } = await run('rescued', [['Weir-Fallback', 'to=(openai/steady)']]);
  const [shaky, steady] = arms as [Arm, Arm];
  const failed = Math.floor(asked.shaky / 4) - Math.floor(before.shaky / 4);
  expect(failed).toBeGreaterThan(20);
  // The circuit of the shaky one is never opened by a quarter of failures: it was asked each time that it was assigned.
  expect(asked.shaky - before.shaky).toBe(assigned.shaky);
  expect([Number(steady.failed), Number(shaky.failed)]).toEqual([0, 0]);
  expect([Number(steady.failed_attempts), Number(shaky.failed_attempts)]).toEqual([0, failed]);
  expect([Number(steady.requests), Number(shaky.requests)]).toEqual([assigned.steady, assigned.shaky]);
  // By who answered, the steady model would have been given what it only rescued.
  const [row] = await weir.query<{ n: string }>(
    `SELECT countIf(response_model = 'steady') AS n FROM requests WHERE split = 'rescued'`,
  );
  expect(Number(row?.n)).toBe(assigned.steady + failed);
});
