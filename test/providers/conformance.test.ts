import { describe, expect, test } from 'vitest';
import { conformance, table } from './conformance.ts';
import { bytewise, judge, randomly, readRecording, whole } from './judge.ts';
import { ABSENT, readRecordings, readSyntheticErrors, recordingsPresent } from './recordings.ts';

if (!recordingsPresent) console.warn(ABSENT);

/** The hand-written errors say nothing about these. */
const SILENT: ReadonlySet<string> = new Set(['error_message', 'request_model']);

describe.skipIf(!recordingsPresent)('recorded replies are read right', () => {
  const recordings = recordingsPresent ? readRecordings() : [];

  test('whole: at least 99.5 % of all cells', () => {
    const report = conformance(recordings, whole);
    console.log(`${table(report)}\n${report.misses.join('\n')}`);
    expect(report.recordings).toBeGreaterThan(1500);
    expect(report.cells.right / report.cells.all).toBeGreaterThanOrEqual(0.995);
  });

  test.each([
    ['single bytes', bytewise],
    ['random chunks', randomly(11, 40)],
    ['packets', randomly(5, 1400)],
  ] as const)(
    '%s: the same as whole',
    (_, split) => {
      const inOne = conformance(recordings, whole);
      expect(conformance(recordings, split).misses).toEqual(inOne.misses);
    },
    300_000,
  );

  test('errors that providers document have their type and message', () => {
    for (const recording of readSyntheticErrors()) {
      for (const split of [whole, bytewise]) {
        const reading = readRecording(recording, split);
        const wrong = judge(recording, reading).filter((cell) => !cell.right && !SILENT.has(cell.name));
        expect(wrong, recording.id).toEqual([]);
        // The corpus gives these no message: what is in the JSON must have been found.
        const found = reading.reply.error?.message ?? null;
        if (found !== null) expect(recording.response.body).toContain(JSON.stringify(found));
        else expect(recording.response.body).not.toContain('"message"');
      }
    }
  });

  test('a stream that reaches its end says so, one that is cut does not', () => {
    for (const recording of readSyntheticErrors()) {
      if (recording.id.endsWith('stream-cut')) expect(readRecording(recording, whole).reply.complete).toBe(false);
    }
  });
});
