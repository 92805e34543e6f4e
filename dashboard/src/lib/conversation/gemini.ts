/** Google's generateContent. Its parts come in pieces that belong together. */
import {
  asList,
  asObject,
  asText,
  type Block,
  imageBytes,
  type Json,
  type JsonObject,
  type Message,
  pretty,
  text,
} from './model.ts';

function part(value: Json, markdown: boolean): Block[] {
  const one = asObject(value);
  if (typeof one['text'] === 'string')
    return one['thought'] === true ? [{ kind: 'reasoning', text: one['text'] }] : text(one['text'], markdown);
  const call = asObject(one['functionCall'] ?? one['function_call']);
  if (call['name'] !== undefined)
    return [{ kind: 'call', name: asText(call['name']), id: asText(call['id']), args: pretty(call['args']) }];
  const result = asObject(one['functionResponse'] ?? one['function_response']);
  if (result['name'] !== undefined)
    return [
      { kind: 'result', name: asText(result['name']), id: asText(result['id']), text: pretty(result['response']) },
    ];
  const data = asObject(one['inlineData'] ?? one['inline_data']);
  const mime = asText(data['mimeType']) || asText(data['mime_type']);
  if (mime.startsWith('image/')) return [imageBytes(mime, asText(data['data']))];
  const file = asObject(one['fileData'] ?? one['file_data']);
  return [{ kind: 'file', note: mime || asText(file['fileUri']) || Object.keys(one)[0] || 'part' }];
}

function join(blocks: Block[]): Block[] {
  return blocks.reduce<Block[]>((all, one) => {
    const last = all.at(-1);
    if (last && (one.kind === 'text' || one.kind === 'reasoning') && last.kind === one.kind)
      all[all.length - 1] = { ...last, text: last.text + one.text };
    else all.push(one);
    return all;
  }, []);
}

export function geminiRequest(body: JsonObject): Message[] {
  const system = asList(asObject(body['systemInstruction'] ?? body['system_instruction'])['parts']).flatMap((one) =>
    part(one, false),
  );
  const names = asList(body['tools']).flatMap((tool) =>
    asList(asObject(tool)['functionDeclarations'] ?? asObject(tool)['function_declarations']).map((one) =>
      asText(asObject(one)['name']),
    ),
  );
  const asked = asList(body['contents']).map((item): Message => {
    const said = asList(asObject(item)['parts']).flatMap((one) => part(one, asObject(item)['role'] === 'model'));
    const results = said.length > 0 && said.every((one) => one.kind === 'result');
    return { role: results ? 'tool' : asObject(item)['role'] === 'model' ? 'assistant' : 'user', blocks: said };
  });
  return [
    ...(system.length > 0 ? [{ role: 'system', blocks: system }] : []),
    ...(names.length > 0 ? [{ role: 'tools', blocks: [{ kind: 'tools' as const, names }] }] : []),
    ...asked,
  ];
}

export function geminiReply(chunks: readonly Json[]): Message[] {
  const candidates = new Map<number, Block[]>();
  for (const chunk of chunks) {
    asList(asObject(chunk)['candidates']).forEach((item, position) => {
      const one = asObject(item);
      const at = typeof one['index'] === 'number' ? one['index'] : position;
      candidates.set(at, [
        ...(candidates.get(at) ?? []),
        ...asList(asObject(one['content'])['parts']).flatMap((value) => part(value, true)),
      ]);
    });
  }
  return [...candidates.values()].map((blocks) => ({ role: 'assistant', blocks: join(blocks) }));
}
