/** Promise 4 in a running Weir: what has no price is NULL and named; a price that is set is taken; a provider's figure wins. */
import { openDb } from '@weir/schema/db';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeBook } from '../../proxy/src/prices/book.ts';
import { builtInList } from '../../proxy/src/prices/list.ts';
import { writeStored } from '../../proxy/src/prices/stored.ts';
import { until } from '../support/deadline.ts';
import { chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
let model = 'house-1';
let usage: object = {};
beforeAll(async () => {
  provider = await startProvider((_, response) => {
    const reply = chatCompletion(model, 1000, 100) as { usage: object };
    json(response, { ...reply, usage: { ...reply.usage, ...usage } });
  });
  weir = await startWeir({ openai: provider.url, openrouter: provider.url });
});
afterAll(async () => {
  await weir.stop();
  await provider.close();
});

async function chat(path = '/openai/v1/chat/completions'): Promise<string> {
  const answer = await fetch(`${weir.proxy.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer sk-test' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hello' }] }),
  });
  await answer.arrayBuffer();
  return answer.headers.get('weir-id') ?? '';
}

interface Health {
  unpriced: { requests: number; models: { provider: string; model: string; requests: number }[]; others: number };
}
const health = async (): Promise<Health> => (await (await fetch(`${weir.proxy.url}/weir/health`)).json()) as Health;

test('a model without a price costs NULL, and is named in health and metrics', async () => {
  const row = await weir.request(await chat());
  expect([row.cost_usd, row.price_id, row.input_tokens]).toEqual([null, '', 1000]);
  const { unpriced } = await until(30_000, 'health names the model', async () => {
    const now = await health();
    return now.unpriced.models.length > 0 ? now : undefined;
  });
  expect(unpriced).toEqual({ requests: 1, models: [{ provider: 'openai', model: 'house-1', requests: 1 }], others: 0 });
  const metrics = await (await fetch(`${weir.proxy.url}/weir/metrics`)).text();
  expect(metrics).toContain('weir_unpriced_models{provider="openai",model="house-1"} 1');
});

test('a price that is set is taken within seconds, and kept over a restart', async () => {
  const rules = [{ provider: 'openai', model: 'house-*', prices: { input_mtok: '1', output_mtok: '2' } }];
  const version = makeBook(builtInList, rules).ownVersion;
  const db = openDb(weir.clickhouseUrl);
  await writeStored(db, 'own', rules);
  await db.close();
  await until(30_000, 'the list of unpriced models is empty', async () =>
    (await health()).unpriced.models.length === 0 ? true : undefined,
  );
  const priced = { cost_usd: '0.0012', price_id: `own@${version}/openai.house-_` };
  expect(await weir.request(await chat())).toMatchObject(priced);
  await weir.proxy.stop();
  await weir.restartProxy();
  expect(await weir.request(await chat())).toMatchObject(priced);
});

test('a provider’s own figure is the cost, to the last decimal', async () => {
  model = 'no/such-model';
  usage = { cost: 1.4e-7 };
  const id = await chat('/openrouter/api/v1/chat/completions');
  const row = await weir.request(id);
  expect(row).toMatchObject({
    cost_usd: '0.00000014',
    other_cost_usd: '0.00000014',
    price_id: 'reported',
    input_cost_usd: null,
  });
  expect((await weir.attempts(id)).at(-1)).toMatchObject({ cost_usd: '0.00000014', price_id: 'reported' });
});
