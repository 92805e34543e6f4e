import { describe, expect, test } from 'vitest';
import { encodingOf, estimateTokens } from '../../proxy/src/record/estimate.ts';

const sample = (text: string): { kept: string; characters: number } => ({ kept: text, characters: text.length });

describe('an estimate of tokens', () => {
  test('uses the encoding of the model, the newer one for everybody else’s', () => {
    expect(encodingOf('gpt-4-0613')).toBe('cl100k_base');
    expect(encodingOf('openai/gpt-3.5-turbo')).toBe('cl100k_base');
    expect(encodingOf('text-embedding-3-small')).toBe('cl100k_base');
    for (const model of ['gpt-4o', 'gpt-4.1-mini', 'gpt-5', 'o3', 'claude-opus-4-1', null]) {
      expect(encodingOf(model)).toBe('o200k_base');
    }
  });

  test('counts ordinary text exactly', { timeout: 60_000 }, () => {
    expect(estimateTokens(sample('hello world'), 'gpt-4o')).toBe(2);
    expect(estimateTokens(sample('tiktoken is great!'), 'gpt-4')).toBe(6);
    expect(estimateTokens(sample(''), 'gpt-4o')).toBe(0);
  });

  test('takes special tokens for the plain text they are', { timeout: 60_000 }, () => {
    expect(estimateTokens(sample('<|endoftext|>'), 'gpt-4o')).toBeGreaterThan(3);
  });

  test.each([
    ['letters', 'a'.repeat(100_000), 12_500],
    ['spaces', ' '.repeat(100_000), 782],
    ['signs', '='.repeat(100_000), null],
    ['surrogates', '😀'.repeat(50_000), null],
    ['marks', 'e\u0301'.repeat(50_000), null],
  ])('cannot be hung by a long run of %s', { timeout: 60_000 }, (_, text, expected) => {
    estimateTokens(sample('warm'), 'gpt-4o');
    const before = process.cpuUsage();
    const count = estimateTokens(sample(text), 'gpt-4o');
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1e6).toBeLessThan(4);
    if (expected === null) expect(count).toBeGreaterThan(100);
    else expect(Math.abs(count - expected)).toBeLessThan(expected * 0.01 + 1);
  });

  test('of a text longer than its sample is scaled by characters', { timeout: 60_000 }, () => {
    const kept = 'The quick brown fox. '.repeat(100);
    const whole = estimateTokens(sample(kept), 'gpt-4o');
    expect(estimateTokens({ kept, characters: kept.length * 10 }, 'gpt-4o')).toBe(whole * 10);
  });
});
