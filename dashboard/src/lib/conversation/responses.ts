/** OpenAI's Responses. */
import {
  asList,
  asObject,
  asText,
  type Block,
  image,
  type Json,
  type JsonObject,
  type Message,
  pretty,
  prettyText,
  text,
} from './model.ts';
import { toolNames } from './openai.ts';

function parts(content: Json | undefined, markdown: boolean): Block[] {
  if (typeof content === 'string') return text(content, markdown);
  return asList(content).flatMap((item): Block[] => {
    const part = asObject(item);
    const type = asText(part['type']);
    if (type.endsWith('text')) return text(asText(part['text']), markdown);
    if (type === 'refusal') return text(asText(part['refusal']), markdown);
    if (type === 'input_image') return [image(asText(part['image_url']) || asText(part['file_id']))];
    return [{ kind: 'file', note: asText(part['filename']) || type || 'part' }];
  });
}

function item(value: Json, names: Map<string, string>): Message {
  const one = asObject(value);
  const type = asText(one['type']) || 'message';
  const id = asText(one['call_id']) || asText(one['id']);
  if (type === 'message') {
    const role = asText(one['role']) || 'assistant';
    return { role, blocks: parts(one['content'], role === 'assistant') };
  }
  if (type === 'reasoning') {
    const words = [...asList(one['summary']), ...asList(one['content'])]
      .map((part) => asText(asObject(part)['text']))
      .join('\n\n');
    return { role: 'assistant', blocks: [{ kind: 'reasoning', text: words || 'not shown by the provider' }] };
  }
  if (type === 'function_call' || type === 'custom_tool_call') {
    names.set(id, asText(one['name']));
    return {
      role: 'assistant',
      blocks: [
        {
          kind: 'call',
          name: asText(one['name']),
          id,
          args: prettyText(asText(one['arguments']) || asText(one['input'])),
        },
      ],
    };
  }
  if (type.endsWith('_output'))
    return { role: 'tool', blocks: [{ kind: 'result', name: names.get(id) ?? '', id, text: pretty(one['output']) }] };
  return { role: 'assistant', blocks: [{ kind: 'call', name: type, id, args: pretty(one) }] };
}

function merge(messages: Message[]): Message[] {
  return messages.reduce<Message[]>((all, one) => {
    const last = all.at(-1);
    if (last && last.role === 'assistant' && one.role === 'assistant') last.blocks.push(...one.blocks);
    else all.push({ role: one.role, blocks: [...one.blocks] });
    return all;
  }, []);
}

export function responsesRequest(body: JsonObject): Message[] {
  const names = new Map<string, string>();
  const input = body['input'];
  const asked =
    typeof input === 'string'
      ? [{ role: 'user', blocks: text(input) }]
      : merge(asList(input).map((one) => item(one, names)));
  const system = asText(body['instructions']);
  return [...(system ? [{ role: 'system', blocks: text(system) }] : []), ...toolNames(body['tools']), ...asked];
}

export const responsesReply = (body: JsonObject): Message[] =>
  merge(asList(body['output']).map((one) => item(one, new Map())));

/** The last event repeats the whole; a stream that was cut is put together from its parts. */
export function responsesEvents(events: readonly Json[]): Message[] {
  for (const event of [...events].reverse()) {
    const one = asObject(event);
    const done = ['response.completed', 'response.incomplete', 'response.failed'].includes(asText(one['type']));
    if (done && asList(asObject(one['response'])['output']).length > 0)
      return responsesReply(asObject(one['response']));
  }
  const items = new Map<number, { type: string; name: string; id: string; text: string }>();
  for (const event of events) {
    const one = asObject(event);
    const at = typeof one['output_index'] === 'number' ? one['output_index'] : 0;
    const type = asText(one['type']);
    const found = items.get(at) ?? { type: 'message', name: '', id: '', text: '' };
    if (type === 'response.output_item.added') {
      const added = asObject(one['item']);
      items.set(at, {
        ...found,
        type: asText(added['type']),
        name: asText(added['name']),
        id: asText(added['call_id']),
      });
    } else if (type.endsWith('.delta') && typeof one['delta'] === 'string')
      items.set(at, {
        ...found,
        type: type.includes('reasoning') ? 'reasoning' : found.type,
        text: found.text + one['delta'],
      });
  }
  const blocks = [...items.values()].flatMap((one): Block[] =>
    one.type === 'reasoning'
      ? [{ kind: 'reasoning', text: one.text }]
      : one.type === 'message'
        ? text(one.text, true)
        : [{ kind: 'call', name: one.name || one.type, id: one.id, args: prettyText(one.text) }],
  );
  return blocks.length === 0 ? [] : [{ role: 'assistant', blocks }];
}
