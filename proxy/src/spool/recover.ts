/**
 * After a crash: which calls began, and have no row? Reads the marks of earlier processes and the newest segment, and makes
 * rows of what is missing: a call whose end was marked keeps its outcome, one that was in flight becomes `interrupted`.
 */
import { readFileSync, unlinkSync } from 'node:fs';
import type { AttemptNote, EndNote, StartNote } from '../capture/notes.ts';
import { markKinds } from '../capture/notes.ts';
import { donePath, marksPath } from './marks.ts';
import { fileNumbers, fileSize, readRange, readRecords, segmentPath, tableLetters } from './segments.ts';

/** What the marks say of one call. */
export interface MarkedCall {
  start: StartNote;
  attempts: AttemptNote[];
  end: EndNote | null;
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
  for (const number of files) {
    readMarks(marksPath(directory, number), calls);
    for (const id of readLines(donePath(directory, number))) done.add(id);
  }
  if (calls.size > done.size) for (const id of newestRecords(directory)) done.add(id);
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
    const note = parseLine(line.slice(1));
    if (note === null) continue;
    if (line.startsWith(markKinds.start)) {
      const start = note as StartNote;
      const known = calls.get(start.row.request_id);
      // A start that was carried over from an earlier file: the rest of what is known stays.
      calls.set(start.row.request_id, { start, attempts: known?.attempts ?? [], end: known?.end ?? null });
    } else if (line.startsWith(markKinds.attempt)) {
      const attempt = note as AttemptNote;
      calls.get(attempt.request_id)?.attempts.push(attempt);
    } else if (line.startsWith(markKinds.end)) {
      const end = note as EndNote;
      const call = calls.get(end.request_id);
      if (call !== undefined) call.end = end;
    }
  }
}

/** A torn line (the disk was full, or the machine died) is no mark. Lines are our own: their shape needs no proof. */
function parseLine(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

/**
 * Ids in the newest segments. The recorder notes a call as done right after its record is written, so that only the last
 * write before a crash can be in a segment and not be noted; two files are read because that write may have begun a new one.
 * Empty files do not count: every start begins one.
 */
function newestRecords(directory: string): Set<string> {
  const ids = new Set<string>();
  const filled = fileNumbers(directory, 'rows', 'log').filter((number) => fileSize(segmentPath(directory, number)) > 0);
  for (const number of filled.slice(-2)) {
    const path = segmentPath(directory, number);
    for (const { payload } of readRecords(readRange(path, 0, fileSize(path)))) {
      const start = payload.lastIndexOf(`\n${tableLetters.requests}{`) + 1;
      const match = /"request_id":"([^"]+)"/.exec(payload.toString('latin1', start, start + 200));
      if (match?.[1] !== undefined) ids.add(match[1]);
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
