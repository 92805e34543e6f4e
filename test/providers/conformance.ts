import { fileURLToPath } from 'node:url';
import { columnsOf, hasSessions, judgeSession, readSession, readSessions } from '../support/realtime.ts';
import { estimateErrors, estimateTable } from './estimates.ts';
import type { Cell, Split } from './judge.ts';
import { bytewise, judge, randomly, readRecording, whole } from './judge.ts';
import { playAll } from './over-sockets.ts';
import type { Recording } from './recordings.ts';
import { ABSENT, readRecordings, recordingsPresent } from './recordings.ts';

/** One recording's cells, and the line of the table that they belong to. */
export interface Judged {
  readonly id: string;
  readonly line: string;
  readonly cells: readonly Cell[];
}

interface Count {
  all: number;
  right: number;
}

interface Tally {
  recordings: number;
  right: number;
  columns: Map<string, Count>;
}

export interface Report {
  readonly rows: ReadonlyMap<string, Tally>;
  readonly misses: readonly string[];
  readonly recordings: number;
  readonly right: number;
  /** Of all recordings together. */
  readonly cells: Readonly<Count>;
  /** The same by column. */
  readonly columns: ReadonlyMap<string, Readonly<Count>>;
}

const COLUMNS = ['bytes', 'status', 'row', 'model', 'tokens', 'finish', 'tools', 'error'] as const;
/** Cells that are not a column of their own. */
const COLUMN_OF: Readonly<Record<string, (typeof COLUMNS)[number]>> = {
  request_model: 'model',
  error_type: 'error',
  error_message: 'error',
  ...Object.fromEntries(
    ['input', 'output', 'cached', 'written', 'reasoning', 'audio_in', 'audio_out'].map((name) => [name, 'tokens']),
  ),
};

/** Reads every recording that is sure of its numbers with one way of splitting, and compares. */
export function conformance(recordings: readonly Recording[], split: Split): Report {
  return reportOf(judgeRecordings(recordings, split));
}

/** @param played cells of recordings that went over real sockets too: every one of them, sure or not. */
export function judgeRecordings(
  recordings: readonly Recording[],
  split: Split,
  played: ReadonlyMap<string, readonly Cell[]> = new Map(),
): Judged[] {
  return recordings.flatMap((recording) => {
    const sure = recording.expect_confidence === 'high' ? judge(recording, readRecording(recording, split)) : [];
    const cells = [...(played.get(recording.id) ?? []), ...sure];
    const line = `${recording.provider} ${recording.api}${recording.stream ? ' (stream)' : ''}`;
    return cells.length === 0 ? [] : [{ id: recording.id, line, cells }];
  });
}

function judgeSessions(): Judged[] {
  return readSessions().map((session) => ({
    id: session.id,
    line: `${session.provider} realtime (WebSocket)`,
    cells: judgeSession(session, readSession(session).map(columnsOf)),
  }));
}

export function reportOf(all: readonly Judged[]): Report {
  const rows = new Map<string, Tally>();
  const columns = new Map<string, Count>();
  const misses: string[] = [];
  const cells: Count = { all: 0, right: 0 };
  let right = 0;
  for (const one of all) {
    const tally = rows.get(one.line) ?? { recordings: 0, right: 0, columns: new Map<string, Count>() };
    rows.set(one.line, tally);
    tally.recordings++;
    const wrong = one.cells.filter((cell) => !cell.right);
    if (wrong.length === 0) {
      tally.right++;
      right++;
    }
    for (const cell of one.cells) {
      const name = COLUMN_OF[cell.name] ?? cell.name;
      for (const counted of [cells, countOf(tally.columns, name), countOf(columns, name)]) {
        counted.all++;
        if (cell.right) counted.right++;
      }
    }
    for (const { name, expected, actual } of wrong)
      misses.push(`${one.id} [${one.line}] ${name}: expected ${String(expected)}, got ${String(actual)}`);
  }
  return { rows, misses, recordings: all.length, right, cells, columns };
}

function countOf(columns: Map<string, Count>, name: string): Count {
  const known = columns.get(name) ?? { all: 0, right: 0 };
  columns.set(name, known);
  return known;
}

/** The table, one line for each provider and endpoint; a column is how many of its cells are right, of how many. */
export function table(report: Report): string {
  const lines = [['provider and endpoint', 'recordings', 'right', ...COLUMNS].join(' | ')];
  const columnsOfRow = (columns: ReadonlyMap<string, Count>): string[] =>
    COLUMNS.map((column) => {
      const count = columns.get(column);
      return count === undefined ? '' : `${count.right}/${count.all}`;
    });
  for (const [name, row] of [...report.rows].sort(([a], [b]) => (a < b ? -1 : 1)))
    lines.push([name, row.recordings, row.right, ...columnsOfRow(row.columns)].join(' | '));
  lines.push(['all', report.recordings, report.right, ...columnsOfRow(report.columns)].join(' | '));
  lines.push(`cells | ${report.cells.all} | ${report.cells.right} (${percent(report.cells)})`);
  return lines.join('\n');
}

function percent({ right, all }: Readonly<Count>): string {
  return `${((100 * right) / Math.max(1, all)).toFixed(3)} %`;
}

async function main(): Promise<void> {
  if (!recordingsPresent) {
    console.log(ABSENT);
    return;
  }
  const recordings = readRecordings();
  const played = await playAll(recordings, (line) => console.error(line));
  const judged = judgeRecordings(recordings, whole, played);
  const report = reportOf([...judged, ...(hasSessions ? judgeSessions() : [])]);
  console.log(table(report));
  for (const miss of report.misses) console.log(miss);
  for (const [name, split] of [
    ['1 byte', bytewise],
    ['random', randomly(7, 48)],
  ] as const) {
    const again = conformance(recordings, split);
    console.log(`chunks of ${name}: ${again.right} of ${again.recordings} right`);
  }
  console.log(
    `\nWhere usage had to be estimated, how far it would have been off:\n${estimateTable(estimateErrors(recordings))}`,
  );
  const passed = ['bytes', 'status', 'row'].every((name) => {
    const count = report.columns.get(name);
    return count?.right === count?.all;
  });
  if (!passed || report.cells.right < report.cells.all * 0.995) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
