/** Prices: cases by hand from public pages, a person's own prices, and what holds for any usage. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UNKNOWN_USAGE } from '../../proxy/src/providers/facts.ts';
import type { Usage } from '../../proxy/src/providers/provider.ts';
import { makeBook } from '../../proxy/src/prices/book.ts';
import { nanosOf } from '../../proxy/src/prices/decimal.ts';
import { builtInList, LIST } from '../../proxy/src/prices/list.ts';
import { priceCall, type Price } from '../../proxy/src/prices/price.ts';
import { parseRules, type WrittenRule } from '../../proxy/src/prices/rule.ts';
import { call, CASES } from './price-cases.ts';

const id = (entry: string): string => `${LIST}/${entry}`;

describe('by hand, from the public pages', () => {
  test.each(CASES)('$page: $what = $sum', ({ call: priced, sum, usd }) => {
    expect(priceCall(priced)?.cost_usd).toBe(usd);
    // The arithmetic as it stands there comes to that, to the last of nine decimals.
    expect(sum).toMatch(/^[\d.+×/() ]+$/);
    const millionths = Number(new Function(`return ${sum.replaceAll('×', '*')}`)());
    expect(Math.abs(millionths / 1e6 - Number(usd))).toBeLessThan(0.6e-9);
  });

  test('there are at least sixty', () => {
    expect(CASES.length).toBeGreaterThanOrEqual(60);
  });
});

describe('the price of a call', () => {
  test('names list, version and entry, and the tier where it is not the ordinary one', () => {
    expect(priceCall(call('openai', 'gpt-5', 1, 1))?.price_id).toBe(id('openai/gpt-5'));
    expect(priceCall(call('openai', 'gpt-5', 1, 1, { serviceTier: 'flex' }))?.price_id).toBe(id('openai/gpt-5+flex'));
    const regional = { host: 'europe-west1-aiplatform.googleapis.com' };
    expect(priceCall(call('vertex', 'claude-sonnet-4-5', 1, 1, regional))?.price_id).toBe(
      id('google/claude-sonnet-4-5+region'),
    );
    const entry = createRequire(import.meta.url).resolve('@pydantic/genai-prices', {
      paths: [join(import.meta.dirname, '../../proxy')],
    });
    const text = readFileSync(join(dirname(entry), '../package.json'), 'utf8');
    expect(LIST).toBe(`genai-prices@${/"version": "([^"]+)"/.exec(text)?.[1]}`);
  });

  test('is that of its own model and tier, whatever was asked for in the same second', () => {
    // Each of these names has to be told from the others with its tier, its host and the model that was asked for.
    const text = fc.constantFrom('gpt-5', 'flex', '', '5 gpt-5', '4 flex', '1', '0 ', 'gpt-5\n', 'batch');
    const asked = fc.record({ model: text, asked: text, serviceTier: fc.option(text), host: text });
    const fresh = (more: object): string | undefined => {
      // Another second: nothing is remembered.
      const later = { ...more, at: new Date(Date.UTC(2026, 8, 2) + 1000 * seconds++) };
      return priceCall({ ...call('openai', '', 1, 1), ...later })?.price_id;
    };
    let seconds = 0;
    const all = fc.sample(asked, { seed: 20_26, numRuns: 2000 });
    const together = all.map((more) => priceCall({ ...call('openai', '', 1, 1), ...more })?.price_id);
    expect(together).toEqual(all.map(fresh));
    expect(new Set(together).size).toBeGreaterThan(2);
  });

  test('is split into parts, each token in one of them', () => {
    const usage = { cache_read_tokens: 100, cache_write_tokens: 1000, cache_write_1h_tokens: 600 };
    expect(
      priceCall(call('anthropic', 'claude-sonnet-4-5', 1110, 42, { usage, units: { web_searches: 1 } })),
    ).toMatchObject({
      input_cost_usd: '0.000030000',
      output_cost_usd: '0.000630000',
      cache_read_cost_usd: '0.000030000',
      cache_write_cost_usd: '0.005100000',
      other_cost_usd: '0.010000000',
      list_cost_usd: null,
    });
  });

  test.each([
    ['an unknown model', call('openai', 'gpt-99-nonexistent', 1, 1)],
    ['an unknown model that searched', call('openai', 'gpt-99-nonexistent', 1, 1, { units: { web_searches: 1 } })],
    [
      'an unknown model that only searched',
      call('openai', 'gpt-99-nonexistent', 0, 0, { usage: null, units: { web_searches: 1 } }),
    ],
    ['no model', { ...call('openai', '', 1, 1), model: null }],
    ['a provider that no list has', call('huggingface', 'gpt-4o', 1, 1)],
    ['a provider that there is not', call('nobody', 'gpt-4o', 1, 1)],
    ['a server of somebody’s own', call('custom', 'gpt-4o', 1, 1)],
    ['no usage', call('openai', 'gpt-4o', 0, 0, { usage: null })],
    ['unknown input', call('openai', 'gpt-4o', 0, 3, { usage: { input_tokens: null } })],
    ['unknown output', call('openai', 'gpt-4o', 3, 0, { usage: { output_tokens: null } })],
    ['a tier of unknown price', call('openai', 'o1', 1, 1, { serviceTier: 'priority' })],
    ['a tier that is prepaid', call('anthropic', 'claude-opus-4-6', 1, 1, { serviceTier: 'priority' })],
    ['throughput that is prepaid', call('vertex', 'gemini-2.5-flash', 1, 1, { serviceTier: 'PROVISIONED_THROUGHPUT' })],
    ['a model without that tier', call('google', 'gemini-2.0-flash', 1, 1, { serviceTier: 'priority' })],
    ['one of two tiers unknown', call('anthropic', 'claude-opus-4-6', 1, 1, { serviceTier: 'batch+lunar' })],
    ['pictures among the output', call('google', 'gemini-2.5-flash-image', 1, 1290)],
    ['a name from the prototype', call('openai', 'gpt-5', 1, 1, { serviceTier: 'constructor' })],
    ['a provider from the prototype', call('constructor', 'gpt-5', 1, 1)],
    ['prices by the hour alone', call('openai', 'whisper-1', 1, 1, { operation: 'audio' })],
    ['searches without a price', call('groq', 'llama-3.3-70b-versatile', 1, 1, { units: { web_searches: 1 } })],
    [
      'sound out, where only sound in has a price',
      call('openai', 'gpt-4o-transcribe', 1, 9, { usage: { output_audio_tokens: 9 } }),
    ],
    [
      'sound or text from the cache',
      call('google', 'gemini-2.5-flash', 9, 1, { usage: { cache_read_tokens: 5, input_audio_tokens: 5 } }),
    ],
    [
      'an hour’s writing, where five minutes have a price',
      call('openai', 'gpt-5.6-sol', 9, 1, { usage: { cache_write_tokens: 5, cache_write_1h_tokens: 5 } }),
    ],
    [
      'a private inference profile',
      call('bedrock', 'arn:aws:bedrock:us-east-1:1:application-inference-profile/a1b2', 1, 1),
    ],
    ['a negative count', call('openai', 'gpt-4o', -1, 1)],
    ['a broken count', call('openai', 'gpt-4o', Number.NaN, 1)],
    ['more tokens than there are', call('openai', 'gpt-4o', 1e15, 1)],
    ['a very long name', call('openai', 'gpt-4o'.repeat(1000), 1, 1)],
  ])('is unknown, never 0: %s', (_, priced) => {
    expect(priceCall(priced)).toBeNull();
  });

  test('finds the entries that the list’s own program finds', async () => {
    const { calcPrice, waitForUpdate } = await import(
      createRequire(join(import.meta.dirname, '../../proxy/package.json')).resolve('@pydantic/genai-prices')
    );
    const { findEntry } = await import('../../proxy/src/prices/list.ts');
    const at = new Date('2026-09-01T02:00:00Z');
    const different: string[] = [];
    for (const provider of await waitForUpdate()) {
      for (const { id: model } of provider.models) {
        const own = findEntry(builtInList, provider.id, model, at);
        const theirs = calcPrice({}, model, { providerId: provider.id, timestamp: at });
        const prices = Object.keys(theirs?.model_price ?? {}).length;
        if ((own?.model ?? null) !== (theirs?.model.id ?? null) || (own !== null && own.rates.size > prices))
          different.push(`${provider.id}/${model}`);
      }
    }
    expect(different).toEqual([]);
  });
});

describe('the provider’s own figure', () => {
  test('is the cost, and the list’s stands beside it', () => {
    const price = priceCall(call('perplexity', 'sonar', 1000, 100, { reportedCostUsd: '0.006100' }));
    expect(price).toEqual({
      price_id: `reported+${id('perplexity/sonar')}`,
      cost_usd: '0.006100000',
      input_cost_usd: '0.001000000',
      output_cost_usd: '0.000100000',
      cache_read_cost_usd: '0.000000000',
      cache_write_cost_usd: '0.000000000',
      other_cost_usd: '0.005000000',
      list_cost_usd: '0.013100000',
    } satisfies Price);
  });

  test('makes the parts smaller where it is less than the list’s', () => {
    const price = priceCall(call('xai', 'grok-4', 1000, 100, { reportedCostUsd: '0.000000007' }));
    expect(price).toMatchObject({
      cost_usd: '0.000000007',
      input_cost_usd: '0.000000005',
      output_cost_usd: '0.000000002',
      other_cost_usd: '0.000000000',
      list_cost_usd: '0.004500000',
    });
  });

  test('is known whole where the model is in no list', () => {
    expect(priceCall(call('openrouter', 'no/such-model', 10, 1, { reportedCostUsd: '0.00001' }))).toMatchObject({
      price_id: 'reported',
      cost_usd: '0.000010000',
      input_cost_usd: null,
      other_cost_usd: '0.000010000',
    });
  });

  test.each(['', 'free', '-1', '1e3', '99999999999'])('is not believed when it is %j', (reportedCostUsd) => {
    expect(priceCall(call('openai', 'gpt-4o', 10_000, 1000, { reportedCostUsd }))?.cost_usd).toBe('0.035000000');
  });
});

describe('one’s own prices', () => {
  const priced = (rules: WrittenRule[], of: Parameters<typeof priceCall>[0]): Price | null =>
    priceCall(of, makeBook(builtInList, rules));
  const mine = { provider: 'custom', model: 'house-*', prices: { input_mtok: '0.2', output_mtok: 0.4 } };

  test('of a private model', () => {
    const price = priced([{ name: 'house', ...mine }], call('custom', 'house-7b', 1000, 100));
    expect(price?.cost_usd).toBe('0.000240000');
    expect(price?.price_id).toMatch(/^own@[0-9a-f]{8}\/house$/);
    expect(priced([mine], call('custom', 'other-7b', 1000, 100))).toBeNull();
  });

  test('stand over the list, class by class', () => {
    const rules = [{ provider: 'openai', model: 'gpt-4o', prices: { output_mtok: '8' } }];
    const price = priced(
      rules,
      call('openai', 'gpt-4o-2024-08-06', 1000, 100, { asked: 'gpt-4o', usage: { cache_read_tokens: 400 } }),
    );
    // 600 × 2.5 + 400 × 1.25 + 100 × 8
    expect(price?.cost_usd).toBe('0.002800000');
    expect(price?.price_id).toMatch(new RegExp(`^${id('openai/gpt-4o')}\\+own@[0-9a-f]{8}/openai\\.gpt-4o$`));
  });

  test('name a deployment’s model, and a profile’s', () => {
    const azure = [{ provider: 'azure', model: 'prod-chat', as: 'gpt-4o' }];
    expect(priced(azure, { ...call('azure', '', 10_000, 1000), model: null, asked: 'prod-chat' })?.cost_usd).toBe(
      '0.035000000',
    );
    const bedrock = [{ provider: 'bedrock', model: '*/a1b2', as: 'us.anthropic.claude-sonnet-4-5-20250929-v1:0' }];
    const profile = 'arn:aws:bedrock:us-east-1:1:application-inference-profile/a1b2';
    expect(priced(bedrock, call('bedrock', profile, 1000, 100))?.cost_usd).toBe('0.004950000');
    expect(
      priced([{ provider: 'custom', model: 'x', as: 'openai/gpt-4o' }], call('custom', 'x', 10_000, 1000))?.cost_usd,
    ).toBe('0.035000000');
    // The tier of the place that sells it holds, not of the place that the name is from.
    expect(priced(azure, call('azure', 'prod-chat', 1000, 1000, { serviceTier: 'flex' }))).toBeNull();
  });

  test('hold from a day to a day', () => {
    const rules = [{ ...mine, from: '2026-07-01', to: '2026-08-01T08:00Z' }];
    const on = (time: string): string | undefined =>
      priced(rules, call('custom', 'house-7b', 1000, 100, { at: new Date(time) }))?.cost_usd;
    expect(on('2026-06-30T23:59:59Z')).toBeUndefined();
    expect(on('2026-07-01T00:00:00Z')).toBe('0.000240000');
    expect(on('2026-08-01T07:59:59Z')).toBe('0.000240000');
    expect(on('2026-08-01T08:00:00Z')).toBeUndefined();
  });

  test('hold for hours of the day, and for long inputs', () => {
    const night = { ...mine, hours: '22:00-06:00', prices: { input_mtok: '0.1', output_mtok: '0.1' } };
    const tiers = { base: '1', tiers: [{ start: 1000, price: '2' }] };
    const rules = [night, { ...mine, prices: { input_mtok: tiers, output_mtok: 3 } }];
    const cost = (input: number, time: string): string | undefined =>
      priced(rules, call('custom', 'house-7b', input, 10, { at: new Date(time) }))?.cost_usd;
    expect(cost(1000, '2026-07-01T05:59:00Z')).toBe('0.000101000');
    expect(cost(1000, '2026-07-01T06:00:00Z')).toBe('0.001030000');
    expect(cost(1001, '2026-07-01T21:59:59Z')).toBe('0.002032000');
    expect(cost(1000, '2026-07-01T22:00:00Z')).toBe('0.000101000');
  });

  test('are a percentage, exact to the last billionth; of a tier; of a place', () => {
    const rules: WrittenRule[] = [
      { provider: 'azure', model: 'gpt-4o', host: 'eu-*.openai.azure.com', percent: '110' },
      { provider: 'azure', model: 'gpt-4o', percent: 92.5 },
      { provider: 'azure', model: 'gpt-4o', tier: 'priority', prices: { input_mtok: '4', output_mtok: '16' } },
    ];
    expect(priced(rules, call('azure', 'gpt-4o', 1, 0))?.cost_usd).toBe('0.000002313');
    expect(priced(rules, call('azure', 'gpt-4o', 1000, 0, { host: 'eu-1.openai.azure.com' }))?.cost_usd).toBe(
      '0.002750000',
    );
    expect(priced(rules, call('azure', 'gpt-4o', 1000, 0, { serviceTier: 'priority' }))?.cost_usd).toBe('0.003700000');
  });

  test('say nothing of a tier that they do not name', () => {
    const rules = [{ provider: 'openai', model: 'gpt-5', prices: { input_mtok: '1', output_mtok: '8' } }];
    expect(priced(rules, call('openai', 'gpt-5', 1000, 0, { serviceTier: 'priority' }))).toBeNull();
    // What every model of the provider has half of, these have half of too.
    expect(priced(rules, call('openai', 'gpt-5', 1000, 0, { serviceTier: 'flex' }))?.cost_usd).toBe('0.000500000');
  });

  test.each([
    [{}, 'expected a list of prices'],
    [[{ provider: 'openai' }], '[0].model: '],
    [[{ ...mine, model: '' }], '[0].model: expected a name'],
    [[{ ...mine, colour: 'red' }], 'colour'],
    [[{ ...mine, prices: { input_mtok: '-1' } }], '[0].prices.input_mtok: expected a price in USD'],
    [[{ ...mine, prices: { input_mtok: 1e-13 } }], '[0].prices.input_mtok: expected a price in USD'],
    [[{ ...mine, prices: { input_mtoks: '1' } }], '[0].prices.input_mtoks: no such class of price'],
    [[mine, { ...mine, from: '2026-13-01' }], '[1].from: no such day'],
    [[{ ...mine, from: '2026-07-01', to: '2026-07-01' }], '[0].to: expected a time after from'],
    [[{ ...mine, hours: '25:00-01:00' }], '[0].hours: expected hours in UTC'],
    [[{ ...mine, percent: 'ten' }], '[0].percent: expected a percentage'],
    [[{ provider: 'openai', model: 'x' }], '[0].prices: expected prices, percent, of_input, least or as'],
  ])('that are wrong are refused by the name of the field: %j', (rules, sentence) => {
    expect(() => parseRules(rules)).toThrow(sentence);
  });
});

describe('for any usage', () => {
  const count = fc.option(fc.oneof(fc.nat(2_000_000), fc.constantFrom(-5, 0.5, Number.NaN, 1e15)));
  const usage: fc.Arbitrary<Usage> = fc.record({
    input_tokens: fc.nat(2_000_000),
    output_tokens: fc.nat(2_000_000),
    cache_read_tokens: count,
    cache_write_tokens: count,
    cache_write_1h_tokens: count,
    reasoning_tokens: count,
    input_audio_tokens: count,
    output_audio_tokens: count,
    input_image_tokens: count,
  });
  const units = fc.dictionary(
    fc.constantFrom('web_searches', 'output_image_tokens', 'cache_read_audio_tokens', 'cache_read_image_tokens', 'odd'),
    fc.oneof(fc.nat(5_000_000), fc.constantFrom(-1, Number.NaN, Infinity)),
  );
  const model = fc.constantFrom(
    ['openai', 'gpt-5.4'],
    ['openai', 'gpt-realtime'],
    ['anthropic', 'claude-sonnet-4-5'],
    ['google', 'gemini-2.5-flash'],
    ['google', 'gemini-2.5-flash-image'],
    ['perplexity', 'sonar-pro'],
    ['openrouter', 'google/gemini-2.5-flash-lite'],
  );
  const tier = fc.constantFrom(null, 'batch', 'flex');
  const figure = fc.option(fc.nat(10_000_000).map((nanos) => `0.${String(nanos).padStart(9, '0')}`));
  const PARTS = [
    'input_cost_usd',
    'output_cost_usd',
    'cache_read_cost_usd',
    'cache_write_cost_usd',
    'other_cost_usd',
  ] as const;

  test('the parts add up exactly, and none is negative', () => {
    fc.assert(
      fc.property(
        usage,
        units,
        model,
        tier,
        figure,
        (used, counted, [provider = '', name = ''], serviceTier, reported) => {
          const price = priceCall({
            ...call(provider, name, 0, 0, { serviceTier, units: counted, reportedCostUsd: reported }),
            usage: used,
          });
          if (price === null) return;
          let sum = 0n;
          for (const part of PARTS) {
            const text = price[part];
            if (text === null) continue;
            expect(text).toMatch(/^\d+\.\d{9}$/);
            sum += nanosOf(text);
          }
          expect(sum).toBe(nanosOf(price.cost_usd));
        },
      ),
      { seed: 7, numRuns: 1000 },
    );
  });

  test('more tokens never cost less', () => {
    fc.assert(
      fc.property(
        usage,
        model,
        tier,
        fc.nat(1000),
        fc.nat(1000),
        (used, [provider = '', name = ''], serviceTier, more, out) => {
          const cost = (of: Usage): string | undefined =>
            priceCall({ ...call(provider, name, 0, 0, { serviceTier }), usage: of })?.cost_usd;
          const before = cost(used);
          const after = cost({
            ...used,
            input_tokens: (used.input_tokens ?? 0) + more,
            output_tokens: (used.output_tokens ?? 0) + out,
          });
          if (before !== undefined && after !== undefined) expect(nanosOf(after) >= nanosOf(before)).toBe(true);
        },
      ),
      { seed: 11, numRuns: 1000 },
    );
  });

  test('nothing used costs nothing, where requests have no price of their own', () => {
    const nothing = { ...UNKNOWN_USAGE, input_tokens: 0, output_tokens: 0 };
    expect(priceCall({ ...call('openai', 'gpt-4o', 0, 0), usage: nothing })?.cost_usd).toBe('0.000000000');
  });
});
