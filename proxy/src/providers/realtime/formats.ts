import { liveFormat } from '../google/live.ts';
import { openaiRealtime } from '../openai/realtime.ts';
import type { RealtimeFormat } from './format.ts';

/** The messages of a WebSocket, by the path that was called; OpenAI's events are what most servers send. */
export function realtimeFormatOf(path: string): RealtimeFormat {
  return /[./]BidiGenerateContent(?:Constrained)?$/.test(path) ? liveFormat : openaiRealtime;
}
