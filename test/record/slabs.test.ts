/** Bodies are recorded as they came, though the slabs that they came in are filled again as soon as they were read. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { frameHead, kinds, writeHead, type Kind } from '@weir/proxy/src/capture/frames.ts';
import { builtInBook } from '@weir/proxy/src/prices/book.ts';
import { Recorder } from '@weir/proxy/src/record/recorder.ts';
import { fileNumbers, fileSize, readRange, readRecords, segmentPath } from '@weir/proxy/src/spool/segments.ts';
import { splitTables } from '@weir/proxy/src/spool/stretch.ts';

let directory: string;
let recorder: Recorder;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weir-slabs-'));
  const options = { directory, clickhouseUrl: '', cluster: undefined, bodyLimit: 100_000, pricesCopy: '' };
  const limits = { spoolLimit: 1e9, retainDays: 1, retainBodiesDays: 1, marksNumber: 1, open: [] };
  recorder = new Recorder({ ...options, ...limits }, { book: builtInBook });
});
afterEach(() => {
  recorder.rows.segments.close();
  rmSync(directory, { recursive: true, force: true });
});

/** The one slab that all frames come in: each time it is filled from its beginning. */
const slab = Buffer.from(new SharedArrayBuffer(64 * 1024));

async function tell(...frames: [kind: Kind, call: number, payload: Buffer | object][]): Promise<void> {
  let filled = 0;
  for (const [kind, call, payload] of frames) {
    const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload));
    writeHead(slab, filled, kind, call, 1, bytes.length);
    filled += frameHead + bytes.copy(slab, filled + frameHead);
  }
  await recorder.take(slab, filled);
  slab.fill('!');
}

const id = (call: number): string => `00000000-0000-7000-8000-${String(call).padStart(12, '0')}`;
const attempt = {
  attempt_index: 0,
  started_at: Date.UTC(2026, 0, 1) * 1000,
  provider: 'openai',
  host: 'h',
  reason: 'first',
  trigger: '',
  wait_ms: 0,
  status: 200,
  outcome: 'ok',
  error_type: '',
  error_message: '',
  connect_ms: 0,
  headers_ms: 1,
  duration_ms: 1,
  response_bytes: 1,
};

function start(call: number): [Kind, number, object] {
  const row = {
    request_id: id(call),
    started_at: attempt.started_at,
    project: 'p',
    provider: 'openai',
    operation: 'chat',
    method: 'POST',
    path: '/v1/chat/completions',
    query: '',
    properties: {},
  };
  return [kinds.start, call, { row, attempt, keep: true, redact: [] }];
}

function head(call: number, encoding = 'identity'): [Kind, number, object] {
  return [
    kinds.head,
    call,
    { status: 200, headers: ['Content-Type', 'text/event-stream', 'Content-Encoding', encoding] },
  ];
}

function end(call: number): [Kind, number, object] {
  const row = {
    status: 200,
    outcome: 'ok',
    error_type: '',
    error_message: '',
    duration_ms: 1,
    wait_ms: 0,
    upstream_ms: 1,
  };
  const note = { request_id: id(call), row: { ...row, attempts: 1, warnings: [] }, attempts: [attempt] };
  return [kinds.end, call, note];
}

/** Request and response of each call, by its number. */
function bodies(): Map<number, [request: string, response: string]> {
  const found = new Map<number, [string, string]>();
  for (const number of fileNumbers(directory, 'rows', 'log')) {
    const path = segmentPath(directory, number);
    const payloads = [...readRecords(readRange(path, 0, fileSize(path)))].map(({ payload }) => payload);
    for (const line of splitTables(payloads).bodies.plain) {
      const row = JSON.parse(line.toString()) as { request_id: string; request?: string; response?: string };
      found.set(Number(row.request_id.slice(-12)), [row.request ?? '', row.response ?? '']);
    }
  }
  return found;
}

const request = (call: number): Buffer =>
  Buffer.from(JSON.stringify({ model: 'm', messages: [{ content: `ä${call}` }] }));
const event = (call: number, number: number): Buffer => Buffer.from(`data: {"n":"${call}/${number} €"}\n\n`);

test('calls that end in the slab in which they began, and such that go on over many', async () => {
  await tell(start(1), [kinds.request, 1, request(1)], start(2), [kinds.request, 2, request(2)], head(1), head(2));
  const said = ['', ''];
  for (let number = 0; number < 300; number++) {
    const [one, two] = [event(1, number), event(2, number)];
    said[0] += one.toString();
    said[1] += two.toString();
    // In the middle of a character now and then.
    await tell(
      [kinds.response, 1, one.subarray(0, 16)],
      [kinds.response, 2, two],
      [kinds.response, 1, one.subarray(16)],
    );
  }
  await tell(
    end(1),
    start(3),
    [kinds.request, 3, request(3)],
    head(3),
    [kinds.response, 3, event(3, 0)],
    end(3),
    end(2),
  );
  expect(bodies()).toEqual(
    new Map([
      [1, [request(1).toString(), said[0]]],
      [2, [request(2).toString(), said[1]]],
      [3, [request(3).toString(), event(3, 0).toString()]],
    ]),
  );
});

test('a reply that is still unpacked when its slab is filled again', async () => {
  const reply = Buffer.concat(Array.from({ length: 2000 }, (_, number) => event(1, number)));
  const packed = gzipSync(reply);
  await tell(start(1), [kinds.request, 1, request(1)], head(1, 'gzip'), [kinds.response, 1, packed], end(1));
  await recorder.settle();
  expect(bodies()).toEqual(new Map([[1, [request(1).toString(), reply.toString()]]]));
});
