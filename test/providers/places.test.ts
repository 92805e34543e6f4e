import { describe, expect, test } from 'vitest';
import type { Target } from '../../proxy/src/call.ts';
import { parseInstructions } from '../../proxy/src/headers.ts';
import { findProvider, routeNative, splitPath } from '../../proxy/src/route.ts';

/** Where a raw request target goes, with these replacements. */
function route(raw: string, upstreams: Record<string, string> = {}): Target {
  const split = splitPath(raw);
  return routeNative(findProvider(split.provider), split, parseInstructions([]), {
    upstreams: new Map(Object.entries(upstreams)),
    allowTargets: [],
    isOwnAddress: () => false,
  });
}

function url(raw: string, upstreams: Record<string, string> = {}): string {
  const { origin, path } = route(raw, upstreams);
  return origin + path;
}

describe('the final URL', () => {
  test.each([
    ['/openai/v1/chat/completions', 'https://api.openai.com/v1/chat/completions'],
    ['/anthropic/v1/messages?beta=true', 'https://api.anthropic.com/v1/messages?beta=true'],
    [
      '/google/v1beta/models/g:generateContent?key=x',
      'https://generativelanguage.googleapis.com/v1beta/models/g:generateContent?key=x',
    ],
    [
      '/azure/my-res/openai/deployments/d/chat/completions?api-version=2024-10-21',
      'https://my-res.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21',
    ],
    ['/azure/my-res/openai/v1/responses', 'https://my-res.openai.azure.com/openai/v1/responses'],
    ['/azure/my-res.openai/openai/v1/responses', 'https://my-res.openai.azure.com/openai/v1/responses'],
    [
      '/azure/my-res.services.ai/models/chat/completions',
      'https://my-res.services.ai.azure.com/models/chat/completions',
    ],
    ['/azure/my-res.cognitiveservices/openai/v1/x', 'https://my-res.cognitiveservices.azure.com/openai/v1/x'],
    ['/azure/my-res.openai.azure.com/x', 'https://my-res.openai.azure.com/x'],
    ['/azure/my-res.azure.us/openai/v1/x', 'https://my-res.openai.azure.us/openai/v1/x'],
    ['/azure/my-res.openai.azure.us/x', 'https://my-res.openai.azure.us/x'],
    ['/azure/my-res.services.ai.azure.us/x', 'https://my-res.services.ai.azure.us/x'],
    ['/azure/my-res.cognitiveservices.azure.us/x', 'https://my-res.cognitiveservices.azure.us/x'],
    [
      '/bedrock/us-east-1/model/amazon.nova-lite-v1%3A0/converse',
      'https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-lite-v1%3A0/converse',
    ],
    ['/bedrock/eu-west-3/v1/chat/completions', 'https://bedrock-mantle.eu-west-3.api.aws/v1/chat/completions'],
    ['/bedrock/eu-west-3/openai/v1/responses', 'https://bedrock-mantle.eu-west-3.api.aws/openai/v1/responses'],
    [
      '/vertex/us-central1/v1/projects/p/locations/us-central1/publishers/google/models/g:generateContent',
      'https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1/publishers/google/models/g:generateContent',
    ],
    ['/vertex/global/v1/projects/p', 'https://aiplatform.googleapis.com/v1/projects/p'],
    ['/vertex/us/v1/projects/p', 'https://aiplatform.us.rep.googleapis.com/v1/projects/p'],
    ['/vertex/eu/v1/projects/p', 'https://aiplatform.eu.rep.googleapis.com/v1/projects/p'],
    ['/mistral/v1/chat/completions', 'https://api.mistral.ai/v1/chat/completions'],
    ['/cohere/v2/chat', 'https://api.cohere.com/v2/chat'],
    ['/groq/openai/v1/chat/completions', 'https://api.groq.com/openai/v1/chat/completions'],
    ['/xai/v1/responses', 'https://api.x.ai/v1/responses'],
    ['/deepseek/chat/completions', 'https://api.deepseek.com/chat/completions'],
    ['/together/v1/rerank', 'https://api.together.xyz/v1/rerank'],
    ['/fireworks/inference/v1/chat/completions', 'https://api.fireworks.ai/inference/v1/chat/completions'],
    ['/perplexity/chat/completions', 'https://api.perplexity.ai/chat/completions'],
    ['/openrouter/api/v1/chat/completions', 'https://openrouter.ai/api/v1/chat/completions'],
    ['/cerebras/v1/chat/completions', 'https://api.cerebras.ai/v1/chat/completions'],
    ['/huggingface/v1/chat/completions', 'https://router.huggingface.co/v1/chat/completions'],
    ['/nvidia/v1/chat/completions', 'https://integrate.api.nvidia.com/v1/chat/completions'],
    ['/ollama/api/chat', 'https://ollama.com/api/chat'],
    ['/moonshot/v1/chat/completions', 'https://api.moonshot.ai/v1/chat/completions'],
    [
      '/alibaba/compatible-mode/v1/chat/completions',
      'https://dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions',
    ],
    ['/zai/api/paas/v4/chat/completions', 'https://api.z.ai/api/paas/v4/chat/completions'],
    ['/voyage/v1/embeddings', 'https://api.voyageai.com/v1/embeddings'],
  ])('of %s', (raw, expected) => {
    expect(url(raw)).toBe(expected);
  });

  test('without a path is the root', () => {
    expect(url('/azure/my-res')).toBe('https://my-res.openai.azure.com/');
    expect(url('/bedrock/us-east-1?x=1')).toBe('https://bedrock-runtime.us-east-1.amazonaws.com/?x=1');
  });

  test('has a replaced host; the place is taken off all the same, and must be one', () => {
    const upstreams = {
      azure: 'http://127.0.0.1:9000',
      bedrock: 'http://127.0.0.1:9001',
      vertex: 'http://127.0.0.1:9002',
    };
    expect(url('/azure/my-res.services.ai/models/chat', upstreams)).toBe('http://127.0.0.1:9000/models/chat');
    expect(url('/bedrock/us-east-1/model/m/converse', upstreams)).toBe('http://127.0.0.1:9001/model/m/converse');
    expect(url('/vertex/global/v1/x', upstreams)).toBe('http://127.0.0.1:9002/v1/x');
    expect(() => url('/azure/my_res/x', upstreams)).toThrow('resource');
  });

  test.each([
    ['azure', ''],
    ['azure', 'My-Res'],
    ['azure', 'my_res'],
    ['azure', 'a'.repeat(64)],
    ['azure', 'evil.com'],
    ['azure', 'my-res.openai.azure.com.evil.com'],
    ['azure', 'my-res.__proto__'],
    ['azure', 'a@evil'],
    ['azure', 'a:b'],
    ['azure', 'a%2Fb'],
    ['bedrock', 'us-east-1.evil'],
    ['bedrock', 'us-east-1#'],
    ['vertex', 'global.'],
    ['vertex', '..'],
    ['vertex', 'us central1'],
  ])('is never made of /%s/%s', (provider, place) => {
    expect(() => route(`/${provider}/${place}/v1/x`)).toThrow(
      expect.objectContaining({ code: 'unknown_provider', status: 404 }) as Error,
    );
  });
});
