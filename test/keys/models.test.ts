/** A key that allows some models only cannot be led past by a body that two readers read in two ways. */
import { describe, expect, test } from 'vitest';
import { modelsInBody } from '../../proxy/src/keys/models.ts';

const json = (text: string, type = 'application/json', encoding = ''): string[] | null =>
  modelsInBody(Buffer.from(text), type, encoding);

describe('in JSON', () => {
  test.for([
    ['{"model":"gpt-4o","messages":[]}', ['gpt-4o']],
    ['{"messages":[{"model":"inner"}],"model":"gpt-4o"}', ['gpt-4o']],
    ['{"messages":[{"content":"\\"model\\":\\"x\\""}]}', []],
    ['{"model":"gpt-4o","model":"gpt-5"}', ['gpt-4o', 'gpt-5']],
    ['{"model":"gpt-4o","mod\\u0065l":"gpt-5"}', ['gpt-4o', 'gpt-5']],
    ['{"model":"gpt-4o","MODEL":"gpt-5"}', ['gpt-4o', 'gpt-5']],
    ['{"model":"gpt-4o","models":["gpt-5","o3"]}', ['gpt-4o', 'gpt-5', 'o3']],
    ['{"model":"gpt\\u002d4o"}', ['gpt-4o']],
    ['{"model":7}', null],
    ['{"model":"a","models":{"x":1}}', null],
    ['[{"model":"gpt-4o"}]', null],
    ['{"model":"gpt-4o"', null],
    ['', null],
    ['{}', []],
  ] as [string, string[] | null][])('%s', ([text, models]) => expect(json(text)).toEqual(models));

  test('not where it is compressed, or called something else', () => {
    expect(json('{"model":"gpt-4o"}', 'application/json', 'gzip')).toBeNull();
    expect(json('{"model":"gpt-4o"}', 'application/x-www-form-urlencoded')).toBeNull();
    expect(json('{"model":"gpt-4o"}', 'application/vnd.api+json; charset=utf-8', 'identity')).toEqual(['gpt-4o']);
  });
});

describe('in a form', () => {
  const part = (head: string, value: string): string => `--b\r\n${head}\r\n\r\n${value}\r\n`;
  const field = (name: string, value: string): string => part(`Content-Disposition: form-data; name="${name}"`, value);
  const file = part('Content-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav', 'RIFF');
  const form = (...parts: string[]): string[] | null =>
    json(`${parts.join('')}--b--\r\n`, 'multipart/form-data; boundary=b');
  test.for([
    ['after its file', [file, field('model', 'whisper-1')], ['whisper-1']],
    ['twice', [field('model', 'whisper-1'), file, field('model', 'other')], ['whisper-1', 'other']],
    ['in other letters', [part('content-disposition: FORM-DATA; NAME=Model', 'x')], ['x']],
    ['not at all', [file], []],
    ['by an encoded name', [part("Content-Disposition: form-data; name*=utf-8''model", 'x')], null],
    ['by two names', [part('Content-Disposition: form-data; name="a"; name="model"', 'x')], null],
    ['in a part without a head', ['--b\r\nmodel=x\r\n'], null],
  ] as [string, string[], string[] | null][])('%s', ([, parts, models]) => expect(form(...parts)).toEqual(models));

  test('not where the form does not end, or has two boundaries', () => {
    expect(json(field('model', 'x'), 'multipart/form-data; boundary=b')).toBeNull();
    expect(json(`${field('model', 'x')}--b--`, 'multipart/form-data; boundary=b; boundary=c')).toBeNull();
  });
});
