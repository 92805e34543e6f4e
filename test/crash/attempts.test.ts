/** The proxy dies in a call of several attempts: one row says so, and one for each attempt that was begun. */
import type { AttemptRow, RequestRow } from '@weir/schema/records';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { until } from '../support/deadline.ts';
import { chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await startProvider((_, response) => json(response, chatCompletion()));
  weir = await startWeir({ openai: provider.url });
});
beforeEach(() => {
  provider.seen.length = 0;
});
afterAll(async () => {
  await weir.stop();
  await provider.close();
});

/** Begins a call whose first attempt fails. @param asked attempts after which the proxy is killed. */
async function dies(id: string, retry: string, asked: number): Promise<{ row: RequestRow; attempts: AttemptRow[] }> {
  provider.script = (_, response) => {
    if (provider.seen.length === 1) json(response, { error: {} }, 503);
  };
  const call = fetch(`${weir.proxy.url}/openai/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'gpt-4o-mini', messages: [] }),
    headers: { 'content-type': 'application/json', 'weir-id': id, 'weir-retry': retry },
  }).catch(() => undefined);
  await until(10_000, 'it is asked', () => (provider.seen.length === asked ? true : undefined));
  await new Promise((resolve) => setTimeout(resolve, 300));
  await weir.proxy.kill();
  await call;
  await weir.restartProxy();
  const rows = await until(60_000, 'its row', async () => {
    const found = await weir.query<RequestRow>(`SELECT * FROM requests WHERE client_request_id = '${id}'`);
    return found.length > 0 ? found : undefined;
  });
  expect(rows).toHaveLength(1);
  const [row] = rows as [RequestRow];
  return { row, attempts: await weir.attempts(row.request_id) };
}

test('in a wait: one attempt', async () => {
  const { row, attempts } = await dies('waiting', 'retries=1, min=60000, max=60000', 1);
  expect([row.outcome, row.attempts, row.warnings]).toEqual(['interrupted', 1, ['recovered']]);
  expect(attempts.map(({ attempt_index, reason }) => [attempt_index, reason])).toEqual([[0, 'first']]);
});

test('in the second attempt: two, and why there was a second', async () => {
  const { row, attempts } = await dies('second', 'retries=1, min=1, max=1', 2);
  expect([row.outcome, row.attempts]).toEqual(['interrupted', 2]);
  expect(attempts.map(({ attempt_index, reason, trigger }) => [attempt_index, reason, trigger])).toEqual([
    [0, 'first', ''],
    [1, 'retry', '503'],
  ]);
});
