/** `Weir-Route`, `Weir-Split`, `Weir-Fallback`, `Weir-Retry`: what they say, and that an error names what is wrong. */
import { describe, expect, test } from 'vitest';
import { WeirError } from '../../proxy/src/errors.ts';
import { readFallback, readRetry, readRoute, readSplit } from '../../proxy/src/routing/header.ts';

const readers = { readFallback, readRetry, readRoute, readSplit };

test('a retry, a fallback, a split and a route as CONTRACT.md writes them', () => {
  expect(readRetry('retries=2, on=(429 server-error network), min=500, max=8000')).toEqual({
    ...{ retries: 2, on: [429, 'server-error', 'network'], min: 500, max: 8000 },
  });
  expect(readRetry('')).toMatchObject({ retries: 2, on: [429, 'server-error', 'timeout', 'network'] });
  expect(readFallback('to=(azure:myres/gpt-5 "openai/gpt-4o"), on=(503 context-overflow)')).toEqual({
    to: ['azure:myres/gpt-5', 'openai/gpt-4o'],
    on: [503, 'context-overflow'],
  });
  expect(readSplit('name=checkout, by=Team, to=(openai/gpt-5;w=80 openai/gpt-5-mini;w=20;n=small)')).toEqual({
    ...{ name: 'checkout', by: 'property:team' },
    to: [
      { target: 'openai/gpt-5', weight: 80 },
      { target: 'openai/gpt-5-mini', weight: 20, name: 'small' },
    ],
  });
  expect(readSplit('to=(openai/a openai/b)')).toMatchObject({
    name: '',
    by: 'request',
    to: [{ weight: 1 }, { weight: 1 }],
  });
  expect([readRoute('checkout'), readRoute('"check out"')]).toEqual(['checkout', 'check out']);
});

test('the same text gives the same policy', () => {
  expect(readRetry('retries=1')).toBe(readRetry('retries=1'));
});

describe('what is wrong is refused by a sentence that names header and field', () => {
  test.each([
    ['readRetry', 'retries=', 'weir-retry: does not parse'],
    ['readRetry', 'retries=11', 'weir-retry: retries: '],
    ['readRetry', 'retries=1.5', 'weir-retry: retries: '],
    ['readRetry', 'tries=2', 'weir-retry: '],
    ['readRetry', 'min=9000', 'weir-retry: max: expected at least min'],
    ['readRetry', 'on=(400)', 'weir-retry: on 1.: expected a status other than 400'],
    ['readRetry', 'on=(429 context-overflow)', 'weir-retry: on 2.: expected server-error'],
    ['readRetry', 'on=()', 'weir-retry: on: '],
    ['readFallback', 'on=(429)', 'weir-fallback: to: '],
    ['readFallback', 'to=(gpt-5)', 'weir-fallback: to 1.: expected provider/model'],
    ['readFallback', 'to=(openai/a nobody/b)', 'weir-fallback: "nobody/b": no target is at "nobody"'],
    ['readFallback', 'to=(azure/a)', 'weir-fallback: "azure/a": expected a resource'],
    ['readFallback', 'to=(openai:eu/a)', 'weir-fallback: "openai:eu/a": openai has no places'],
    ['readSplit', 'by=user, to=(openai/a)', 'weir-split: name: expected a name, unless by is request'],
    ['readSplit', 'to=(openai/a;w=0.5)', 'weir-split: to 1. weight: '],
    ['readSplit', 'to=(openai/a;w=-1)', 'weir-split: to 1. weight: '],
    ['readSplit', 'to=(openai/a;x=1)', 'weir-split: x is no part of a target'],
    ['readSplit', 'to=(openai/a openai/a)', 'weir-split: to: expected variants of different names'],
    ['readSplit', 'to=(openai/a;w=0)', 'weir-split: to: expected a weight above 0'],
    ['readSplit', 'to=openai/a', 'weir-split: to: '],
    ['readSplit', 'by="a b", to=(openai/a), name=x', 'weir-split: by: expected user, session, request or property'],
    ['readRoute', '5', 'weir-route: expected a name'],
    ['readRoute', 'a, b', 'weir-route: does not parse'],
  ] as [keyof typeof readers, string, string][])('%s(%s)', (reader, text, sentence) => {
    let thrown: unknown;
    try {
      readers[reader](text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(WeirError);
    expect(thrown).toMatchObject({ code: 'bad_header', status: 400 });
    expect((thrown as WeirError).message).toContain(sentence);
    expect((thrown as WeirError).message).toMatch(/expected|; known: /);
  });
});
