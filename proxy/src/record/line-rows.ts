/** A line of a finished batch → its rows. Pure. It is told again with every download: its rows are inserted once. */
import { timeText } from '@weir/schema/records';
import type { EndNote, StartNote } from '../capture/notes.ts';
import { derivedId } from '../derived-id.ts';
import { outcomeOf } from '../outcome.ts';
import type { BatchLine } from '../providers/batch-lines.ts';
import type { SpooledRow } from '../spool/segments.ts';
import { noText } from './late-text.ts';
import type { ReadCall } from './reading.ts';
import { redact } from './redact.ts';
import { requestRow, type Measured } from './rows.ts';

/** No reply is kept for longer before it is fetched: an older time, or one to come, is none. */
const longestMicros = 400 * 86_400_000_000;

/** Where no status tells whose fault an error is, its type does. */
const callerError = /^invalid_(?:request|argument)/i;

/** A line as a call of its own. @param download what it came with: who called, and where. */
export function readLine(download: StartNote, line: BatchLine): { read: ReadCall; end: EndNote } {
  const { row } = download;
  const made = line.madeAt === null ? row.started_at : line.madeAt * 1_000_000;
  const credible = made <= row.started_at && made > row.started_at - longestMicros;
  // Two servers of one's own may both have a `file-1`.
  const request_id = derivedId('batch', row.provider, row.host, ...line.names);
  const start: StartNote = {
    ...download,
    attempt: null,
    // They are of the download's head.
    warnings: [],
    row: {
      ...row,
      request_id,
      started_at: credible ? made : row.started_at,
      client_request_id: line.customId,
      operation: line.operation,
      method: 'POST',
      path: line.path,
      query: '',
      request_model: '',
      properties: { ...row.properties, batch_id: line.batch },
      client_retry: 0,
    },
  };
  const reply = { ...line.reply, serviceTier: batchTier(line.reply.serviceTier) };
  const failed =
    reply.error === null ? 'ok' : callerError.test(reply.error.type ?? '') ? 'client_error' : 'provider_error';
  return {
    read: {
      start,
      made: true,
      request: {
        model: null,
        streamed: false,
        user: null,
        hash: null,
        serviceTier: null,
      },
      requestText: () => noText,
      reply,
      ttftMs: null,
      head: null,
      requestHeaders: [],
      requestBody: null,
      responseBody: null,
      warnings: [],
    },
    end: {
      request_id,
      row: {
        status: line.status,
        outcome: line.unanswered ?? (line.status === null ? failed : outcomeOf(line.status)),
        error_type: '',
        error_message: '',
        duration_ms: 0,
        overhead_ms: 0,
        wait_ms: 0,
        upstream_ms: 0,
        client_stall_ms: null,
        attempts: 0,
        request_bytes: null,
        response_bytes: line.text === null ? null : Buffer.byteLength(line.text),
        warnings: [],
      },
      attempts: [],
    },
  };
}

/** @param keptBytes of the line's text. */
export function lineRows(
  { read, end }: ReturnType<typeof readLine>,
  measured: Measured,
  text: string | null,
  keptBytes: number,
): SpooledRow[] {
  const { start } = read;
  const rows: SpooledRow[] = [{ table: 'requests', row: requestRow(start, end, read, measured), once: true }];
  if (!start.keep) return rows;
  const kept = text === null ? '' : Buffer.from(text).subarray(0, keptBytes).toString('utf8');
  const body = {
    request_id: start.row.request_id,
    started_at: timeText(start.row.started_at),
    project: start.row.project,
    request: '',
    response: redact(kept.replace(/\ufffd{1,3}$/, ''), start.redact),
    request_headers: {},
    response_headers: {},
    request_truncated: true,
    response_truncated: text === null || kept.length < text.length,
  };
  return [{ table: 'bodies', row: body, once: true }, ...rows];
}

/** A batch has its own price, whatever tier its replies name; what else they name beside it stays. */
function batchTier(tier: string | null): string {
  return tier !== null && tier.split('+').includes('batch') ? tier : 'batch';
}
