/** What was said, in each dialect that the conversation view reads. */
import type { BodyRow, RequestRow } from '@weir/schema/records';

const SYSTEM =
  'You answer questions of the shop’s own staff about the catalogue. Use the tools; do not guess prices or stock. Say which item you mean by its number.';
const ASKED =
  'Do we carry a cone table lamp in brass, under 400 euros, with delivery before 28 November? She is in Porto.';
const REPLY =
  'Yes: **40-1187, Cone table lamp, brass, 349 €**, delivered to Porto on 24 November.\n\nTwo things to tell her:\n\n- the shade is brass too\n- the aged-brass version (`40-1192`) would only arrive on 2 December';
const REASONED =
  'Item 40-1187 fits everything: brass, 349 euros, 24 November. 40-1192 is aged brass and arrives too late.';

export function bodyRow(request: RequestRow, asked: string, answered: string, over: Partial<BodyRow> = {}): BodyRow {
  return {
    request_id: request.request_id,
    started_at: request.started_at,
    project: request.project,
    request: asked,
    response: answered,
    request_headers: { 'content-type': 'application/json', 'weir-user': request.user_id, authorization: 'removed' },
    response_headers: {
      'content-type': request.streamed ? 'text/event-stream' : 'application/json',
      'weir-id': request.request_id,
      'weir-provider': request.provider,
    },
    request_truncated: false,
    response_truncated: false,
    ...over,
  };
}

const sse = (events: readonly unknown[], named = false): string =>
  events
    .map((event) => `${named ? `event: ${(event as { type: string }).type}\n` : ''}data: ${JSON.stringify(event)}\n\n`)
    .join('');

const words = (text: string): string[] => text.match(/\S+\s*|\s+/g) ?? [];
const tool = {
  name: 'search_catalogue',
  description: 'Finds items',
  schema: { type: 'object', properties: { form: { type: 'string' }, finish: { type: 'string' } } },
};
const args = { form: 'table lamp, cone shade', finish: 'brass', max_price_eur: 400 };
const found = [
  { item: '40-1187', name: 'Cone table lamp, brass', price_eur: 349, delivery: '2026-11-24' },
  { item: '40-1192', name: 'Cone table lamp, aged brass', price_eur: 389, delivery: '2026-12-02' },
];

export function chatBodies(request: RequestRow): BodyRow[] {
  if (request.outcome !== 'ok' && request.outcome !== 'cancelled') {
    return [
      bodyRow(
        request,
        asOpenai(request),
        JSON.stringify({
          error: { message: request.error_message, type: request.error_type, code: request.error_type },
        }),
      ),
    ];
  }
  if (request.operation === 'messages') return [bodyRow(request, asAnthropic(request), fromAnthropic(request))];
  if (request.operation === 'responses') return [bodyRow(request, asResponses(request), fromResponses(request))];
  if (request.operation === 'generate_content') return [bodyRow(request, asGemini(), fromGemini(request))];
  if (request.operation === 'embeddings')
    return [
      bodyRow(
        request,
        JSON.stringify({ model: request.request_model, input: [ASKED] }),
        JSON.stringify({ object: 'list', data: [{ index: 0, embedding: [0.01, -0.02, 0.03] }] }),
      ),
    ];
  return [bodyRow(request, asOpenai(request), fromOpenai(request))];
}

function asOpenai(request: RequestRow): string {
  return JSON.stringify({
    model: request.request_model,
    stream: request.streamed,
    reasoning_effort: 'low',
    tools: [
      { type: 'function', function: { name: tool.name, description: tool.description, parameters: tool.schema } },
    ],
    messages: [
      { role: 'system', content: SYSTEM },
      {
        role: 'user',
        content: [
          { type: 'text', text: ASKED },
          {
            type: 'image_url',
            image_url: {
              url: 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC',
            },
          },
        ],
      },
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          { id: 'call_01', type: 'function', function: { name: tool.name, arguments: JSON.stringify(args) } },
        ],
      },
      { role: 'tool', tool_call_id: 'call_01', content: JSON.stringify(found) },
    ],
  });
}

function fromOpenai(request: RequestRow): string {
  if (!request.streamed)
    return JSON.stringify({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      model: request.response_model,
      choices: [{ index: 0, message: { role: 'assistant', content: REPLY }, finish_reason: 'stop' }],
      usage: { prompt_tokens: request.input_tokens, completion_tokens: request.output_tokens },
    });
  const chunk = (delta: unknown, finish_reason: string | null = null): unknown => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason }],
  });
  return `${sse([chunk({ role: 'assistant', content: '' }), ...words(REPLY).map((content) => chunk({ content })), chunk({}, 'stop')])}data: [DONE]\n\n`;
}

function asAnthropic(request: RequestRow): string {
  return JSON.stringify({
    model: request.request_model,
    max_tokens: 2048,
    stream: request.streamed,
    system: [{ type: 'text', text: SYSTEM, cache_control: { type: 'ephemeral' } }],
    tools: [{ name: tool.name, description: tool.description, input_schema: tool.schema }],
    messages: [
      { role: 'user', content: ASKED },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'Search by form first, then filter finish and price.', signature: 'x' },
          { type: 'tool_use', id: 'toolu_01Qm8', name: tool.name, input: args },
        ],
      },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_01Qm8', content: JSON.stringify(found) }] },
    ],
  });
}

function fromAnthropic(request: RequestRow): string {
  if (!request.streamed)
    return JSON.stringify({
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: request.response_model,
      content: [
        { type: 'thinking', thinking: REASONED, signature: 'x' },
        { type: 'text', text: REPLY },
      ],
      stop_reason: 'end_turn',
    });
  return sse(
    [
      {
        type: 'message_start',
        message: {
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          model: request.response_model,
          content: [],
          usage: { input_tokens: request.input_tokens },
        },
      },
      { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } },
      ...words(REASONED).map((thinking) => ({
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'thinking_delta', thinking },
      })),
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
      ...words(REPLY).map((text) => ({ type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text } })),
      { type: 'content_block_stop', index: 1 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: request.output_tokens } },
      { type: 'message_stop' },
    ],
    true,
  );
}

function asResponses(request: RequestRow): string {
  return JSON.stringify({
    model: request.request_model,
    stream: request.streamed,
    instructions: SYSTEM,
    tools: [{ type: 'function', name: tool.name, description: tool.description, parameters: tool.schema }],
    input: [
      { role: 'user', content: [{ type: 'input_text', text: ASKED }] },
      { type: 'function_call', call_id: 'call_01', name: tool.name, arguments: JSON.stringify(args) },
      { type: 'function_call_output', call_id: 'call_01', output: JSON.stringify(found) },
    ],
  });
}

function fromResponses(request: RequestRow): string {
  const output = [
    { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: REASONED }] },
    { type: 'message', id: 'm_1', role: 'assistant', content: [{ type: 'output_text', text: REPLY, annotations: [] }] },
  ];
  const response = { id: 'resp_1', object: 'response', status: 'completed', model: request.response_model, output };
  if (!request.streamed) return JSON.stringify(response);
  return sse(
    [
      { type: 'response.created', response: { id: 'resp_1', output: [] } },
      {
        type: 'response.output_item.added',
        output_index: 0,
        item: { type: 'message', id: 'm_1', role: 'assistant', content: [] },
      },
      ...words(REPLY).map((delta) => ({
        type: 'response.output_text.delta',
        output_index: 0,
        content_index: 0,
        delta,
      })),
      { type: 'response.completed', response },
    ],
    true,
  );
}

function asGemini(): string {
  return JSON.stringify({
    systemInstruction: { parts: [{ text: SYSTEM }] },
    tools: [{ functionDeclarations: [{ name: tool.name, description: tool.description }] }],
    contents: [
      { role: 'user', parts: [{ text: ASKED }] },
      { role: 'model', parts: [{ functionCall: { name: tool.name, args } }] },
      { role: 'user', parts: [{ functionResponse: { name: tool.name, response: { items: found } } }] },
    ],
  });
}

function fromGemini(request: RequestRow): string {
  const part = (text: string): unknown => ({ candidates: [{ content: { role: 'model', parts: [{ text }] } }] });
  if (!request.streamed) return JSON.stringify(part(REPLY));
  return sse(words(REPLY).map(part));
}
