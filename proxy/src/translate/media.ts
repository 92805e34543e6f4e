/** Files in conversations: data URLs, and what a file is by its type or its address. */
import type { MediaPart } from './conversation.ts';

/** Types of addresses that end so, where an API must be told and the client's does not. */
const BY_ENDING: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  pdf: 'application/pdf',
  txt: 'text/plain',
  mp3: 'audio/mp3',
  wav: 'audio/wav',
  mp4: 'video/mp4',
};

export interface DataUrl {
  readonly mimeType: string;
  readonly base64: string;
}

/** A `data:` URL with Base64 content; `null` for any other address. */
export function parseDataUrl(url: string): DataUrl | null {
  if (!/^data:/i.test(url)) return null;
  const comma = url.indexOf(',');
  if (comma === -1 || comma > 256) return null;
  const [mimeType = '', ...parameters] = url.slice(5, comma).split(';');
  const content = url.slice(comma + 1);
  if (parameters.at(-1)?.toLowerCase() === 'base64') return { mimeType: mimeType.toLowerCase(), base64: content };
  try {
    return { mimeType: mimeType.toLowerCase(), base64: Buffer.from(decodeURIComponent(content)).toString('base64') };
  } catch {
    return null;
  }
}

export function dataUrl({ mimeType, base64 }: DataUrl): string {
  return `data:${mimeType};base64,${base64}`;
}

/** The type of what an address leads to, by its ending. */
export function typeOfUrl(url: string): string | null {
  const path = url.split(/[?#]/, 1)[0] ?? '';
  return BY_ENDING[/\.([a-z0-9]{3,4})$/i.exec(path)?.[1]?.toLowerCase() ?? ''] ?? null;
}

export function kindOfMedia(mimeType: string | null): MediaPart['what'] {
  const kind = mimeType?.split('/', 1)[0] ?? '';
  return kind === 'image' || kind === 'audio' || kind === 'video' ? kind : 'document';
}

/** Whether anybody can fetch it: no store of one vendor's own. */
export function isPublicUrl(url: string): boolean {
  return /^https?:\/\//i.test(url) && !/^https:\/\/generativelanguage\.googleapis\.com\//i.test(url);
}
