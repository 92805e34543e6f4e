import { KEEP, TEXT, keep, plan } from '../../json/plan.ts';
import type { Plan } from '../../json/plan.ts';
import type { JsonObject } from '../../json/value.ts';
import { asCount, asList, asObject } from '../../json/value.ts';
import type { FactsBuilder } from '../facts.ts';

/**
 * Reply shapes that only InvokeModel has, whole and as pieces of a stream:
 * docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html. Their counts are given Converse's names.
 */
export interface ModelShape {
  readonly plan: Plan;
  is(body: JsonObject): boolean;
  read(facts: FactsBuilder, body: JsonObject): void;
}

/** …/model-parameters-meta.html. `generation_token_count` is cumulative. */
const LLAMA: ModelShape = {
  plan: plan({ ...keep('prompt_token_count', 'generation_token_count', 'stop_reason'), generation: TEXT }),
  is: (body) => body['generation'] !== undefined,
  read(facts, body) {
    facts.text(body['generation']);
    facts.finish(0, body['stop_reason']);
    facts.usage({ inputTokens: body['prompt_token_count'], outputTokens: body['generation_token_count'] });
  },
};

/** …/model-parameters-titan-text.html, …/model-parameters-titan-embed-text.html. */
const TITAN: ModelShape = {
  plan: plan({
    ...keep('inputTextTokenCount', 'totalOutputTextTokenCount', 'completionReason', 'index'),
    outputText: TEXT,
    results: plan({ ...keep('tokenCount', 'completionReason'), outputText: TEXT }),
  }),
  is: (body) => body['outputText'] !== undefined || body['inputTextTokenCount'] !== undefined,
  read(facts, body) {
    facts.text(body['outputText']);
    facts.finish(asCount(body['index']) ?? 0, body['completionReason']);
    let written: number | null = asCount(body['totalOutputTextTokenCount']);
    asList(body['results']).forEach((value, position) => {
      const result = asObject(value);
      facts.text(result?.['outputText']);
      facts.finish(position, result?.['completionReason']);
      const count = asCount(result?.['tokenCount']);
      if (count !== null) written = (written ?? 0) + count;
    });
    facts.usage({ inputTokens: body['inputTextTokenCount'], outputTokens: written });
  },
};

/** …/model-parameters-mistral-text-completion.html. Its chat has OpenAI's shape. */
const MISTRAL: ModelShape = {
  plan: plan({ outputs: plan({ stop_reason: KEEP, text: TEXT }) }),
  is: (body) => Array.isArray(body['outputs']),
  read(facts, body) {
    asList(body['outputs']).forEach((value, position) => {
      const output = asObject(value);
      facts.text(output?.['text']);
      facts.finish(position, output?.['stop_reason']);
    });
  },
};

/** …/model-parameters-jurassic2.html. Jamba has OpenAI's shape. */
const JURASSIC: ModelShape = {
  plan: plan({ completions: plan({ data: plan({ text: TEXT }), finishReason: plan(keep('reason')) }) }),
  is: (body) => Array.isArray(body['completions']),
  read(facts, body) {
    asList(body['completions']).forEach((value, position) => {
      const completion = asObject(value);
      facts.text(asObject(completion?.['data'])?.['text']);
      facts.finish(position, asObject(completion?.['finishReason'])?.['reason']);
    });
  },
};

/** …/model-parameters-nova-canvas.html, …/model-parameters-stability-diffusion.html: pictures in base64. */
const IMAGES: ModelShape = {
  plan: plan({ images: TEXT, artifacts: plan(keep('finishReason')) }),
  is: (body) => Array.isArray(body['images']) || Array.isArray(body['artifacts']),
  read(facts, body) {
    facts.unit('images', Math.max(asList(body['images']).length, asList(body['artifacts']).length));
  },
};

export const MODEL_SHAPES: readonly ModelShape[] = [LLAMA, TITAN, MISTRAL, JURASSIC, IMAGES];
