/** What replies count beside their tokens: read where each provider tells it, each piece once. */
import { expect, test } from 'vitest';
import type { Units } from '../../proxy/src/providers/provider.ts';
import { readUnits } from '../../proxy/src/providers/units.ts';
import { readReply } from './support.ts';

test.each<[string, Record<string, unknown>, Units]>([
  ['Anthropic’s searches', { server_tool_use: { web_search_requests: 3 } }, { web_searches: 3 }],
  [
    'Perplexity’s searches and citations',
    { num_search_queries: 28, citation_tokens: 20_016 },
    { web_searches: 28, output_citation_tokens: 20_016 },
  ],
  ['seconds of speech', { type: 'duration', seconds: 9 }, { audio_seconds: 9 }],
  ['seconds that are a cost in another API', { type: 'tokens', seconds: 9 }, {}],
  ['Mistral’s seconds', { prompt_audio_seconds: 12.5 }, { audio_seconds: 12.5 }],
  ['pages', { pages_processed: 5 }, { input_document_pages: 5 }],
  ['Cohere’s searches', { search_units: 1 }, { rerank_searches: 1 }],
  [
    'kinds of cached tokens',
    { input_token_details: { cached_tokens: 100, cached_tokens_details: { text_tokens: 60, audio_tokens: 40 } } },
    { cache_read_audio_tokens: 40 },
  ],
  [
    'Gemini’s kinds of tokens',
    {
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 9 },
        { modality: 'VIDEO', tokenCount: 258 },
      ],
      cacheTokensDetails: [{ modality: 'TEXT', tokenCount: 5 }],
      candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1290 }],
    },
    { input_video_tokens: 258, cache_read_audio_tokens: 0, cache_read_image_tokens: 0, output_image_tokens: 1290 },
  ],
  [
    'nothing of what is hostile',
    { search_units: -1, num_search_queries: '5', prompt_audio_seconds: Infinity, promptTokensDetails: [null, 'x'] },
    {},
  ],
])('%s', (_, usage, units) => {
  expect(readUnits(usage)).toEqual(units);
});

test('OpenRouter with a key of one’s own: its fee and what the vendor charges', () => {
  const cost = (usage: object): string | null =>
    readReply(
      [JSON.stringify({ model: 'm', choices: [], usage: { prompt_tokens: 1, completion_tokens: 1, ...usage } })],
      {
        provider: 'openrouter',
        path: '/api/v1/chat/completions',
      },
    ).reportedCostUsd;
  const details = { cost_details: { upstream_inference_cost: 0.0123 } };
  expect(Number(cost({ cost: 6.15e-4, is_byok: true, ...details }))).toBe(0.012915);
  expect(cost({ cost: 0.0123, is_byok: false, ...details })).toBe('0.0123');
  expect(cost({ cost: 0.0006, is_byok: true })).toBeNull();
});

const bytes = (...events: object[]): Buffer[] =>
  events.map((event) => Buffer.from(`data: ${JSON.stringify(event)}\n\n`));

test('a search that a stream tells three times is one; leafing through a page is none', () => {
  const search = { type: 'web_search_call', status: 'completed', action: { type: 'search' } };
  const open = { type: 'web_search_call', status: 'completed', action: { type: 'open_page' } };
  const reply = readReply(
    bytes(
      { type: 'response.output_item.added', output_index: 0, item: { type: 'web_search_call', status: 'in_progress' } },
      { type: 'response.output_item.done', output_index: 0, item: search },
      { type: 'response.output_item.done', output_index: 1, item: open },
      {
        type: 'response.completed',
        response: { status: 'completed', output: [search, open, search], usage: { input_tokens: 5, output_tokens: 1 } },
      },
    ),
    { path: '/v1/responses', type: 'text/event-stream' },
  );
  expect(reply.units).toEqual({ web_searches: 2 });
});

test('searches of the preview tool are told apart, however late its name comes', () => {
  const search = { type: 'web_search_call', status: 'completed', action: { type: 'search' } };
  const response = (type: string): object => ({ status: 'completed', tools: [{ type }], output: [search] });
  const path = '/v1/responses';
  const done = { type: 'response.output_item.done', output_index: 0, item: search };
  const completed = { type: 'response.completed', response: response('web_search_preview') };
  for (const events of [
    [done, completed],
    [{ ...completed, type: 'response.created' }, done, completed],
  ])
    expect(readReply(bytes(...events), { path, type: 'text/event-stream' }).units).toEqual({ preview_web_searches: 1 });
  const whole = (type: string): Units => readReply([Buffer.from(JSON.stringify(response(type)))], { path }).units;
  expect(whole('web_search_preview_2025_03_11')).toEqual({ preview_web_searches: 1 });
  expect(whole('web_search')).toEqual({ web_searches: 1 });
  expect(whole('web_search_2025_08_26')).toEqual({ web_searches: 1 });
});

test('the tier that served a Gemini call is read wherever it stands', () => {
  const path = '/v1beta/models/gemini-2.5-flash:generateContent';
  const tierOf = (body: object, more: Partial<Parameters<typeof readReply>[1]>): string | null =>
    readReply([JSON.stringify(body)], { provider: 'google', path, ...more }).serviceTier;
  const usageMetadata = { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 };
  const headers = { 'x-gemini-service-tier': 'priority' };
  expect(tierOf({ usageMetadata }, { headers })).toBe('priority');
  expect(tierOf({ usageMetadata: { ...usageMetadata, serviceTier: 'standard' } }, { headers })).toBe('standard');
  expect(tierOf({ usageMetadata: { ...usageMetadata, trafficType: 'ON_DEMAND_PRIORITY' } }, {})).toBe(
    'ON_DEMAND_PRIORITY',
  );
  const interaction = { id: 'i', model: 'gemini-3.5-flash', status: 'completed', service_tier: 'flex' };
  const interactions = { path: '/v1beta/interactions' };
  expect(tierOf(interaction, interactions)).toBe('flex');
  const events = bytes({ event_type: 'interaction.completed', interaction });
  expect(readReply(events, { provider: 'google', ...interactions, type: 'text/event-stream' }).serviceTier).toBe(
    'flex',
  );
});

test('Anthropic’s speed and place of inference are part of the tier', () => {
  const usage = { input_tokens: 5, output_tokens: 1, service_tier: 'standard', speed: 'fast', inference_geo: 'us' };
  const reply = readReply([Buffer.from(JSON.stringify({ type: 'message', model: 'claude-opus-4-6', usage }))], {
    provider: 'anthropic',
    path: '/v1/messages',
  });
  expect(reply.serviceTier).toBe('standard+fast+us');
});
