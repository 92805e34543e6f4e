import { describe, expect, test } from 'vitest';
import { errorShapeOf } from '../../proxy/src/providers/own-errors.ts';
import { providers } from '../../proxy/src/providers/registry.ts';
import { dialectOf } from './support.ts';

describe('what a call is follows from its method and path', () => {
  test.each([
    ['openai', 'POST', '/v1/chat/completions', 'chat'],
    ['groq', 'POST', '/openai/v1/chat/completions', 'chat'],
    ['openrouter', 'POST', '/api/v1/chat/completions', 'chat'],
    ['google', 'POST', '/v1beta/openai/chat/completions', 'chat'],
    ['alibaba', 'POST', '/compatible-mode/v1/chat/completions', 'chat'],
    ['zai', 'POST', '/api/paas/v4/chat/completions', 'chat'],
    ['perplexity', 'POST', '/chat/completions', 'chat'],
    ['openai', 'GET', '/v1/chat/completions', 'other'],
    ['openai', 'POST', '/v1/responses', 'responses'],
    ['openai', 'GET', '/v1/responses/resp_1', 'responses'],
    ['openai', 'POST', '/v1/responses/compact', 'responses'],
    ['openai', 'POST', '/v1/responses/input_tokens', 'token_count'],
    ['openai', 'POST', '/v1/completions', 'completion'],
    ['openai', 'POST', '/v1/embeddings', 'embeddings'],
    ['openai', 'POST', '/v1/images/edits', 'image'],
    ['openai', 'POST', '/v1/audio/transcriptions', 'audio'],
    ['openai', 'POST', '/v1/moderations', 'moderation'],
    ['openai', 'GET', '/v1/files/file-1/content', 'file'],
    ['openai', 'POST', '/v1/batches', 'batch'],
    ['openai', 'GET', '/v1/models', 'model_list'],
    ['openai', 'GET', '/v1/realtime', 'realtime'],
    ['google', 'GET', '/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent', 'realtime'],
    ['vertex', 'GET', '/ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent', 'realtime'],
    ['openai', 'POST', '/v1/something/new', 'other'],
    ['anthropic', 'POST', '/v1/messages', 'messages'],
    ['deepseek', 'POST', '/anthropic/v1/messages', 'messages'],
    ['anthropic', 'POST', '/v1/messages/count_tokens', 'token_count'],
    ['anthropic', 'GET', '/v1/messages/batches/msgbatch_1/results', 'batch'],
    ['anthropic', 'POST', '/v1/complete', 'completion'],
    ['google', 'POST', '/v1beta/models/gemini-2.5-pro:generateContent', 'generate_content'],
    ['google', 'POST', '/v1beta/models/gemini-2.5-pro:streamGenerateContent', 'generate_content'],
    ['google', 'POST', '/v1beta/models/gemini-2.5-pro:countTokens', 'token_count'],
    ['google', 'POST', '/v1beta/models/gemini-embedding-001:batchEmbedContents', 'embeddings'],
    ['google', 'GET', '/v1beta/models', 'model_list'],
    ['voyage', 'POST', '/v1/rerank', 'rerank'],
    ['azure', 'POST', '/openai/deployments/my-gpt/chat/completions', 'chat'],
    ['azure', 'POST', '/models/chat/completions', 'chat'],
    ['azure', 'POST', '/openai/v1/responses', 'responses'],
    ['azure', 'POST', '/openai/deployments/d/audio/transcriptions', 'audio'],
    ['azure', 'GET', '/openai/deployments', 'model_list'],
    ['bedrock', 'POST', '/model/amazon.nova-lite-v1%3A0/converse', 'chat'],
    ['bedrock', 'POST', '/model/amazon.nova-lite-v1:0/converse-stream', 'chat'],
    ['bedrock', 'POST', '/model/anthropic.claude-v2/invoke', 'chat'],
    ['bedrock', 'POST', '/model/meta.llama3-8b/invoke-with-response-stream', 'chat'],
    ['bedrock', 'POST', '/model/amazon.titan-embed-text-v2%3A0/invoke', 'embeddings'],
    ['bedrock', 'POST', '/model/amazon.nova-canvas-v1:0/invoke', 'image'],
    ['bedrock', 'POST', '/model/cohere.rerank-v3-5:0/invoke', 'rerank'],
    ['bedrock', 'POST', '/model/anthropic.claude-v2/count-tokens', 'token_count'],
    ['bedrock', 'POST', '/openai/v1/responses', 'responses'],
    [
      'vertex',
      'POST',
      '/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-pro:generateContent',
      'generate_content',
    ],
    ['vertex', 'POST', '/v1/projects/p/locations/l/publishers/anthropic/models/claude@1:rawPredict', 'messages'],
    ['vertex', 'POST', '/v1/projects/p/locations/l/publishers/anthropic/models/claude@1:streamRawPredict', 'messages'],
    ['vertex', 'POST', '/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict', 'token_count'],
    ['vertex', 'POST', '/v1/projects/p/locations/l/publishers/mistralai/models/codestral@2:rawPredict', 'chat'],
    ['vertex', 'POST', '/v1/projects/p/locations/l/publishers/google/models/text-embedding-005:predict', 'embeddings'],
    ['vertex', 'POST', '/v1/projects/p/locations/l/publishers/google/models/imagen-4.0:predict', 'image'],
    ['vertex', 'POST', '/v1/projects/p/locations/l/endpoints/openapi/chat/completions', 'chat'],
    ['vertex', 'POST', '/v1/projects/p/locations/l/batchPredictionJobs', 'batch'],
    ['cohere', 'POST', '/v2/chat', 'chat'],
    ['cohere', 'POST', '/v1/generate', 'completion'],
    ['cohere', 'POST', '/v2/embed', 'embeddings'],
    ['cohere', 'POST', '/v2/rerank', 'rerank'],
    ['cohere', 'POST', '/v1/tokenize', 'token_count'],
    ['ollama', 'POST', '/api/chat', 'chat'],
    ['ollama', 'POST', '/api/generate', 'completion'],
    ['ollama', 'POST', '/api/embed', 'embeddings'],
    ['ollama', 'GET', '/api/tags', 'model_list'],
    ['custom', 'POST', '/ml/v1/text/generation_stream', 'completion'],
    ['custom', 'POST', '/v1/listen', 'audio'],
  ])('%s %s %s is %s', (provider, method, path, operation) => {
    expect(dialectOf(provider).operation(method, path)).toBe(operation);
  });

  test('the model is read from the paths that name it', () => {
    const { modelInPath } = dialectOf('google');
    expect(modelInPath('/v1beta/models/gemini-2.5-pro:generateContent')).toBe('gemini-2.5-pro');
    expect(modelInPath('/v1beta/tunedModels/mine%20own:generateContent')).toBe('mine own');
    expect(modelInPath('/openai/deployments/my-gpt/chat/completions')).toBe('my-gpt');
    expect(modelInPath('/v1/chat/completions')).toBeNull();
    expect(modelInPath('/v1beta/models/%zz:generateContent')).toBe('%zz');
    expect(modelInPath('/model/us.amazon.nova-lite-v1%3A0/converse-stream')).toBe('us.amazon.nova-lite-v1:0');
    const profile = 'arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude';
    expect(modelInPath(`/model/${profile}/invoke`)).toBe(profile);
    expect(modelInPath(`/model/${encodeURIComponent(profile)}/converse`)).toBe(profile);
    expect(modelInPath('/v1/publishers/anthropic/models/claude-x@20250101:rawPredict')).toBe('claude-x@20250101');
    expect(modelInPath('/v1/publishers/anthropic/models/count-tokens:rawPredict')).toBeNull();
  });
});

describe('an error of our own', () => {
  test.each([
    ['bedrock', '/model/m/converse', 'aws'],
    ['bedrock', '/v1/chat/completions', 'openai'],
    ['google', '/v1beta/openai/chat/completions', 'openai'],
    ['google', '/v1beta/models/m:generateContent', 'google'],
    ['deepseek', '/anthropic/v1/messages', 'anthropic'],
    ['anthropic', '/v1/complete', 'anthropic'],
    ['azure', '/openai/v1/responses/resp_1', 'openai'],
  ])('of %s at %s has the shape of %s', (name, path, shape) => {
    const provider = providers.get(name);
    expect(provider === undefined ? null : errorShapeOf(provider, path).name).toBe(shape);
  });
});

describe('the list of providers', () => {
  test('every provider of the contract is there, over https', () => {
    const named =
      'openai anthropic google azure bedrock vertex mistral cohere groq xai deepseek together fireworks perplexity openrouter cerebras ' +
      'huggingface nvidia ollama moonshot alibaba zai voyage custom';
    expect([...providers.keys()].sort()).toEqual(named.split(' ').sort());
    for (const provider of providers.values()) {
      if (provider.host !== null) expect(new URL(provider.host).href).toBe(`${provider.host}/`);
      expect(provider.credentialHeaders.every((name) => name === name.toLowerCase())).toBe(true);
    }
  });

  test('an error of our own has the shape that each dialect raises', () => {
    const error = { status: 429, code: 'limit_exceeded', message: 'too many' };
    expect(dialectOf('groq').errorBody(error)).toEqual({
      error: { message: 'too many', type: 'rate_limit_error', param: null, code: 'limit_exceeded' },
    });
    expect(dialectOf('anthropic').errorBody(error)).toMatchObject({
      type: 'error',
      error: { type: 'rate_limit_error' },
    });
    expect(dialectOf('google').errorBody(error)).toMatchObject({ error: { code: 429, status: 'RESOURCE_EXHAUSTED' } });
    expect(dialectOf('bedrock').errorBody(error)).toEqual({ __type: 'ThrottlingException', message: 'too many' });
    for (const name of ['openai', 'anthropic', 'google', 'bedrock']) {
      expect(dialectOf(name).errorEvent(error)).toMatch(/^(event: error\n)?data: \{.*\}\n\n$/);
    }
  });
});
