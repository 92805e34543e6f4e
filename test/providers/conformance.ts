import { fileURLToPath } from 'node:url';
import type { Split } from './judge.ts';
import { bytewise, judge, randomly, readRecording, whole } from './judge.ts';
import type { Recording } from './recordings.ts';
import { ABSENT, readRecordings, recordingsPresent } from './recordings.ts';

interface Tally {
  recordings: number;
  right: number;
  cells: Map<string, { all: number; right: number }>;
}

export interface Report {
  readonly rows: ReadonlyMap<string, Tally>;
  readonly misses: readonly string[];
  readonly recordings: number;
  readonly right: number;
  /** Of all recordings together. */
  readonly cells: { readonly all: number; readonly right: number };
}

/** Reads every recording with one way of splitting, and compares those that are sure of their numbers. */
export function conformance(recordings: readonly Recording[], split: Split): Report {
  const rows = new Map<string, Tally>();
  const misses: string[] = [];
  let right = 0;
  const sum = { all: 0, right: 0 };
  const judged = recordings.filter((one) => one.expect_confidence === 'high');
  for (const recording of judged) {
    const cells = judge(recording, readRecording(recording, split));
    const name = `${recording.provider} ${recording.api}${recording.stream ? ' (stream)' : ''}`;
    const tally = rows.get(name) ?? { recordings: 0, right: 0, cells: new Map() };
    rows.set(name, tally);
    tally.recordings++;
    const wrong = cells.filter((cell) => !cell.right);
    if (wrong.length === 0) {
      tally.right++;
      right++;
    }
    for (const cell of cells) {
      const column = tally.cells.get(cell.name) ?? { all: 0, right: 0 };
      tally.cells.set(cell.name, column);
      column.all++;
      sum.all++;
      if (!cell.right) continue;
      column.right++;
      sum.right++;
    }
    for (const cell of wrong)
      misses.push(
        `${recording.id} [${name}] ${cell.name}: expected ${String(cell.expected)}, read ${String(cell.actual)}`,
      );
  }
  return { rows, misses, recordings: judged.length, right, cells: sum };
}

/** The table, one line for each provider and endpoint; a column shows how many are wrong, blank when none. */
export function table(report: Report): string {
  const columns = [...new Set([...report.rows.values()].flatMap((row) => [...row.cells.keys()]))];
  const lines = [['provider and endpoint', 'recordings', 'right', ...columns.map((name) => `✗ ${name}`)].join(' | ')];
  for (const [name, row] of [...report.rows].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const cells = columns.map((column) => {
      const cell = row.cells.get(column);
      return cell === undefined || cell.all === cell.right ? '' : String(cell.all - cell.right);
    });
    lines.push([name, row.recordings, row.right, ...cells].join(' | '));
  }
  lines.push(`all | ${report.recordings} | ${report.right} (${percent(report.right, report.recordings)})`);
  lines.push(`cells | ${report.cells.all} | ${report.cells.right} (${percent(report.cells.right, report.cells.all)})`);
  return lines.join('\n');
}

function percent(part: number, all: number): string {
  return `${((100 * part) / Math.max(1, all)).toFixed(3)} %`;
}

function main(): void {
  if (!recordingsPresent) {
    console.log(ABSENT);
    return;
  }
  const recordings = readRecordings();
  const report = conformance(recordings, whole);
  console.log(table(report));
  for (const miss of report.misses) console.log(miss);
  for (const [name, split] of [
    ['1 byte', bytewise],
    ['random', randomly(7, 48)],
  ] as const) {
    const again = conformance(recordings, split);
    console.log(`chunks of ${name}: ${again.right} of ${again.recordings} right`);
  }
  if (report.cells.right < report.cells.all * 0.995) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
