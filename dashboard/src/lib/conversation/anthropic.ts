/** Anthropic's Messages. */
import {
  asList,
  asObject,
  asText,
  type Block,
  image,
  imageBytes,
  type Json,
  type JsonObject,
  type Message,
  pretty,
  prettyText,
  text,
} from './model.ts';
import { toolNames } from './openai.ts';

function block(value: Json, markdown: boolean, names: Map<string, string>): Block[] {
  const one = asObject(value);
  const id = asText(one['id']) || asText(one['tool_use_id']);
  switch (asText(one['type'])) {
    case 'text':
      return text(asText(one['text']), markdown);
    case 'thinking':
      return [{ kind: 'reasoning', text: asText(one['thinking']) }];
    case 'redacted_thinking':
      return [{ kind: 'reasoning', text: 'encrypted by the provider' }];
    case 'tool_use':
    case 'server_tool_use':
      names.set(id, asText(one['name']));
      return [{ kind: 'call', name: asText(one['name']), id, args: pretty(one['input']) }];
    case 'tool_result': {
      const content = one['content'];
      const words =
        typeof content === 'string'
          ? content
          : asList(content)
              .map((part) => asText(asObject(part)['text']))
              .join('\n');
      const images = asList(content)
        .filter((part) => asObject(part)['type'] === 'image')
        .flatMap((part) => block(part, false, names));
      return [{ kind: 'result', name: names.get(id) ?? '', id, text: prettyText(words) }, ...images];
    }
    case 'image': {
      const source = asObject(one['source']);
      return [
        source['type'] === 'base64'
          ? imageBytes(asText(source['media_type']), asText(source['data']))
          : image(asText(source['url']) || asText(source['file_id'])),
      ];
    }
    case 'document':
      return [
        {
          kind: 'file',
          note: `${asText(one['title']) || 'document'}, ${asText(asObject(one['source'])['media_type']) || asText(asObject(one['source'])['type'])}`,
        },
      ];
    default:
      return [{ kind: 'result', name: asText(one['type']), id, text: pretty(one) }];
  }
}

const blocks = (content: Json | undefined, markdown: boolean, names: Map<string, string>): Block[] =>
  typeof content === 'string' ? text(content, markdown) : asList(content).flatMap((one) => block(one, markdown, names));

export function messagesRequest(body: JsonObject): Message[] {
  const names = new Map<string, string>();
  const system = blocks(body['system'], false, names);
  const asked = asList(body['messages']).map((item): Message => {
    const role = asText(asObject(item)['role']);
    const said = blocks(asObject(item)['content'], role === 'assistant', names);
    return { role: said.length > 0 && said.every((one) => one.kind === 'result') ? 'tool' : role, blocks: said };
  });
  return [...(system.length > 0 ? [{ role: 'system', blocks: system }] : []), ...toolNames(body['tools']), ...asked];
}

export const messagesReply = (body: JsonObject): Message[] => [
  { role: 'assistant', blocks: blocks(body['content'], true, new Map()) },
];

export function messagesEvents(events: readonly Json[]): Message[] {
  const drafts = new Map<number, { block: JsonObject; text: string }>();
  for (const event of events) {
    const one = asObject(event);
    const at = typeof one['index'] === 'number' ? one['index'] : 0;
    if (one['type'] === 'content_block_start') drafts.set(at, { block: asObject(one['content_block']), text: '' });
    else if (one['type'] === 'content_block_delta') {
      const delta = asObject(one['delta']);
      const draft = drafts.get(at);
      if (draft) draft.text += asText(delta['text']) || asText(delta['thinking']) || asText(delta['partial_json']);
    }
  }
  const names = new Map<string, string>();
  const said = [...drafts.values()].flatMap((draft): Block[] => {
    const type = asText(draft.block['type']);
    if (type === 'text') return text(asText(draft.block['text']) + draft.text, true);
    if (type === 'thinking') return [{ kind: 'reasoning', text: asText(draft.block['thinking']) + draft.text }];
    if (type === 'tool_use' || type === 'server_tool_use')
      return [
        {
          kind: 'call',
          name: asText(draft.block['name']),
          id: asText(draft.block['id']),
          args: prettyText(draft.text || pretty(draft.block['input'])),
        },
      ];
    return block(draft.block, true, names);
  });
  return said.length === 0 ? [] : [{ role: 'assistant', blocks: said }];
}
