/** What is taken before a call is never less than what it turns out to be: held against every recording. */
import { expect, test } from 'vitest';
import type { Call } from '@weir/proxy/src/call.ts';
import { callerOf, readHeld } from '@weir/proxy/src/limits/caller.ts';
import { worstCase } from '@weir/proxy/src/limits/worst-case.ts';
import { builtInBook } from '@weir/proxy/src/prices/book.ts';
import { priceCall } from '@weir/proxy/src/prices/price.ts';
import { providers } from '@weir/proxy/src/providers/registry.ts';
import { splitPath } from '@weir/proxy/src/route.ts';
import { ABSENT, bodyOf, readRecordings, recordingsPresent } from '../providers/recordings.ts';

function callOf(
  path: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): { call: Call; bytes: Buffer } {
  const split = splitPath(path);
  const provider = providers.get(split.provider);
  if (provider === undefined) throw new Error(`no provider in ${path}`);
  const call = {
    provider,
    path: split.path,
    method: 'POST',
    operation: provider.dialect.operation('POST', split.path),
    requestModel: provider.dialect.modelInPath(split.path) ?? '',
    incoming: { headers: { 'content-type': 'application/json', ...headers } },
    instructions: { user: '', properties: {} },
  } as unknown as Call;
  return { call, bytes: Buffer.from(body) };
}

function most(path: string, body: string | Buffer, headers: Record<string, string> = {}) {
  const { call, bytes } = callOf(path, body, headers);
  const held = readHeld(call, bytes);
  const { provider, model } = callerOf(call, held, asSaid(call));
  return worstCase({ call, held, provider, model, host: '' }, builtInBook);
}
/** It goes where its path says. */
function asSaid({ provider }: Call) {
  return { provider, model: '' };
}
const chat = (more: object): string => JSON.stringify({ model: 'gpt-4o-mini', messages: [], ...more });

test.skipIf(!recordingsPresent)(`every recording with usage${recordingsPresent ? '' : ` (${ABSENT})`}`, () => {
  let [held, open] = [0, 0];
  const beyond: string[] = [];
  for (const recording of readRecordings()) {
    const { expect: told, request, response } = recording;
    if (response.status !== 200 || told.input_tokens === null || told.output_tokens === null) continue;
    // Of some only the reply was recorded: their request stands for another.
    if (recording.flags.includes('request_synthesised')) continue;
    if (!providers.has(recording.provider) || request.method !== 'POST') continue;
    const place = providers.get(recording.provider)?.place === undefined ? '' : '/us-east-1';
    const path = `/${recording.provider}${place}${request.path.split('?')[0]}`;
    const { call, bytes } = callOf(path, bodyOf(request), request.headers);
    const read = readHeld(call, bytes);
    const { provider, model } = callerOf(call, read, asSaid(call));
    const { tokens, nanos, unpriced } = worstCase({ call, held: read, provider, model, host: '' }, builtInBook);
    if (tokens === null) {
      open++;
      continue;
    }
    held++;
    const used = told.input_tokens + told.output_tokens;
    if (tokens < used) beyond.push(`${recording.id}: ${used} tokens, ${tokens} at most`);
    const usage = {
      input_tokens: told.input_tokens,
      output_tokens: told.output_tokens,
      cache_read_tokens: told.cached_input_tokens,
      cache_write_tokens: told.cache_write_tokens,
      cache_write_1h_tokens: null,
      reasoning_tokens: told.reasoning_tokens,
      input_audio_tokens: null,
      output_audio_tokens: null,
      input_image_tokens: null,
    };
    const { operation } = call;
    const cost = priceCall({ provider, model, usage, at: new Date(), serviceTier: null, operation });
    if (cost !== null && !unpriced && Number(cost.cost_usd) * 1e9 > (nanos ?? Infinity) + 1)
      beyond.push(`${recording.id}: ${cost.cost_usd} USD, ${(nanos ?? 0) / 1e9} at most`);
  }
  console.log(`worst case: ${held} recordings bounded, ${open} not`);
  expect(held).toBeGreaterThan(500);
  expect(beyond).toEqual([]);
});

test('gpt-4o-mini by hand: every byte of the body at 15 cents and every token allowed at 60 cents for a million', () => {
  const body = chat({ max_tokens: 1000 });
  const bound = most('/openai/v1/chat/completions', body);
  const input = body.length + 1024;
  expect(bound).toEqual({ tokens: input + 1000, nanos: input * 150 + 1000 * 600, unpriced: false });
});

test('each answer that is wanted counts', () => {
  const one = most('/openai/v1/chat/completions', chat({ max_completion_tokens: 10 })).tokens ?? 0;
  expect(most('/openai/v1/chat/completions', chat({ max_completion_tokens: 10, n: 5 })).tokens).toBe(one + 40 + 6);
});

test.each([
  ['files by reference', chat({ messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'f' } }] }] })],
  ['the same with escapes', '{"model":"gpt-4o-mini","messages":[{"file\\u005fid":"f"}]}'],
  ['a tool that the provider runs', chat({ tools: [{ type: 'web_search_preview' }] })],
  ['speech', chat({ modalities: ['text', 'audio'], audio: { voice: 'alloy' } })],
  ['what is no JSON', 'model=gpt-4o-mini'],
  ['what is broken', '{"model":"gpt-4o-mini","messages":['],
])('%s: nothing is promised', (_, body) => {
  expect(most('/openai/v1/chat/completions', body)).toMatchObject({ tokens: null, nanos: null });
});

test('a compressed body and a picture that is to be made: nothing is promised', () => {
  expect(most('/openai/v1/chat/completions', chat({}), { 'content-encoding': 'gzip' }).tokens).toBeNull();
  expect(most('/openai/v1/images/generations', '{"model":"gpt-image-1","prompt":"a"}').nanos).toBeNull();
});

test('a model without a price is said to have none; lists of models cost nothing', () => {
  expect(most('/openai/v1/chat/completions', chat({ model: 'no-such-model' })).unpriced).toBe(true);
  expect(most('/openai/v1/images/generations', '{"model":"no-such-model"}').unpriced).toBe(true);
  expect(most('/openai/v1/files', 'x')).toEqual({ tokens: 0, nanos: 0, unpriced: false });
});
