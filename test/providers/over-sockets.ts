/** Every recording through a real Weir, in every framing: are bytes and status the same, and is there one row that says what was read? */
import type { RequestRow } from '@weir/schema/records';
import { setTimeout as delay } from 'node:timers/promises';
import { codingOf, openStage, play, type Framing, type Stage } from '../support/play.ts';
import { readRecording, whole, type Cell, type Reading } from './judge.ts';
import type { Recording } from './recordings.ts';

const chunks = [0, 1, 7, 1024];
/** Calls whose rows are asked for in one statement. */
const pageIds = 500;
const longestWaitMs = 120_000;

/** What a row says of the reply, as far as the reader alone decides it. */
type Said = Pick<RequestRow, 'request_id' | 'response_model' | 'finish_reasons' | 'tool_calls' | 'usage_source'> &
  Pick<RequestRow, 'input_tokens' | 'output_tokens' | 'cache_read_tokens'>;

/** @param tell told now and then how far it is. @returns recording's id → its cells. */
export async function playAll(
  recordings: readonly Recording[],
  tell: (line: string) => void,
): Promise<Map<string, Cell[]>> {
  const stage = await openStage({ ownStore: true });
  try {
    const cells = new Map<string, Cell[]>();
    const calls = new Map<string, { recording: Recording; framing: Framing }>();
    for (const [index, recording] of recordings.entries()) {
      const own: Cell[] = [];
      cells.set(recording.id, own);
      for (const framing of framingsOf(recording)) {
        const { id, status, changed } = await play(stage, recording, framing);
        own.push(
          cell('bytes', '', changed.join(', '), framing),
          cell('status', recording.response.status, status, framing),
        );
        calls.set(id, { recording, framing });
      }
      if (index % 100 === 99) tell(`${index + 1} of ${recordings.length} recordings played`);
    }
    const rows = await rowsOf(stage, [...calls.keys()]);
    for (const [id, { recording, framing }] of calls) {
      const said = rows.get(id) ?? [];
      const read = readRecording(recording, whole);
      cells
        .get(recording.id)
        ?.push(cell('row', '', said.length === 1 ? differing(said[0] as Said, read) : `${said.length} rows`, framing));
    }
    return cells;
  } finally {
    await stage.close();
  }
}

function framingsOf(recording: Recording): Framing[] {
  const coding = codingOf(recording);
  const plain = chunks.map((chunk): Framing => ({ coding: 'identity', chunk }));
  return coding === 'identity' ? plain : [...plain, ...chunks.map((chunk) => ({ coding, chunk }))];
}

function cell(name: string, expected: unknown, actual: unknown, { coding, chunk }: Framing): Cell {
  return {
    name,
    expected,
    actual: expected === actual ? actual : `${String(actual)} (${coding}, ${chunk})`,
    right: expected === actual,
  };
}

/** What of a row is not what was read; '' as it should be. An estimate is not the reader's. */
function differing(row: Said, { reply }: Reading): string {
  const counts = ['input_tokens', 'output_tokens', 'cache_read_tokens'] as const;
  const pairs: [string, unknown, unknown][] = [
    ['model', reply.model ?? '', row.response_model],
    ['finish', reply.finishReasons.join(), row.finish_reasons.join()],
    ['tools', reply.toolCalls, row.tool_calls],
    ...(row.usage_source === 'estimated'
      ? []
      : counts.map((name): [string, unknown, unknown] => [name, reply.usage?.[name] ?? null, row[name]])),
  ];
  return pairs
    .filter(([, read, said]) => read !== said)
    .map(([name, read, said]) => `${name}: read ${String(read)}, recorded ${String(said)}`)
    .join(', ');
}

async function rowsOf({ weir }: Stage, ids: readonly string[]): Promise<Map<string, Said[]>> {
  const deadline = Date.now() + longestWaitMs;
  for (;;) {
    const found = new Map<string, Said[]>();
    for (let from = 0; from < ids.length; from += pageIds) {
      const list = ids.slice(from, from + pageIds).map((id) => `'${id}'`);
      const rows = await weir.query<Said>(
        `SELECT request_id, response_model, finish_reasons, tool_calls, usage_source, input_tokens, output_tokens, cache_read_tokens
         FROM requests WHERE request_id IN (${list.join()})`,
      );
      for (const row of rows) found.set(row.request_id, [...(found.get(row.request_id) ?? []), row]);
    }
    if (found.size >= ids.length || Date.now() > deadline) return found;
    await delay(500);
  }
}
