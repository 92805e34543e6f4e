/** The recorded provider traffic beside the project; absent in a clone that stands alone. */
import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const trafficPath = join(root, '..', 'shared', 'traffic', 'dev.jsonl.gz');
export const hasTraffic = existsSync(trafficPath);
export const whySkipped = `skipped: no recorded traffic at ../shared/traffic`;

const message = z.object({
  headers: z.record(z.string(), z.string()).catch({}),
  body: z.string().optional(),
  body_base64: z.string().optional(),
});
const recording = z.object({
  id: z.string(),
  provider: z.string(),
  api: z.string(),
  stream: z.boolean(),
  request: message.extend({ method: z.string(), path: z.string() }),
  response: message.extend({ status: z.number(), original_content_encoding: z.string().nullish() }),
  expect_confidence: z.string(),
  expect: z.record(z.string(), z.unknown()),
});
export type Recording = z.infer<typeof recording>;

export async function readRecordings(wanted: (recording: Recording) => boolean): Promise<Recording[]> {
  const found: Recording[] = [];
  const lines = createInterface({ input: createReadStream(trafficPath).pipe(createGunzip()) });
  for await (const line of lines) {
    const parsed = recording.parse(JSON.parse(line));
    if (wanted(parsed)) found.push(parsed);
  }
  return found;
}

export function bodyOf({ body, body_base64 }: { body?: string | undefined; body_base64?: string | undefined }): Buffer {
  return body_base64 === undefined ? Buffer.from(body ?? '') : Buffer.from(body_base64, 'base64');
}
