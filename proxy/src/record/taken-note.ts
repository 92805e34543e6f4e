/** What limits count of a call, as the main thread is told. */
import type { EndNote, StartNote } from '../capture/notes.ts';
import { nanosOf } from '../prices/decimal.ts';
import type { TakenNote } from './messages.ts';
import { heldOf, type Measured } from './rows.ts';

/** @param id of the call. @param over nothing more comes of it. @returns nothing for a call that no limit counts. */
export function takenNote(id: string, start: StartNote, end: EndNote, measured: Measured, over: boolean): TakenNote[] {
  const { limited } = start;
  if (limited === undefined) return [];
  const held = heldOf(start, end, measured);
  const { usage, cost } = measured;
  const tokens = held.tokens ?? (usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0);
  const nanos = held.nanos ?? (cost === null ? 0 : Number(nanosOf(cost.cost_usd)));
  return [{ id, limited, requests: end.row.outcome === 'blocked' ? 0 : 1, tokens, nanos, over }];
}
