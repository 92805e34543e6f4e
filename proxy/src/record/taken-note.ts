/** What limits count of a call, as the main thread is told. */
import type { EndNote, StartNote } from '../capture/notes.ts';
import { noteNumbers, type TakenNotes, type Used } from './messages.ts';
import { heldOf, type Measured } from './rows.ts';

/** @returns null for a call that no limit counts. */
export function usedBy(start: StartNote, end: EndNote, measured: Measured): Used | null {
  if (start.limited === undefined) return null;
  const held = heldOf(start, end, measured);
  const { usage, cost } = measured;
  return {
    requests: end.row.outcome === 'blocked' ? 0 : 1,
    tokens: held.tokens ?? (usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0),
    // Nine decimals: as a number they are exact to the billionth up to millions of dollars.
    nanos: held.nanos ?? (cost === null ? 0 : Math.round(Number(cost.cost_usd) * 1e9)),
  };
}

/** Notes that wait to be told. */
export class TakenList {
  #numbers: number[] = [];
  #recovered: TakenNotes['recovered'] = [];

  /** @param sequence of the call. @param over nothing more comes of it. */
  add(sequence: number, over: boolean, used: Used | null): void {
    if (used !== null) this.#numbers.push(sequence, used.requests, used.tokens, used.nanos, over ? 1 : 0);
  }

  /** A call that is told from its marks. */
  addRecovered({ row, limited }: StartNote, used: Used | null): void {
    if (used !== null && limited !== undefined) this.#recovered.push({ id: row.request_id, limited, ...used });
  }

  /** All of them, which are not kept; null where there are none. */
  drain(): TakenNotes | null {
    if (this.#numbers.length === 0 && this.#recovered.length === 0) return null;
    const notes = { numbers: Float64Array.from(this.#numbers), recovered: this.#recovered };
    this.#numbers = [];
    this.#recovered = [];
    return notes;
  }
}

/** What is told of a call of this process. */
export interface TakenNote extends Used {
  sequence: number;
  over: boolean;
}

/** Reads what `TakenList` wrote. */
export function* readTaken({ numbers }: TakenNotes): Generator<TakenNote> {
  const at = (index: number): number => numbers[index] as number;
  for (let from = 0; from < numbers.length; from += noteNumbers) {
    const used = { requests: at(from + 1), tokens: at(from + 2), nanos: at(from + 3) };
    yield { sequence: at(from), over: at(from + 4) === 1, ...used };
  }
}
