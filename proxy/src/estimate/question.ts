/** What a request's kept body holds that is billed as input: text, tools and images; read only where no usage was told. */
import { KEEP, TEXT, keep, merge, plan } from '../json/plan.ts';
import { CutText, ProjectionReader } from '../json/project.ts';
import { asList, asObject, asText, jsonText, type JsonObject } from '../json/value.ts';
import { Sample } from '../providers/facts.ts';
import type { TextSample } from '../providers/provider.ts';
import { REQUEST_TEXT } from '../providers/request.ts';

export interface Question {
  readonly text: TextSample;
  /** Turns of a conversation; 0 where there is none. */
  readonly messages: number;
  /** Arguments and results of calls, and the schema of the answer, as JSON. */
  readonly structured: string;
  /** Declarations of the caller's own functions: name, description, JSON schema of the parameters. */
  readonly functions: readonly JsonObject[];
  /** The first kilobytes of each image where they are in the body; null for one that is named by an address. */
  readonly images: readonly ImageSeen[];
}

export interface ImageSeen {
  readonly start: Buffer | null;
  /** `low` where the caller asked for that (OpenAI's `detail`). */
  readonly low: boolean;
}

const manyImages = 1_000;
const IMAGE = {
  image_url: plan(keep('url', 'detail'), KEEP),
  ...keep('detail', 'images'),
  source: plan(keep('media_type', 'data', 'url')),
  inlineData: plan(keep('mimeType', 'data')),
  inline_data: plan(keep('mime_type', 'data')),
};
/** Text, and the JSON of calls and their results where it is no text (Anthropic's `input`, Google's `args` and `response`). */
const ANSWER = {
  ...keep('input'),
  text: TEXT,
  output: TEXT,
  arguments: TEXT,
  thinking: TEXT,
  functionCall: plan({ name: TEXT, args: KEEP }),
  functionResponse: plan({ name: TEXT, response: KEEP }),
};
const PART = plan({ ...IMAGE, ...ANSWER, content: plan({ ...IMAGE, ...ANSWER }, TEXT) }, TEXT);
const PARTS = plan({ parts: plan({ ...IMAGE, ...ANSWER }) });
const CALL = plan({ function: plan({ name: TEXT, arguments: TEXT }) });
/** The text of a request, and what else of it is billed. */
const PLAN = merge(
  REQUEST_TEXT,
  plan({
    messages: plan({ ...IMAGE, content: PART, tool_calls: CALL, reasoning_content: TEXT }),
    input: PART,
    contents: PARTS,
    content: PARTS,
    ...keep('tools', 'functions', 'response_format'),
    // The schema that an answer must have: Responses, Anthropic, Google.
    text: plan(keep('format')),
    ...keep('output_format', 'output_config'),
    generationConfig: plan(keep('responseSchema', 'responseJsonSchema')),
  }),
);

/** Reads what was kept of a body; one that was cut is read as far as it goes. Bounded memory; never throws. */
export function readQuestion(body: Buffer): Question {
  const text = new Sample();
  const reader = new ProjectionReader(PLAN, { onText: (piece) => void text.add(piece) });
  reader.feed(body);
  reader.end();
  const root = asObject(reader.value) ?? {};
  const turns = [root['messages'], root['contents'], root['input']].find((list) => Array.isArray(list));
  const found: Found = { images: [], structured: [] };
  for (const name of ['messages', 'input', 'contents', 'content']) collect(root[name], found);
  for (const name of ['response_format', 'text', 'output_format', 'output_config', 'generationConfig']) {
    const schema = asObject(root[name]);
    if (schema !== null && /schema/i.test(jsonText(schema) ?? '')) found.structured.push(jsonText(schema) ?? '');
  }
  return {
    text: text.done(),
    messages: asList(turns).length,
    functions: [...asList(root['tools']), ...asList(root['functions'])].flatMap(functionsOf),
    images: found.images,
    structured: found.structured.join('\n'),
  };
}

/** OpenAI's chat and Responses, Anthropic's and Google's ways to declare a function. */
function functionsOf(tool: unknown): JsonObject[] {
  const said = asObject(tool);
  if (said === null) return [];
  const google = asList(said['functionDeclarations'] ?? said['function_declarations']);
  if (google.length > 0) return google.map(asObject).filter((one) => one !== null);
  const declared = asObject(said['function']) ?? said;
  return asText(declared['name']) === null ? [] : [declared];
}

interface Found {
  readonly images: ImageSeen[];
  readonly structured: string[];
}

function collect(value: unknown, into: Found, depth = 0): void {
  if (typeof value !== 'object' || value === null || value instanceof CutText || depth > 6) return;
  if (into.images.length >= manyImages) return;
  if (Array.isArray(value)) {
    for (const item of value) collect(item, into, depth + 1);
    return;
  }
  const part = value as JsonObject;
  const image = readImage(part);
  if (image !== null) into.images.push(image);
  // Ollama: a list of base64 texts beside a message's content.
  for (const bare of asList(part['images'])) into.images.push({ start: startOf(bare), low: false });
  const values = [
    part['input'],
    asObject(part['functionCall'])?.['args'],
    asObject(part['functionResponse'])?.['response'],
  ];
  for (const value of values) if (asObject(value) !== null) into.structured.push(jsonText(value) ?? '');
  for (const name of ['content', 'parts']) collect(part[name], into, depth + 1);
}

function readImage(part: JsonObject): ImageSeen | null {
  const named = part['image_url'];
  if (named !== undefined) {
    const object = asObject(named);
    const detail = asText(object?.['detail']) ?? asText(part['detail']);
    return { start: startOf(object === null ? named : object['url']), low: detail === 'low' };
  }
  const source = asObject(part['source']) ?? asObject(part['inlineData']) ?? asObject(part['inline_data']);
  const type = asText(source?.['media_type']) ?? asText(source?.['mimeType']) ?? asText(source?.['mime_type']);
  if (source === null) return null;
  if (type !== null && !type.startsWith('image/')) return null;
  return { start: startOf(source['data']), low: false };
}

/** The bytes that a base64 text, or a `data:` address, begins with. */
function startOf(value: unknown): Buffer | null {
  const text = value instanceof CutText ? value.kept : value;
  if (typeof text !== 'string') return null;
  const data = /^data:[^,]{0,100};base64,/.exec(text);
  if (data === null && /^[a-z]+:\/\//i.test(text)) return null;
  return Buffer.from(data === null ? text : text.slice(data[0].length), 'base64');
}
