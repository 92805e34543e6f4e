/**
 * After a crash: which calls began, and have no row? Reads the marks of earlier processes and the newest segment, and makes
 * rows of what is missing: a call whose end was marked keeps its outcome, one that was in flight becomes `interrupted`.
 */
import { readFileSync, unlinkSync } from 'node:fs';
import type { RequestRow } from '@weir/schema/records';
import type { AttemptNote, EndNote, StartNote } from '../capture/notes.ts';
import { markKinds } from '../capture/notes.ts';
import { readAttempt, readEnd, readStart } from '../capture/read-notes.ts';
import { donePath, marksPath } from './marks.ts';
import { partId } from './parts.ts';
import { fileNumbers, fileSize, readRange, readRecords, segmentPath, tableLetters } from './segments.ts';

/** The warning of a row that was made of marks alone. It is the last of its call. */
export const recoveredWarning = 'recovered';

/** What the marks say of one call. */
export interface MarkedCall {
  start: StartNote;
  attempts: AttemptNote[];
  end: EndNote | null;
  /** How many parts of it have their rows: those of a connection's responses. */
  parts: number;
}

export interface Recovery {
  /** Calls that have no row yet, and never will have one but by this. */
  missing: MarkedCall[];
  /** Calls of `open`: this process still works on them. */
  open: Map<string, MarkedCall>;
  /** Deletes the marks that were read; to be called once the rows are written. */
  forget: () => void;
}

/**
 * @param marksNumber the marks file in use now: it and later ones are left alone.
 * @param open ids of calls that are still going on.
 */
export function recover(directory: string, marksNumber: number, open: ReadonlySet<string>): Recovery {
  const files = fileNumbers(directory, 'marks', 'log').filter((number) => number < marksNumber);
  const calls = new Map<string, MarkedCall>();
  const done = new Set<string>();
  const parts = new Map<string, number>();
  for (const number of files) {
    readMarks(marksPath(directory, number), calls);
    for (const line of readLines(donePath(directory, number))) {
      const [id = '', count] = line.split(' ');
      if (count === undefined) done.add(id);
      else parts.set(id, Math.max(parts.get(id) ?? 0, Number(count)));
    }
  }
  // The notes may tell of more calls than the marks do: also of those that an earlier recovery wrote.
  const unsure = [...calls].filter(([id]) => !done.has(id));
  const newest = unsure.length > 0 ? newestRecords(directory) : new Map<string, boolean>();
  for (const [id, call] of unsure) {
    call.parts = parts.get(id) ?? 0;
    if (call.end !== null && call.parts === 0) {
      if (newest.has(id)) done.add(id);
      continue;
    }
    // A call that has not ended has rows only of its parts, or one by which a recovery ended it.
    while (newest.has(partId(id, call.parts)) && !done.has(id)) {
      if (newest.get(partId(id, call.parts)) === true) done.add(id);
      call.parts++;
    }
  }
  const recovery: Recovery = {
    missing: [],
    open: new Map(),
    forget: () => {
      for (const number of files) {
        remove(marksPath(directory, number));
        remove(donePath(directory, number));
      }
    },
  };
  for (const [id, call] of calls) {
    if (open.has(id)) recovery.open.set(id, call);
    else if (!done.has(id)) recovery.missing.push(call);
  }
  return recovery;
}

function readMarks(path: string, calls: Map<string, MarkedCall>): void {
  for (const line of readLines(path)) {
    const note = readMark(line);
    if (note === null) continue;
    if (note.kind === markKinds.start) {
      const { start } = note;
      const known = calls.get(start.row.request_id);
      // A start that was carried over from an earlier file: the rest of what is known stays.
      calls.set(start.row.request_id, { start, attempts: known?.attempts ?? [], end: known?.end ?? null, parts: 0 });
    } else if (note.kind === markKinds.attempt) {
      const { attempt } = note;
      const call = calls.get(attempt.request_id);
      if (call === undefined) continue;
      // One that was carried over from an earlier file takes the place of what that says.
      const others = call.attempts.filter((one) => one.attempt.attempt_index !== attempt.attempt.attempt_index);
      call.attempts = [...others, attempt];
    } else {
      const { end } = note;
      const call = calls.get(end.request_id);
      if (call !== undefined) call.end = end;
    }
  }
}

type Mark =
  | { kind: typeof markKinds.start; start: StartNote }
  | { kind: typeof markKinds.attempt; attempt: AttemptNote }
  | { kind: typeof markKinds.end; end: EndNote };

/** A torn line (the disk was full, or the machine died) is no mark: null. */
function readMark(line: string): Mark | null {
  const kind = line[0];
  const json = line.slice(1);
  try {
    if (kind === markKinds.start) return { kind, start: readStart(json) };
    if (kind === markKinds.attempt) return { kind, attempt: readAttempt(json) };
    return kind === markKinds.end ? { kind, end: readEnd(json) } : null;
  } catch {
    return null;
  }
}

/**
 * Ids in the newest segments, and whether a recovery wrote their rows. The recorder notes a call as done right after its
 * record is written, so that only the last write before a crash can be in a segment and not be noted; two files are read
 * because that write may have begun a new one. Empty files do not count: every start begins one.
 */
function newestRecords(directory: string): Map<string, boolean> {
  const ids = new Map<string, boolean>();
  const filled = fileNumbers(directory, 'rows', 'log').filter((number) => fileSize(segmentPath(directory, number)) > 0);
  for (const number of filled.slice(-2)) {
    const path = segmentPath(directory, number);
    for (const { payload } of readRecords(readRange(path, 0, fileSize(path)))) {
      const start = payload.lastIndexOf(`\n${tableLetters.requests}{`) + 1;
      if (payload.toString('latin1', start, start + 1) !== tableLetters.requests) continue;
      const row = JSON.parse(payload.toString('utf8', start + 1)) as Pick<RequestRow, 'request_id' | 'warnings'>;
      ids.set(row.request_id, row.warnings.includes(recoveredWarning));
    }
  }
  return ids;
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
