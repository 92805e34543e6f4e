/** Promise 1: the provider gets what the client sent, and the client gets what the provider sent, byte for byte. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ABSENT, readRecordings, recordingsPresent } from '../providers/recordings.ts';
import { codings, openStage, play, type Coding, type Stage } from '../support/play.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

describe('every recording passes byte for byte', () => {
  test.skipIf(!recordingsPresent)(
    `in several framings${recordingsPresent ? '' : ` (${ABSENT})`}`,
    { timeout: 900_000 },
    async () => {
      const recordings = readRecordings();
      expect(recordings.length).toBeGreaterThan(1_600);
      const chunks = [0, 1, 7, 1024];
      const codingNames = Object.keys(codings) as Coding[];
      for (const [index, recording] of recordings.entries()) {
        // Each recording in one framing of its own; every sixtieth in all of them. `npm run conformance` plays the rest.
        const all = index % 60 === 0;
        for (const [c, chunk] of chunks.entries()) {
          for (const [d, coding] of codingNames.entries()) {
            if (!all && ((index + c) % chunks.length !== 0 || (index + d) % codingNames.length !== 0)) continue;
            const { status, changed } = await play(stage, recording, { coding, chunk });
            expect({ status, changed }, `${recording.id} (${coding}, ${chunk})`).toEqual({
              status: recording.response.status,
              changed: [],
            });
          }
        }
      }
      console.log(`${recordings.length} recordings passed byte for byte`);
    },
  );
});
