import { expect, test } from 'vitest';
import { BatchLines, downloadedBatch, type BatchLine } from '../../proxy/src/providers/batch-lines.ts';
import { bytewise } from './judge.ts';
import { bodyOf, readRecordings, recordingsPresent } from './recordings.ts';
import { dialectOf } from './support.ts';

function readLines(provider: string, chunks: Iterable<Uint8Array>): BatchLine[] {
  const found: BatchLine[] = [];
  const reader = new BatchLines('batch', dialectOf(provider), (line) => found.push(line));
  for (const chunk of chunks) reader.feed(chunk);
  reader.end();
  return found;
}

test('only a download of results is one', () => {
  expect(downloadedBatch('GET', '/v1/files/file-1/content')).toBe('file-1');
  expect(downloadedBatch('GET', '/openai/files/file-1/content')).toBe('file-1');
  expect(downloadedBatch('GET', '/v1/messages/batches/msgbatch_1/results')).toBe('msgbatch_1');
  expect(downloadedBatch('GET', '/download/v1beta/files/f:download')).toBe('f');
  expect(downloadedBatch('POST', '/v1/files/file-1/content')).toBeNull();
  expect(downloadedBatch('GET', '/v1/files/file-1')).toBeNull();
});

test.skipIf(!recordingsPresent)('recorded results, whole and byte by byte', () => {
  const recordings = recordingsPresent ? readRecordings() : [];
  const results = recordings.filter(({ request, response }) => {
    const batch = downloadedBatch(request.method, request.path.split('?')[0] ?? '');
    return batch !== null && response.status === 200;
  });
  const read = results.map((recording) => {
    const body = bodyOf(recording.response);
    const lines = readLines(recording.provider, [body]);
    expect(readLines(recording.provider, bytewise(body))).toEqual(lines);
    return lines.map(({ operation, reply }) => [operation, reply.model, reply.usage?.input_tokens]);
  });
  expect(read.flat()).toContainEqual(['messages', 'claude-haiku-4-5-20251001', 20]);
  expect(read.flat().filter(([operation]) => operation === 'embeddings')).toHaveLength(2);
  // A training file has lines too, and none of a batch.
  expect(read).toContainEqual([]);
});

test('a file of 200 MB is read in bounded memory', { timeout: 180_000 }, () => {
  const line = (text: string): Buffer => {
    const choices = [{ index: 0, message: { content: text }, finish_reason: 'stop' }];
    const usage = { prompt_tokens: 7, completion_tokens: 1 };
    const body = { object: 'chat.completion', model: 'gpt-4o-mini', choices, usage };
    return Buffer.from(
      `${JSON.stringify({ id: 'batch_req_1', custom_id: 'a', response: { status_code: 200, body } })}\n`,
    );
  };
  let sum = 0;
  const reader = new BatchLines('batch', dialectOf('openai'), ({ reply }) => (sum += reply.usage?.input_tokens ?? 0));
  const used = (): number => process.memoryUsage().heapUsed + process.memoryUsage().external;
  const parts = [line('word '.repeat(20_000)), line('word '.repeat(2_000_000))];
  const before = used();
  let most = 0;
  let bytes = 0;
  let lines = 0;
  for (; bytes < 200 * 1024 * 1024; lines++) {
    const part = parts[lines % 100 === 99 ? 1 : 0] as Buffer;
    bytes += part.length;
    reader.feed(part);
    if (lines % 20 === 0) most = Math.max(most, used() - before);
  }
  reader.end();
  expect(sum).toBe(7 * lines);
  console.log(`${lines} lines: ${(most / 1024 ** 2).toFixed(1)} MB more in use at the most`);
  expect(most).toBeLessThan(96 * 1024 * 1024);
});
