/** OpenAI's chat completions and completions, and everything shaped like them. */
import {
  asList,
  asObject,
  asText,
  type Block,
  image,
  isObject,
  type Json,
  type JsonObject,
  type Message,
  pretty,
  prettyText,
  text,
} from './model.ts';

function parts(content: Json | undefined, markdown: boolean): Block[] {
  if (typeof content === 'string') return text(content, markdown);
  return asList(content).flatMap((item): Block[] => {
    const part = asObject(item);
    if (part['type'] === 'text' || part['type'] === 'input_text' || part['type'] === 'output_text')
      return text(asText(part['text']), markdown);
    if (part['type'] === 'refusal') return text(asText(part['refusal']), markdown);
    if (part['type'] === 'image_url')
      return [image(asText(asObject(part['image_url'])['url']) || asText(part['image_url']))];
    if (part['type'] === 'input_audio')
      return [{ kind: 'file', note: `audio, ${asText(asObject(part['input_audio'])['format'])}` }];
    if (part['type'] === 'file') return [{ kind: 'file', note: asText(asObject(part['file'])['filename']) || 'file' }];
    return typeof item === 'string' ? text(item, markdown) : [{ kind: 'file', note: asText(part['type']) || 'part' }];
  });
}

const calls = (list: Json | undefined): Block[] =>
  asList(list).map((item) => {
    const call = asObject(item);
    const fn = asObject(call['function'] ?? call['custom']);
    return {
      kind: 'call',
      name: asText(fn['name']),
      id: asText(call['id']),
      args: prettyText(asText(fn['arguments']) || asText(fn['input'])),
    };
  });

export const toolNames = (tools: Json | undefined): Message[] => {
  const names = asList(tools).map(
    (tool) =>
      asText(asObject(asObject(tool)['function'])['name']) ||
      asText(asObject(tool)['name']) ||
      asText(asObject(tool)['type']),
  );
  return names.length === 0 ? [] : [{ role: 'tools', blocks: [{ kind: 'tools', names }] }];
};

function message(item: Json, names: Map<string, string>): Message {
  const one = asObject(item);
  const role = asText(one['role']) || 'message';
  for (const call of asList(one['tool_calls']))
    names.set(asText(asObject(call)['id']), asText(asObject(asObject(call)['function'])['name']));
  if (role === 'tool' || role === 'function') {
    const id = asText(one['tool_call_id']);
    const said = parts(one['content'], false);
    const words = said.flatMap((block) => (block.kind === 'text' ? [block.text] : [])).join('\n');
    return {
      role: 'tool',
      blocks: [
        { kind: 'result', name: names.get(id) || asText(one['name']), id, text: prettyText(words) },
        ...said.filter((block) => block.kind !== 'text'),
      ],
    };
  }
  const reasoning = asText(one['reasoning_content']) || asText(one['reasoning']);
  return {
    role,
    blocks: [
      ...(reasoning ? [{ kind: 'reasoning' as const, text: reasoning }] : []),
      ...parts(one['content'], role === 'assistant'),
      ...text(asText(one['refusal'])),
      ...calls(one['tool_calls']),
    ],
  };
}

export function chatRequest(body: JsonObject): Message[] {
  const names = new Map<string, string>();
  const messages = asList(body['messages']).map((item) => message(item, names));
  const system = messages.findIndex((one) => one.role !== 'system' && one.role !== 'developer');
  messages.splice(system < 0 ? messages.length : system, 0, ...toolNames(body['tools']));
  return messages;
}

export function promptRequest(body: JsonObject): Message[] {
  const prompt = body['prompt'] ?? body['input'] ?? body['query'];
  const list = Array.isArray(prompt) ? prompt : [prompt ?? ''];
  return [{ role: 'user', blocks: list.flatMap((one) => text(typeof one === 'string' ? one : pretty(one))) }];
}

export const chatReply = (body: JsonObject): Message[] =>
  asList(body['choices']).map((choice) => {
    const one = asObject(choice);
    return isObject(one['message'])
      ? message(one['message'], new Map())
      : { role: 'assistant', blocks: text(asText(one['text']), true) };
  });

interface Draft {
  text: string;
  reasoning: string;
  refusal: string;
  calls: Map<number, { id: string; name: string; args: string }>;
}

export function chatEvents(events: readonly Json[]): Message[] {
  const drafts = new Map<number, Draft>();
  for (const event of events) {
    for (const item of asList(asObject(event)['choices'])) {
      const choice = asObject(item);
      const index = typeof choice['index'] === 'number' ? choice['index'] : 0;
      const draft = drafts.get(index) ?? { text: '', reasoning: '', refusal: '', calls: new Map() };
      drafts.set(index, draft);
      const delta = asObject(choice['delta'] ?? choice['message']);
      draft.text += asText(delta['content']) || asText(choice['text']);
      draft.reasoning += asText(delta['reasoning_content']) || asText(delta['reasoning']);
      draft.refusal += asText(delta['refusal']);
      asList(delta['tool_calls']).forEach((one, position) => {
        const call = asObject(one);
        const at = typeof call['index'] === 'number' ? call['index'] : position;
        const found = draft.calls.get(at) ?? { id: '', name: '', args: '' };
        draft.calls.set(at, found);
        const fn = asObject(call['function']);
        found.id ||= asText(call['id']);
        found.name ||= asText(fn['name']);
        found.args += asText(fn['arguments']);
      });
    }
  }
  return [...drafts.values()].map((draft) => ({
    role: 'assistant',
    blocks: [
      ...(draft.reasoning ? [{ kind: 'reasoning' as const, text: draft.reasoning }] : []),
      ...text(draft.text, true),
      ...text(draft.refusal),
      ...[...draft.calls.values()].map((call): Block => ({
        kind: 'call',
        name: call.name,
        id: call.id,
        args: prettyText(call.args),
      })),
    ],
  }));
}
