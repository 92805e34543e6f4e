/** Recovery itself may be cut short, at any of its steps: the next one writes nothing twice. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NotedAttempt, StartNote } from '@weir/proxy/src/capture/notes.ts';
import { markKinds } from '@weir/proxy/src/capture/notes.ts';
import { builtInBook } from '@weir/proxy/src/prices/book.ts';
import { Recorder } from '@weir/proxy/src/record/recorder.ts';
import { RecordEncoder } from '@weir/proxy/src/spool/encoder.ts';
import { donePath, Marks, marksPath } from '@weir/proxy/src/spool/marks.ts';
import {
  fileNumbers,
  fileSize,
  readRange,
  readRecords,
  segmentPath,
  SegmentWriter,
} from '@weir/proxy/src/spool/segments.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weir-recover-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const uuid = (number: number): string => `00000000-0000-7000-8000-${String(number).padStart(12, '0')}`;
const startedAt = Date.UTC(2026, 0, 1) * 1000;

function startNote(id: string): StartNote {
  const attempt = { attempt_index: 0, started_at: startedAt, provider: 'openai', outcome: 'ok' } as NotedAttempt;
  const row = { request_id: id, started_at: startedAt, provider: 'openai' } as StartNote['row'];
  return { row, attempt, keep: false, redact: [] };
}

/** What a process leaves that dies: calls that began, those of them that ended, and those whose record is written. */
function leave(marksNumber: number, ids: { began: string[]; ended: string[]; written: string[] }): void {
  const marks = new Marks(directory, marksNumber);
  const say = (kind: string, note: unknown): void => marks.add(kind, JSON.stringify(note));
  for (const id of ids.began) say(markKinds.start, startNote(id));
  const row = { outcome: 'ok', warnings: [], attempts: 1 };
  for (const id of ids.ended) say(markKinds.end, { request_id: id, row, attempts: [startNote(id).attempt] });
  marks.close();
  const newest = fileNumbers(directory, 'rows', 'log').at(-1) ?? 0;
  const writer = new SegmentWriter(directory, newest === 0 ? 1 : newest);
  const encoder = new RecordEncoder();
  for (const id of ids.written)
    encoder.add([{ table: 'requests', row: { request_id: id, outcome: 'ok', warnings: [] } }]);
  writer.append(encoder.bytes);
  writer.close();
}

function startRecorder(marksNumber: number): Recorder {
  const bodyLimit = 1024;
  const away = { clickhouseUrl: 'http://127.0.0.1:1', cluster: undefined, pricesCopy: join(directory, 'prices.json') };
  const keep = { spoolLimit: 1e9, retainDays: 90, retainBodiesDays: 30, bodyLimit };
  return new Recorder({ directory, ...away, ...keep, marksNumber, open: [] }, { book: builtInBook });
}

/** Ids of all requests in the spool, in their order. */
function spooled(): string[] {
  return fileNumbers(directory, 'rows', 'log').flatMap((number) => {
    const path = segmentPath(directory, number);
    const records = [...readRecords(readRange(path, 0, fileSize(path)))];
    const lines = records.flatMap(({ payload }) => payload.toString().split('\n'));
    const requests = lines.filter((line) => line.startsWith('r'));
    return requests.map((line) => (JSON.parse(line.slice(1)) as { request_id: string }).request_id);
  });
}

test('a call that is written and not noted comes once, however many an earlier recovery noted', () => {
  const before = [1, 2, 3, 4, 5].map(uuid);
  leave(1, { began: before, ended: [], written: [] });
  startRecorder(2).rows.segments.close();
  const after = [6, 7].map(uuid);
  leave(2, { began: after, ended: after, written: after });
  startRecorder(3).rows.segments.close();
  expect(spooled()).toEqual([...before, ...after]);
});

test('a recovery that dies between its rows and its notes is not repeated', () => {
  const copy = mkdtempSync(join(tmpdir(), 'weir-recover-'));
  const [open, ended] = [uuid(1), uuid(2)];
  leave(1, { began: [open, ended], ended: [ended], written: [] });
  cpSync(marksPath(directory, 1), join(copy, 'marks'));
  startRecorder(2).rows.segments.close();
  expect(spooled()).toEqual([open, ended]);
  // As it was before the notes were written and the marks deleted.
  cpSync(join(copy, 'marks'), marksPath(directory, 1));
  rmSync(donePath(directory, 2));
  rmSync(copy, { recursive: true });
  startRecorder(3).rows.segments.close();
  expect(spooled()).toEqual([open, ended]);
});

test('a call in its third attempt has a row for each, also when marks were carried over to another file', () => {
  const id = uuid(1);
  const attempt = (index: number) => ({
    request_id: id,
    attempt: { ...(startNote(id).attempt as NotedAttempt), attempt_index: index },
  });
  const say = (number: number, indexes: number[]): void => {
    const marks = new Marks(directory, number);
    marks.add(markKinds.start, JSON.stringify(startNote(id)));
    for (const index of indexes) marks.add(markKinds.attempt, JSON.stringify(attempt(index)));
    marks.close();
  };
  say(1, [1]);
  say(2, [1, 2]);
  startRecorder(3).rows.segments.close();
  const told = fileNumbers(directory, 'rows', 'log').flatMap((number) => {
    const path = segmentPath(directory, number);
    const lines = [...readRecords(readRange(path, 0, fileSize(path)))].flatMap(({ payload }) =>
      payload.toString().split('\n'),
    );
    return lines
      .filter((line) => line.startsWith('a'))
      .map((line) => JSON.parse(line.slice(1)) as { attempt_index: number });
  });
  expect(told.map(({ attempt_index }) => attempt_index)).toEqual([0, 1, 2]);
});
