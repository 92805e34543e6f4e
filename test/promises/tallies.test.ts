import { Counter, Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { CounterTally, HistogramTally } from '@weir/proxy/src/tallies.ts';

const calls: [string, string, number][] = [
  ['openai', 'chat', 0.005],
  ['openai', 'chat', 0.01],
  ['openai', 'chat', 7],
  ['anthropic', 'a "b" \\ c', 0.02],
];

test('what was tallied reads as if the metrics library had been told of each', async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const labelNames = ['provider', 'operation'] as const;
  const counter = { name: 'calls_total', help: 'Calls.', labelNames };
  const histogram = { name: 'seconds', help: 'Time.', labelNames, buckets: [0.01, 0.02, 5] };
  const counted = new CounterTally({ ...counter, registers: [ours] });
  const observed = new HistogramTally({ ...histogram, registers: [ours] });
  const libraryCounter = new Counter({ ...counter, labelNames: [...labelNames], registers: [theirs] });
  const libraryHistogram = new Histogram({ ...histogram, labelNames: [...labelNames], registers: [theirs] });
  for (const [provider, operation, seconds] of calls) {
    counted.inc(provider, operation);
    observed.observe(seconds, provider, operation);
    libraryCounter.inc({ provider, operation });
    libraryHistogram.observe({ provider, operation }, seconds);
  }
  /** The order of labels within a line says nothing. */
  const lines = async (registry: Registry): Promise<string[]> =>
    (await registry.metrics())
      .split('\n')
      .map((line) => line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(',').sort().join(',')}}`));
  expect(await lines(ours)).toEqual(await lines(theirs));
  // Asked twice, nothing is counted twice.
  expect(await lines(ours)).toEqual(await lines(theirs));
});
