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

test('Anthropic’s speed and place of inference are part of the tier', () => {
  const usage = { input_tokens: 5, output_tokens: 1, service_tier: 'standard', speed: 'fast', inference_geo: 'us' };
  const reply = readReply([Buffer.from(JSON.stringify({ type: 'message', model: 'claude-opus-4-6', usage }))], {
    provider: 'anthropic',
    path: '/v1/messages',
  });
  expect(reply.serviceTier).toBe('standard+fast+us');
});
