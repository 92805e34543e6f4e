/** Replies as the vendors' own SDKs read them. */
import Anthropic from '@anthropic-ai/sdk';
import { createOpenAI } from '@ai-sdk/openai';
import { GoogleGenAI, type GenerateContentResponse } from '@google/genai';
import { generateText, streamText } from 'ai';
import OpenAI from 'openai';
import type { TranslatedDialect } from '../../proxy/src/translate/translate.ts';
import type { Said } from './said.ts';
import { finishOf, parseArgs } from './said.ts';

const sum = (...counts: (number | null | undefined)[]): number =>
  counts.reduce<number>((all, count) => all + (count ?? 0), 0);

/** What is asked for, and as whom. */
export interface Asking {
  model: string;
  apiKey: string;
}

async function chat(url: string, streamed: boolean, { model, apiKey }: Asking): Promise<Said> {
  const client = new OpenAI({ apiKey, baseURL: url, maxRetries: 0 });
  const question = { model, messages: [{ role: 'user' as const, content: 'Hi' }] };
  const said: Said = { text: '', thinking: '', calls: [], finish: 'stop', input: null, output: null };
  const take = (message: object): void => {
    const { content, refusal, reasoning_content } = message as Record<string, string | null | undefined>;
    said.text += (content ?? '') + (refusal ?? '');
    said.thinking += reasoning_content ?? '';
  };
  let reason: string | null = null;
  let usage: OpenAI.CompletionUsage | undefined | null;
  if (streamed) {
    const args = new Map<number, { name: string; text: string }>();
    const stream = await client.chat.completions.create({
      ...question,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) {
      usage = chunk.usage ?? usage;
      for (const choice of chunk.choices.filter(({ index }) => index === 0)) {
        reason = choice.finish_reason ?? reason;
        take(choice.delta);
        for (const call of choice.delta.tool_calls ?? []) {
          const known = args.get(call.index) ?? { name: '', text: '' };
          known.name += call.function?.name ?? '';
          known.text += call.function?.arguments ?? '';
          args.set(call.index, known);
        }
      }
    }
    said.calls = [...args.values()].map(({ name, text }) => ({ name, args: parseArgs(text) }));
  } else {
    const reply = await client.chat.completions.create(question);
    usage = reply.usage;
    const [choice] = reply.choices;
    if (choice !== undefined) take(choice.message);
    reason = choice?.finish_reason ?? null;
    said.calls = (choice?.message.tool_calls ?? []).flatMap((call) =>
      call.type === 'function' ? [{ name: call.function.name, args: parseArgs(call.function.arguments) }] : [],
    );
  }
  return {
    ...said,
    finish: finishOf(reason ?? '', said.calls.length),
    input: usage?.prompt_tokens ?? null,
    output: usage?.completion_tokens ?? null,
  };
}

async function messages(url: string, streamed: boolean, { model, apiKey }: Asking): Promise<Said> {
  const client = new Anthropic({ apiKey, baseURL: url, maxRetries: 0 });
  const question = { model, max_tokens: 64, messages: [{ role: 'user' as const, content: 'Hi' }] };
  const reply = streamed
    ? await client.messages.stream(question).finalMessage()
    : await client.messages.create(question);
  const calls = reply.content.flatMap((block) =>
    block.type === 'tool_use' ? [{ name: block.name, args: block.input }] : [],
  );
  const { usage } = reply;
  return {
    text: reply.content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    thinking: reply.content.map((block) => (block.type === 'thinking' ? block.thinking : '')).join(''),
    calls,
    finish: finishOf(reply.stop_reason ?? '', calls.length),
    input: sum(usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens),
    output: usage.output_tokens,
  };
}

async function generate(url: string, streamed: boolean, { model, apiKey }: Asking): Promise<Said> {
  const client = new GoogleGenAI({ apiKey, httpOptions: { baseUrl: url } });
  const question = { model, contents: 'Hi' };
  const pieces: GenerateContentResponse[] = [];
  if (streamed) for await (const piece of await client.models.generateContentStream(question)) pieces.push(piece);
  else pieces.push(await client.models.generateContent(question));
  const said: Said = { text: '', thinking: '', calls: [], finish: 'stop', input: null, output: null };
  let reason = '';
  for (const piece of pieces) {
    const candidate = piece.candidates?.find(({ index }) => (index ?? 0) === 0);
    for (const part of candidate?.content?.parts ?? []) {
      if (part.thought === true) said.thinking += part.text ?? '';
      else said.text += part.text ?? '';
      if (part.functionCall !== undefined)
        said.calls.push({ name: part.functionCall.name ?? '', args: part.functionCall.args });
    }
    reason = candidate?.finishReason ?? reason;
    const usage = piece.usageMetadata;
    if (usage === undefined) continue;
    said.input = usage.promptTokenCount ?? null;
    said.output = sum(usage.candidatesTokenCount, usage.thoughtsTokenCount);
  }
  return { ...said, finish: finishOf(reason, said.calls.length) };
}

export const sdks: Readonly<
  Record<TranslatedDialect, (url: string, streamed: boolean, asking: Asking) => Promise<Said>>
> = {
  chat,
  messages,
  generate_content: generate,
};

/** The AI SDK, which checks each chunk against a schema. */
export async function aiSdk(url: string, streamed: boolean): Promise<Pick<Said, 'text' | 'input' | 'output'>> {
  const model = createOpenAI({ apiKey: 'k', baseURL: url }).chat('m');
  if (!streamed) {
    const { text, usage } = await generateText({ model, prompt: 'Hi', maxRetries: 0 });
    return { text, input: usage.inputTokens ?? null, output: usage.outputTokens ?? null };
  }
  let failed: unknown = null;
  const stream = streamText({ model, prompt: 'Hi', maxRetries: 0, onError: ({ error }) => void (failed = error) });
  let text = '';
  for await (const part of stream.textStream) text += part;
  if (failed !== null) throw failed instanceof Error ? failed : new Error(JSON.stringify(failed));
  const usage = await stream.usage;
  return { text, input: usage.inputTokens ?? null, output: usage.outputTokens ?? null };
}
