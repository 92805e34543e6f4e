/**
 * Counters and histograms whose every observation costs next to nothing: prom-client sorts and hashes the labels of each, which
 * took a tenth of what a call costs this thread. It gets them when somebody asks.
 */
import { Counter, type Metric, type MetricValueWithName, type Registry } from 'prom-client';

interface Described<L extends string> {
  name: string;
  help: string;
  labelNames: readonly L[];
  registers: Registry[];
}

/** Joins label values: no name has it. */
const joint = '\n';

/** A counter: `inc` takes the values of its labels, in their order. */
export class CounterTally<L extends string> {
  readonly #counts = new Map<string, number>();

  constructor({ labelNames, ...described }: Described<L>) {
    const counts = this.#counts;
    const counter: Counter<L> = new Counter<L>({
      ...described,
      labelNames: [...labelNames],
      collect: () => {
        counter.reset();
        for (const [key, count] of counts) counter.inc(labelsOf(labelNames, key), count);
      },
    });
  }

  inc(...values: string[]): void {
    const key = values.join(joint);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }
}

interface Observed {
  /** By bucket, not added up; the last is for what is above all bounds. */
  counts: number[];
  sum: number;
}

/** A histogram. @param buckets upper bounds, ascending. */
export class HistogramTally<L extends string> {
  readonly name: string;
  readonly #help: string;
  readonly #labelNames: readonly L[];
  readonly #buckets: readonly number[];
  readonly #observed = new Map<string, Observed>();

  constructor({ name, help, labelNames, registers, buckets }: Described<L> & { buckets: readonly number[] }) {
    this.name = name;
    this.#help = help;
    this.#labelNames = labelNames;
    this.#buckets = buckets;
    for (const registry of registers) registry.registerMetric(this as unknown as Metric);
  }

  /** @param values of its labels, in their order. */
  observe(value: number, ...values: string[]): void {
    const key = values.join(joint);
    let observed = this.#observed.get(key);
    if (observed === undefined) {
      observed = { counts: this.#buckets.map(() => 0).concat(0), sum: 0 };
      this.#observed.set(key, observed);
    }
    let bucket = 0;
    while (bucket < this.#buckets.length && value > (this.#buckets[bucket] as number)) bucket++;
    observed.counts[bucket] = (observed.counts[bucket] as number) + 1;
    observed.sum += value;
  }

  /** As prom-client's registry asks for it: bucket counts added up, as the text format has them. */
  get(): Promise<object> {
    const values: MetricValueWithName<string>[] = [];
    for (const [key, { counts, sum }] of this.#observed) {
      const labels: Record<string, string | number> = labelsOf(this.#labelNames, key);
      let count = 0;
      for (const [index, inBucket] of counts.entries()) {
        count += inBucket;
        const le = this.#buckets[index] ?? '+Inf';
        values.push({ metricName: `${this.name}_bucket`, labels: { ...labels, le }, value: count });
      }
      values.push({ metricName: `${this.name}_sum`, labels, value: sum });
      values.push({ metricName: `${this.name}_count`, labels, value: count });
    }
    return Promise.resolve({ name: this.name, help: this.#help, type: 'histogram', aggregator: 'sum', values });
  }
}

function labelsOf<L extends string>(names: readonly L[], key: string): Record<L, string> {
  const values = key.split(joint);
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? ''])) as Record<L, string>;
}
