import { describe, expect, test } from 'vitest';
import { readRequest } from './support.ts';

describe('a request', () => {
  test('gives model, stream, user, tier and text', () => {
    const body = {
      model: 'gpt-5',
      stream: true,
      user: 'alice',
      service_tier: 'flex',
      messages: [
        { role: 'system', content: 'one ' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'two' },
            { type: 'image_url', image_url: { url: 'data:xxxx' } },
          ],
        },
      ],
    };
    expect(readRequest([JSON.stringify(body)])).toMatchObject({
      model: 'gpt-5',
      streamed: true,
      user: 'alice',
      serviceTier: 'flex',
      text: { kept: 'one two', characters: 7 },
    });
  });

  test('takes the end user from where each API has it', () => {
    const metadata = { user_id: 'bob' };
    expect(readRequest([JSON.stringify({ safety_identifier: 'eve' })]).user).toBe('eve');
    expect(readRequest([JSON.stringify({ metadata })], { provider: 'anthropic' }).user).toBe('bob');
    expect(readRequest([JSON.stringify({ metadata })]).user).toBeNull();
  });

  test('to Gemini has its model and its streaming in the path', () => {
    const path = '/v1beta/models/gemini-2.5-flash:streamGenerateContent';
    const body = JSON.stringify({ contents: [{ parts: [{ text: 'hi' }] }] });
    expect(readRequest([body], { provider: 'google', path })).toMatchObject({
      model: 'gemini-2.5-flash',
      streamed: true,
      text: { kept: 'hi' },
    });
  });

  test('as a form has its model before or after the file, and no hash', () => {
    const part = (name: string, value: string, more = ''): string =>
      `--b\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
    const file = part('file', 'x'.repeat(200_000), '; filename="a.mp3"\r\nContent-Type: audio/mpeg');
    const given = { path: '/v1/audio/transcriptions', type: 'multipart/form-data; boundary=b' };
    for (const body of [part('model', 'whisper-1') + file, file + part('model', 'whisper-1')]) {
      const bytes = Buffer.from(`${body}--b--\r\n`);
      for (const size of [7, 1000, 65_537]) {
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
          bytes.subarray(at * size, (at + 1) * size),
        );
        expect(readRequest(chunks, given)).toMatchObject({ model: 'whisper-1', hash: null });
      }
    }
  });

  test.each(['', 'hello', '{"model":', '{"model":"m","a":}', '\u0000\u0001'])(
    'that is no JSON has no hash: %j',
    (body) => {
      expect(readRequest([body]).hash).toBeNull();
    },
  );
});
