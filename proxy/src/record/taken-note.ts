/** What limits count of a call, as the main thread is told. */
import type { EndNote, StartNote } from '../capture/notes.ts';
import type { TakenNote } from './messages.ts';
import { heldOf, type Measured } from './rows.ts';

export interface Told {
  /** `request_id` of the call. */
  id: string;
  /** Nothing more comes of it. */
  over: boolean;
  /** It is told from its marks: the process that took for it may be gone. */
  recovered?: boolean;
}

/** @returns nothing for a call that no limit counts. */
export function takenNote(
  { id, over, recovered = false }: Told,
  start: StartNote,
  end: EndNote,
  measured: Measured,
): TakenNote[] {
  const { limited } = start;
  if (limited === undefined) return [];
  const held = heldOf(start, end, measured);
  const { usage, cost } = measured;
  const tokens = held.tokens ?? (usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0);
  // Nine decimals: as a number they are exact to the billionth up to millions of dollars.
  const nanos = held.nanos ?? (cost === null ? 0 : Math.round(Number(cost.cost_usd) * 1e9));
  const requests = end.row.outcome === 'blocked' ? 0 : 1;
  return [{ id, limited: recovered ? limited : null, requests, tokens, nanos, over }];
}
