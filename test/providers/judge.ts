import type { Provider, ReplyFacts, RequestFacts } from '../../proxy/src/providers/provider.ts';
import { providers } from '../../proxy/src/providers/registry.ts';
import type { Recording } from './recordings.ts';
import { bodyOf } from './recordings.ts';

export type Split = (body: Buffer) => Iterable<Uint8Array>;

export const whole: Split = (body) => [body];
export const bytewise: Split = function* (body) {
  for (let at = 0; at < body.length; at++) yield body.subarray(at, at + 1);
};

/** Chunks of 1 to 2·mean bytes, the same ones for the same seed. */
export function randomly(seed: number, mean: number): Split {
  return function* (body) {
    let state = seed | 1;
    for (let at = 0; at < body.length;) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      const size = 1 + ((state >>> 8) % (2 * mean));
      yield body.subarray(at, at + size);
      at += size;
    }
  };
}

/** The provider that a recording went to; what Weir has no row for is an OpenAI-shaped server of somebody's own. */
export function providerOf(recording: Recording): Provider {
  const name = recording.provider === 'google-vertex' ? 'vertex' : recording.provider;
  const provider = providers.get(name) ?? providers.get('custom');
  if (provider === undefined) throw new Error('no custom provider');
  return provider;
}

export interface Reading {
  readonly request: RequestFacts;
  readonly reply: ReplyFacts;
  readonly operation: string;
}

export function readRecording(recording: Recording, split: Split): Reading {
  const { dialect } = providerOf(recording);
  const path = recording.request.path.split('?')[0] ?? '';
  const operation = dialect.operation(recording.request.method, path);
  const header = (part: { headers: Record<string, string> }, name: string): string | null =>
    Object.entries(part.headers).find(([key]) => key.toLowerCase() === name)?.[1] ?? null;
  const request = dialect.requestReader({
    operation,
    path,
    contentType: (header(recording.request, 'content-type') ?? '').toLowerCase(),
  });
  for (const chunk of split(bodyOf(recording.request))) request.feed(chunk);
  const reply = dialect.replyReader({
    operation,
    path,
    status: recording.response.status,
    contentType: (header(recording.response, 'content-type') ?? '').toLowerCase(),
    header: (name) => header(recording.response, name),
  });
  for (const chunk of split(bodyOf(recording.response))) reply.feed(chunk);
  return { request: request.end(), reply: reply.end(), operation };
}

/** Recorded, but no usage of the call. */
const UNCOUNTED = /count_tokens|countTokens|count-tokens|input_tokens|^batches|^files|^models/;

/** What a recording's numbers are in Weir's convention (traffic/README.md says what each provider means by them). */
function convert(recording: Recording): { input: number | null; output: number | null; reasoning: number | null } {
  const { expect, provider, api } = recording;
  let { input_tokens: input, output_tokens: output, reasoning_tokens: reasoning } = expect;
  if (UNCOUNTED.test(api)) return { input: null, output: null, reasoning: null };
  const invoked = api === 'invoke' || api === 'invoke-with-response-stream';
  // Only models that cache report cached counts, and all of those leave them out of the input.
  const apart = api === 'messages' || (provider === 'bedrock' && (invoked || api.startsWith('converse')));
  const gemini = /enerateContent|embedContent|EmbedContents|interactions/.test(api);
  if (apart && input !== null) input += (expect.cached_input_tokens ?? 0) + (expect.cache_write_tokens ?? 0);
  if (gemini && input !== null) input += expect.tool_use_prompt_tokens ?? 0;
  if (gemini && reasoning !== null) output = (output ?? 0) + reasoning;
  if (provider === 'xai' && api === 'chat.completions' && output !== null) output += reasoning ?? 0;
  if (provider === 'voyage') input = expect.total_tokens;
  if (provider === 'google' && api === 'chat.completions' && expect.total_tokens !== null && input !== null) {
    const hidden = expect.total_tokens - input - (output ?? 0);
    output = expect.total_tokens - input;
    reasoning = hidden > 0 ? hidden : reasoning;
  }
  return { input, output, reasoning };
}

export interface Cell {
  readonly name: string;
  readonly expected: unknown;
  readonly actual: unknown;
  readonly right: boolean;
}

/** Compares a reading with what the recording is known to say. */
export function judge(recording: Recording, { request, reply }: Reading): Cell[] {
  const { expect } = recording;
  const { input, output, reasoning } = convert(recording);
  const counted = UNCOUNTED.test(recording.api);
  const usage = reply.usage;
  const rows: [string, unknown, unknown][] = [
    ['request_model', expect.request_model, request.model],
    ['model', expect.model, reply.model],
    ['input', input, usage?.input_tokens ?? null],
    ['output', output, usage?.output_tokens ?? null],
    ['cached', counted ? null : expect.cached_input_tokens, usage?.cache_read_tokens ?? null],
    ['written', counted ? null : expect.cache_write_tokens, usage?.cache_write_tokens ?? null],
    ['reasoning', reasoning, usage?.reasoning_tokens ?? null],
    ['audio_in', expect.input_audio_tokens, usage?.input_audio_tokens ?? null],
    ['audio_out', expect.output_audio_tokens, usage?.output_audio_tokens ?? null],
    ['finish', (expect.finish_reasons ?? []).join(), reply.finishReasons.join()],
    ['tools', expect.tool_calls ?? 0, reply.toolCalls],
    ['error_type', expect.error_type, reply.error?.type ?? null],
    ['error_message', expect.error_message, reply.error?.message ?? null],
  ];
  return rows.map(([name, expected, actual]) => ({ name, expected, actual, right: same(name, expected, actual) }));
}

/** The corpus cut long messages. */
function same(name: string, expected: unknown, actual: unknown): boolean {
  if (name !== 'error_message' || typeof expected !== 'string' || typeof actual !== 'string')
    return expected === actual;
  return expected.length < 200 ? expected === actual : actual.startsWith(expected);
}
