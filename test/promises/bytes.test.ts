/** Promise 1: the provider gets what the client sent, and the client gets what the provider sent, byte for byte. */
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { providers } from '@weir/proxy/src/providers/registry.ts';
import { rawRequest } from '../support/http.ts';
import { startProvider, type ScriptedProvider } from '../support/provider.ts';
import { bodyOf, hasTraffic, readRecordings, whySkipped, type Recording } from '../support/recordings.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await startProvider((_, response) => response.end('ok'));
  weir = await startWeir(Object.fromEntries([...providers.keys()].map((name) => [name, provider.url])));
});
afterAll(async () => {
  await weir.stop();
  await provider.close();
});

/** What stands before the vendor's own path: the provider, and a place where it has places. */
function prefixOf({ provider: name }: Recording): string {
  const place = providers.get(name)?.place;
  return place === undefined ? `/${name}` : `/${name}/${place.example}`;
}

/** Headers that frame a message or that the test's own connection makes. */
const framing = /^(content-length|transfer-encoding|connection|keep-alive|host|content-encoding|date)$/i;

const codings = {
  identity: (bytes: Buffer) => bytes,
  gzip: (bytes: Buffer) => gzipSync(bytes),
  br: (bytes: Buffer) => brotliCompressSync(bytes),
};

/** Plays a recording through Weir. @param chunk bytes in each of the provider's writes; 0: all at once, with a length. */
async function play(recording: Recording, coding: keyof typeof codings, chunk: number): Promise<void> {
  const answer = codings[coding](bodyOf(recording.response));
  // A megabyte in writes of 7 bytes shows no more than its first thousand do, and takes a minute.
  const step = Math.max(chunk, Math.ceil(answer.length / 1_000));
  const headers = Object.entries(recording.response.headers).filter(([name]) => !framing.test(name));
  if (coding !== 'identity') headers.push(['content-encoding', coding]);
  provider.script = async (_, response) => {
    if (chunk === 0) headers.push(['content-length', String(answer.length)]);
    response.writeHead(recording.response.status, headers.flat());
    for (let from = 0; chunk > 0 && from < answer.length; from += step) {
      response.write(answer.subarray(from, from + step));
      if (from % (step * 64) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    response.end(chunk === 0 ? answer : undefined);
  };
  const sent = bodyOf(recording.request);
  const sentHeaders = Object.entries(recording.request.headers).filter(([name]) => !framing.test(name));
  provider.seen.length = 0;
  const got = await rawRequest(weir.proxy.url, {
    method: recording.request.method,
    path: `${prefixOf(recording)}${recording.request.path}`,
    headers: sentHeaders,
    body: sent,
    ...(chunk > 0 ? { chunkBytes: Math.max(chunk, 512) } : {}),
  });
  const what = `${recording.id} (${coding}, ${chunk})`;
  expect(got.status, what).toBe(recording.response.status);
  expect(got.complete, what).toBe(true);
  expect(got.body.equals(answer), `${what}: the client's bytes`).toBe(true);
  const [seen] = provider.seen;
  expect(seen?.url, what).toBe(recording.request.path);
  expect(seen?.body.equals(sent), `${what}: the provider's bytes`).toBe(true);
  for (const [name, value] of headers) expect(got.header(name.toLowerCase()), `${what}: ${name}`).toBe(value);
  const passed = pairs(seen?.headers ?? []).filter(([name]) => !framing.test(name));
  expect(passed, `${what}: request headers`).toEqual(sentHeaders);
}

function pairs(flat: string[]): [string, string][] {
  return flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? ''] as [string, string]] : []));
}

describe('every recording of a known provider passes byte for byte', () => {
  test.skipIf(!hasTraffic)(
    `in several framings${hasTraffic ? '' : ` (${whySkipped})`}`,
    { timeout: 900_000 },
    async () => {
      // A coding's value cannot stand in a header twice, and trailing spaces of recorded values are not HTTP.
      const clean = (value: string): boolean => value === value.trim() && !value.includes('\n');
      const recordings = await readRecordings(
        ({ provider: name, response, request }) =>
          providers.has(name) && [...Object.values(response.headers), ...Object.values(request.headers)].every(clean),
      );
      expect(recordings.length).toBeGreaterThan(900);
      const chunks = [0, 7, 1024];
      const codingNames = Object.keys(codings) as (keyof typeof codings)[];
      for (const [index, recording] of recordings.entries()) {
        // Each recording in one framing of its own; every sixtieth in all of them.
        const all = index % 60 === 0;
        for (const [c, chunk] of chunks.entries()) {
          for (const [d, coding] of codingNames.entries()) {
            if (all || ((index + c) % 3 === 0 && (index + d) % 3 === 0)) await play(recording, coding, chunk);
          }
        }
      }
      console.log(`${recordings.length} recordings passed byte for byte`);
    },
  );
});
