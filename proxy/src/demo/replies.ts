/** What the demo's people ask and its providers answer, in the three dialects, plain and as a stream. */
import type { DemoModel } from './world.ts';

export const questions = [
  'A customer sent this photo. Do we carry this lamp in brass, under 400 euros, with delivery before 28 November?',
  'Where is my order 40-1187? It should have been here on Monday.',
  'Summarise the attached minutes in three sentences for people who were not there.',
  'Write two lines for the newsletter about the winter sale.',
];
export const answers = [
  'The brass lamp is in stock in Porto and arrives on Thursday.',
  'Your order was sent this morning; the tracking number is in the mail we just sent you.',
  'In short: revenue grew, costs fell a little, and the plan for the next quarter stands.',
  'I could not find that item. These three come close, and all of them can be delivered this week.',
];
const system = 'You answer questions of the shop’s own staff about the catalogue. Do not guess prices or stock.';

/** The body of a request in the dialect of `operation`. */
export function questionBody(operation: DemoModel['operation'], model: string, text: string, stream: boolean): object {
  if (operation === 'generate_content') {
    return { systemInstruction: { parts: [{ text: system }] }, contents: [{ role: 'user', parts: [{ text }] }] };
  }
  const messages = [{ role: 'user', content: text }];
  return operation === 'messages'
    ? { model, max_tokens: 512, system, messages, stream }
    : { model, messages: [{ role: 'system', content: system }, ...messages], stream };
}

export interface Answer {
  model: string;
  words: string[];
  input: number;
  output: number;
}

export interface Reply {
  plain: object;
  events: { event?: string; data: object | string }[];
}

/** The answer in the dialect of `operation`: as one document, and as the events of a stream. */
export function replyOf(operation: DemoModel['operation'], answer: Answer, at: number): Reply {
  if (operation === 'messages') return message(answer, at);
  return operation === 'generate_content' ? content(answer) : completion(answer, at);
}

export function eventText({ event, data }: Reply['events'][number]): string {
  const name = event === undefined ? '' : `event: ${event}\n`;
  return `${name}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}

/** How each dialect says that it was asked too much. */
export function refusalOf(operation: DemoModel['operation']): object {
  const text = 'Rate limit reached';
  if (operation === 'messages') return { type: 'error', error: { type: 'rate_limit_error', message: text } };
  if (operation === 'generate_content') return { error: { code: 429, message: text, status: 'RESOURCE_EXHAUSTED' } };
  return { error: { message: text, type: 'rate_limit_exceeded', code: 'rate_limit_exceeded' } };
}

function completion({ model, words, input, output }: Answer, at: number): Reply {
  const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
  const base = { id: `chatcmpl-${at}`, created: Math.floor(at / 1000), model };
  const chunk = (delta: object, finish_reason: string | null): { data: object } => ({
    data: { ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] },
  });
  const said = { role: 'assistant', content: words.join('') };
  return {
    plain: { ...base, object: 'chat.completion', choices: [{ index: 0, message: said, finish_reason: 'stop' }], usage },
    events: [
      ...words.map((text) => chunk({ content: text }, null)),
      chunk({}, 'stop'),
      { data: { ...base, object: 'chat.completion.chunk', choices: [], usage } },
      { data: '[DONE]' },
    ],
  };
}

function message({ model, words, input, output }: Answer, at: number): Reply {
  const base = { id: `msg_${at}`, type: 'message', role: 'assistant', model, stop_sequence: null };
  const counts = { cache_read_input_tokens: 0, cache_creation_input_tokens: 0 };
  const usage = { input_tokens: input, output_tokens: output, ...counts };
  const event = (type: string, data: object): Reply['events'][number] => ({ event: type, data: { type, ...data } });
  return {
    plain: { ...base, content: [{ type: 'text', text: words.join('') }], stop_reason: 'end_turn', usage },
    events: [
      event('message_start', {
        message: { ...base, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } },
      }),
      event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
      ...words.map((text) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } })),
      event('content_block_stop', { index: 0 }),
      event('message_delta', {
        delta: { stop_reason: 'end_turn', stop_sequence: null },
        usage: { output_tokens: output },
      }),
      event('message_stop', {}),
    ],
  };
}

function content({ model, words, input, output }: Answer): Reply {
  const part = (text: string, finishReason?: string): object => ({
    candidates: [
      {
        content: { role: 'model', parts: [{ text }] },
        index: 0,
        ...(finishReason === undefined ? {} : { finishReason }),
      },
    ],
    usageMetadata: { promptTokenCount: input, candidatesTokenCount: output, totalTokenCount: input + output },
    modelVersion: model,
  });
  return {
    plain: part(words.join(''), 'STOP'),
    events: words.map((text, index) => ({ data: part(text, index === words.length - 1 ? 'STOP' : undefined) })),
  };
}
