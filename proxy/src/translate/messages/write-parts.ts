import type { Finish } from '../reply-events.ts';

const WORDS: Readonly<Record<Finish, string>> = {
  stop: 'end_turn',
  malformed_call: 'end_turn',
  other: 'end_turn',
  stop_sequence: 'stop_sequence',
  pause: 'pause_turn',
  length: 'max_tokens',
  context: 'model_context_window_exceeded',
  tool: 'tool_use',
  filter: 'refusal',
};

/** Programs go on by `tool_use`, so an answer with calls that just stopped has it. */
export function stopReason(
  finish: Finish | null,
  { called, refused }: { called: boolean; refused: boolean },
  warn: (token: string) => void,
): string {
  if (finish === 'malformed_call' || finish === 'other') warn(`finish:${finish}`);
  if (finish === 'stop' && called) return 'tool_use';
  if (finish === 'stop' && refused) return 'refusal';
  return WORDS[finish ?? 'stop'];
}
