/**
 * What a request means, read by rules of the tests' own: two bodies of different dialects that mean the same have equal
 * meanings. Lists of content are flattened to what a model is told, in order.
 */
import type { TranslatedDialect } from '../../proxy/src/translate/translate.ts';

type Obj = Record<string, unknown>;
const obj = (value: unknown): Obj => (typeof value === 'object' && value !== null ? (value as Obj) : {});
const list = (value: unknown): unknown[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const get = (value: unknown, camel: string): unknown =>
  obj(value)[camel] ?? obj(value)[camel.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)];

export interface Meaning {
  system: string;
  /** `user: …`, `assistant: …`, `call name {…}`, `result …`, `file …`. */
  said: string[];
  tools: string[];
  choice: string;
  limit: number | null;
  temperature: number | null;
  topP: number | null;
  stop: string[];
  json: boolean;
}

const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);

/** Keys in one order, whatever order they came in. */
export function stable(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stable).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${stable(inner)}`).join()}}`;
}

const parsed = (value: string): unknown => {
  try {
    return JSON.parse(value === '' ? '{}' : value);
  } catch {
    return value;
  }
};

/** What a tool said: JSON by its value, nothing and an empty object alike. */
const resultLine = (words: string): string => `result ${stable(parsed(words.trim()))}`;

/** Neighbouring texts of one speaker are one: dialects cut them differently. */
function join(said: string[]): string[] {
  const joined: string[] = [];
  for (const line of said) {
    const speaker = /^(?:user|assistant): /.exec(line)?.[0];
    const last = joined.at(-1);
    if (speaker !== undefined && last?.startsWith(speaker) === true)
      joined[joined.length - 1] = last + line.slice(speaker.length);
    else if (speaker === undefined || line.length > speaker.length) joined.push(line);
  }
  return joined;
}

const fileLine = (data: unknown, url: unknown): string =>
  `file ${text(data).slice(0, 40).replaceAll('-', '+').replaceAll('_', '/') || text(url).slice(0, 40)}`;
const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString();

function chat(body: Obj): Meaning {
  const said: string[] = [];
  const system: string[] = [];
  const part = (value: unknown, role: string): string => {
    const item = obj(value);
    if (typeof value === 'string') return `${role}: ${value}`;
    if (item['type'] === 'image_url') {
      const url = text(obj(item['image_url'])['url'] ?? item['image_url']);
      return fileLine(url.startsWith('data:') ? url.slice(url.indexOf(',') + 1) : '', url);
    }
    if (item['type'] === 'file') {
      const data = text(obj(item['file'])['file_data']);
      const inner = data.slice(data.indexOf(',') + 1);
      return data.startsWith('data:text/') ? `${role}: ${decoded(inner)}` : fileLine(inner, '');
    }
    if (item['type'] === 'input_audio') return fileLine(obj(item['input_audio'])['data'], '');
    if (item['type'] === 'thinking') return '';
    return `${role}: ${text(item['text'])}`;
  };
  for (const value of list(body['messages'])) {
    const message = obj(value);
    const role = text(message['role']);
    const parts = list(message['content']);
    if (role === 'system' || role === 'developer') system.push(...parts.map((item) => part(item, '').slice(2)));
    else if (role === 'tool') {
      const lines = parts.map((item) => part(item, ''));
      const words = lines.map((line) => (line.startsWith('file ') ? '' : line.slice(2)));
      said.push(resultLine(words.join('\n')), ...lines.filter((line) => line.startsWith('file ')));
    } else said.push(...parts.map((item) => part(item, role)).filter((line) => line !== ''));
    if (role === 'assistant') {
      for (const call of list(message['tool_calls'])) {
        const called = obj(obj(call)['function']);
        said.push(`call ${text(called['name'])} ${stable(parsed(text(called['arguments'])))}`);
      }
    }
  }
  const choice = body['tool_choice'];
  const named = text(obj(obj(choice)['function'])['name']);
  return {
    system: system.join('\n\n'),
    said: join(said),
    tools: list(body['tools']).map((tool) => {
      const described = obj(obj(tool)['function'] ?? tool);
      return `${text(described['name'])} ${text(described['description'])} ${Object.keys(obj(obj(described['parameters'])['properties'])).join()}`;
    }),
    choice: named !== '' ? named : choice === 'required' ? 'any' : text(choice),
    limit: number(body['max_completion_tokens'] ?? body['max_tokens']),
    temperature: number(body['temperature']),
    topP: number(body['top_p']),
    stop: list(body['stop']).map(text),
    json: ['json_schema', 'json_object'].includes(text(obj(body['response_format'])['type'])),
  };
}

function messages(body: Obj): Meaning {
  const said: string[] = [];
  const system = list(body['system']).map((item) => (typeof item === 'string' ? item : text(obj(item)['text'])));
  const source = (block: Obj, role: string): string => {
    const from = obj(block['source']);
    return from['type'] === 'text' ? `${role}: ${text(from['data'])}` : fileLine(from['data'], from['url']);
  };
  for (const value of list(body['messages'])) {
    const role = text(obj(value)['role']);
    const lines: string[] = [];
    const results: string[] = [];
    for (const item of list(obj(value)['content'])) {
      const block = obj(item);
      if (typeof item === 'string' || block['type'] === 'text')
        lines.push(`${role}: ${typeof item === 'string' ? item : text(block['text'])}`);
      else if (block['type'] === 'tool_use') lines.push(`call ${text(block['name'])} ${stable(block['input'])}`);
      else if (block['type'] === 'tool_result') {
        const inner = list(block['content']);
        const words = inner.map((one) => (typeof one === 'string' ? one : text(obj(one)['text'])));
        results.push(resultLine(words.join('\n')));
        results.push(...inner.filter((one) => 'source' in obj(one)).map((one) => source(obj(one), 'result')));
      } else if ('source' in block) lines.push(source(block, role));
    }
    said.push(...results, ...lines);
  }
  const choice = obj(body['tool_choice']);
  return {
    system: system.join('\n\n'),
    said: join(said),
    tools: list(body['tools']).map(
      (tool) =>
        `${text(obj(tool)['name'])} ${text(obj(tool)['description'])} ${Object.keys(obj(obj(obj(tool)['input_schema'])['properties'])).join()}`,
    ),
    choice: choice['type'] === 'tool' ? text(choice['name']) : text(choice['type']),
    limit: number(body['max_tokens']),
    temperature: number(body['temperature']),
    topP: number(body['top_p']),
    stop: list(body['stop_sequences']).map(text),
    json: 'format' in obj(body['output_config']) || 'output_format' in body,
  };
}

function generate(body: Obj): Meaning {
  const said: string[] = [];
  for (const value of list(body['contents'])) {
    const role = obj(value)['role'] === 'model' ? 'assistant' : 'user';
    const lines: string[] = [];
    const results: string[] = [];
    for (const item of list(obj(value)['parts'])) {
      const part = obj(item);
      const call = obj(get(part, 'functionCall'));
      const result = obj(get(part, 'functionResponse'));
      const inline = obj(get(part, 'inlineData'));
      const file = obj(get(part, 'fileData'));
      if (part['thought'] === true) continue;
      if ('name' in call) lines.push(`call ${text(call['name'])} ${stable(call['args'] ?? {})}`);
      else if ('name' in result) {
        const response = obj(result['response']);
        const only = Object.keys(response).length === 1 ? (response['output'] ?? response['error']) : undefined;
        results.push(typeof only === 'string' ? resultLine(only) : `result ${stable(response)}`);
        for (const one of list(result['parts'])) {
          const file = obj(get(one, 'inlineData'));
          const words = text(get(file, 'mimeType')).startsWith('text/')
            ? `result: ${decoded(text(file['data']))}`
            : null;
          results.push(words ?? fileLine(file['data'], get(get(one, 'fileData'), 'fileUri')));
        }
      } else if ('data' in inline) {
        const type = text(get(inline, 'mimeType'));
        lines.push(
          type.startsWith('text/') ? `${role}: ${decoded(text(inline['data']))}` : fileLine(inline['data'], ''),
        );
      } else if (get(file, 'fileUri') !== undefined) lines.push(fileLine('', get(file, 'fileUri')));
      else lines.push(`${role}: ${text(part['text'])}`);
    }
    said.push(...results, ...lines);
  }
  const config = obj(get(body, 'generationConfig'));
  const calling = obj(get(get(body, 'toolConfig'), 'functionCallingConfig'));
  const names = list(get(calling, 'allowedFunctionNames')).map(text);
  const mode = text(calling['mode']).toLowerCase();
  return {
    system: list(obj(get(body, 'systemInstruction'))['parts'])
      .map((part) => text(obj(part)['text']))
      .join('\n\n'),
    said: join(said),
    tools: list(body['tools']).flatMap((tool) =>
      list(get(tool, 'functionDeclarations')).map((value) => {
        const schema = obj(get(value, 'parametersJsonSchema') ?? obj(value)['parameters']);
        return `${text(obj(value)['name'])} ${text(obj(value)['description'])} ${Object.keys(obj(schema['properties'])).join()}`;
      }),
    ),
    choice: names.length > 0 ? names.join() : mode,
    limit: number(get(config, 'maxOutputTokens')),
    temperature: number(config['temperature']),
    topP: number(get(config, 'topP')),
    stop: list(get(config, 'stopSequences')).map(text),
    json: get(config, 'responseMimeType') === 'application/json',
  };
}

const readers = { chat, messages, generate_content: generate };

export function meaningOf(dialect: TranslatedDialect, body: unknown): Meaning {
  return readers[dialect](obj(body));
}
