import { describe, expect, test } from 'vitest';
import type { BatchLine } from '../../proxy/src/providers/batch-lines.ts';
import { fetchedBatch, InlineAnswers } from '../../proxy/src/providers/inline-batch.ts';
import { bytewise } from './judge.ts';
import { dialectOf } from './support.ts';

describe('answers inside of a Gemini batch', () => {
  const usageMetadata = { promptTokenCount: 1000, candidatesTokenCount: 100, totalTokenCount: 1100 };
  const response = {
    candidates: [{ content: { parts: [{ text: 'hi' }] }, finishReason: 'STOP' }],
    modelVersion: 'gemini-2.5-flash',
    usageMetadata,
  };
  const operation = (answers: readonly object[]): Buffer => {
    const output = { inlinedResponses: { inlinedResponses: answers } };
    const metadata = { state: 'BATCH_STATE_SUCCEEDED', model: 'models/gemini-2.5-flash', output };
    return Buffer.from(JSON.stringify({ name: 'batches/b', metadata, done: true, response: output }, null, 2));
  };
  const readAnswers = (chunks: Iterable<Uint8Array>): BatchLine[] => {
    const found: BatchLine[] = [];
    const reader = new InlineAnswers('b', dialectOf('google'), (line) => found.push(line));
    for (const chunk of chunks) reader.feed(chunk);
    reader.end();
    return found;
  };

  test('only the batch itself has them', () => {
    expect(fetchedBatch('GET', '/v1beta/batches/b')).toBe('b');
    expect(fetchedBatch('POST', '/v1beta/batches/b:cancel')).toBeNull();
    expect(fetchedBatch('GET', '/v1beta/batches')).toBeNull();
    expect(fetchedBatch('GET', '/v1/batches/batch_1')).toBeNull();
  });

  test('are told once each, whole and byte by byte, with a key or without', () => {
    const error = { code: 400, message: 'Too long.', status: 'INVALID_ARGUMENT' };
    const body = operation([{ response, metadata: { key: 'a' } }, { response }, { error, metadata: { key: 'c' } }]);
    const answers = readAnswers([body]);
    expect(readAnswers(bytewise(body))).toEqual(answers);
    expect(answers.map(({ customId, status, names }) => [customId, status, names[2]])).toEqual([
      ['a', 200, '0'],
      ['', 200, '1'],
      ['c', null, '2'],
    ]);
    expect(answers[0]?.reply).toMatchObject({ model: 'gemini-2.5-flash', usage: { input_tokens: 1000 } });
    expect(answers[2]?.reply.error).toEqual({ type: 'INVALID_ARGUMENT', message: 'Too long.' });
  });

  test('are none while the batch goes on', () => {
    expect(readAnswers([Buffer.from('{"name":"batches/b","metadata":{"state":"BATCH_STATE_RUNNING"}}')])).toEqual([]);
  });

  test('are all read, however many there are', () => {
    const answers = Array.from({ length: 2000 }, () => ({ response }));
    const read = readAnswers([operation(answers)]);
    expect(read).toHaveLength(2000);
    expect(read.at(-1)?.reply.usage).toMatchObject({ input_tokens: 1000, output_tokens: 100 });
  });
});
