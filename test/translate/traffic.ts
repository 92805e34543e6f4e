import type { TranslatedDialect } from '../../proxy/src/translate/translate.ts';
import type { Recording } from '../providers/recordings.ts';
import { bodyOf, readRecordings, recordingsPresent } from '../providers/recordings.ts';

export const dialects: readonly TranslatedDialect[] = ['chat', 'messages', 'generate_content'];

const APIS: Readonly<Record<string, TranslatedDialect>> = {
  'chat.completions': 'chat',
  messages: 'messages',
  generateContent: 'generate_content',
  streamGenerateContent: 'generate_content',
};

export interface Taken {
  readonly id: string;
  readonly dialect: TranslatedDialect;
  readonly request: Record<string, unknown>;
  readonly streamed: boolean;
  readonly contentType: string;
  readonly status: number;
  readonly reply: Buffer;
  readonly recording: Recording;
}

/** Every recording of the three dialects whose request is JSON. */
export function takeRecordings(): Taken[] {
  if (!recordingsPresent) return [];
  return readRecordings().flatMap((recording) => {
    const dialect = APIS[recording.api];
    if (dialect === undefined) return [];
    let request: unknown;
    try {
      request = JSON.parse(bodyOf(recording.request).toString());
    } catch {
      return [];
    }
    const headers = Object.entries(recording.response.headers);
    return {
      id: recording.id,
      dialect,
      request: request as Record<string, unknown>,
      streamed: recording.stream,
      contentType: headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '',
      status: recording.response.status,
      reply: bodyOf(recording.response),
      recording,
    };
  });
}

/** A model of each dialect that later ones would be asked for. */
export const models: Readonly<Record<TranslatedDialect, string>> = {
  chat: 'gpt-5-mini',
  messages: 'claude-sonnet-4-5',
  generate_content: 'gemini-2.5-flash',
};
