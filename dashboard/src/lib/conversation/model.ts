/** A conversation as people read it, whatever dialect carried it. Plain data: rendering decides nothing about trust. */

export type Block =
  | { kind: 'text'; text: string; markdown: boolean }
  | { kind: 'reasoning'; text: string }
  | { kind: 'call'; name: string; id: string; args: string }
  | { kind: 'result'; name: string; id: string; text: string }
  | { kind: 'image'; src: string | null; note: string }
  | { kind: 'file'; note: string }
  | { kind: 'tools'; names: string[] };

export interface Message {
  role: string;
  blocks: Block[];
}

export interface Conversation {
  asked: Message[];
  replied: Message[];
  /** What could not be read, in a sentence. */
  problems: string[];
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined };
export type JsonObject = { [key: string]: Json | undefined };

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const asObject = (value: unknown): JsonObject => (isObject(value) ? value : {});
export const asList = (value: unknown): Json[] => (Array.isArray(value) ? (value as Json[]) : []);
export const asText = (value: unknown): string => (typeof value === 'string' ? value : '');
export const pretty = (value: unknown): string =>
  typeof value === 'string' ? prettyText(value) : value === undefined ? '' : JSON.stringify(value, null, 2);

/** JSON that came as text is set out; anything else stays as it is. */
export function prettyText(text: string): string {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export const text = (value: string, markdown = false): Block[] =>
  value === '' ? [] : [{ kind: 'text', text: value, markdown }];

const IMAGE = /^data:(image\/(?:png|jpe?g|gif|webp|avif));base64,[A-Za-z0-9+/=\s]+$/;

/** Only an image that is in the body itself is shown; another's address is named and never fetched. */
export function image(url: string): Block {
  const match = IMAGE.exec(url);
  if (match) return { kind: 'image', src: url, note: `${match[1] ?? 'image'}, ${size(url.length * 0.75)}` };
  return {
    kind: 'image',
    src: null,
    note: url.startsWith('data:')
      ? `${url.slice(5, 40).split(';')[0] ?? 'image'}, not shown`
      : `at ${url.slice(0, 200)}, not fetched`,
  };
}

export const imageBytes = (mime: string, base64: string): Block => image(`data:${mime};base64,${base64}`);

function size(bytes: number): string {
  return bytes < 1000
    ? `${Math.round(bytes)} B`
    : bytes < 1e6
      ? `${Math.round(bytes / 1000)} kB`
      : `${(bytes / 1e6).toFixed(1)} MB`;
}
