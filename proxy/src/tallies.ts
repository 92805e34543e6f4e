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

/** What belongs to label values. Calls that follow one another mostly have the same: those are not looked up again. */
class Labelled<V> {
  readonly all = new Map<string, V>();
  #values: readonly string[] = [];
  #last: V | null = null;

  constructor(private readonly make: () => V) {}

  of(values: readonly string[]): V {
    if (this.#last !== null && isSame(values, this.#values)) return this.#last;
    const key = values.join(joint);
    let found = this.all.get(key);
    if (found === undefined) this.all.set(key, (found = this.make()));
    this.#values = values;
    this.#last = found;
    return found;
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false;
  return true;
}

/** A counter: `inc` takes the values of its labels, in their order. */
export class CounterTally<L extends string> {
  readonly #counts = new Labelled(() => ({ count: 0 }));

  constructor({ labelNames, ...described }: Described<L>) {
    const counts = this.#counts;
    const counter: Counter<L> = new Counter<L>({
      ...described,
      labelNames: [...labelNames],
      collect: () => {
        counter.reset();
        for (const [key, { count }] of counts.all) counter.inc(labelsOf(labelNames, key), count);
      },
    });
  }

  inc(...values: string[]): void {
    this.#counts.of(values).count++;
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
  readonly #observed: Labelled<Observed>;

  constructor({ name, help, labelNames, registers, buckets }: Described<L> & { buckets: readonly number[] }) {
    this.name = name;
    this.#help = help;
    this.#labelNames = labelNames;
    this.#buckets = buckets;
    this.#observed = new Labelled(() => ({ counts: buckets.map(() => 0).concat(0), sum: 0 }));
    for (const registry of registers) registry.registerMetric(this as unknown as Metric);
  }

  /** @param values of its labels, in their order. */
  observe(value: number, ...values: string[]): void {
    const observed = this.#observed.of(values);
    let bucket = 0;
    while (bucket < this.#buckets.length && value > (this.#buckets[bucket] as number)) bucket++;
    observed.counts[bucket] = (observed.counts[bucket] as number) + 1;
    observed.sum += value;
  }

  /** As prom-client's registry asks for it: bucket counts added up, as the text format has them. */
  get(): Promise<object> {
    const values: MetricValueWithName<string>[] = [];
    for (const [key, { counts, sum }] of this.#observed.all) {
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
