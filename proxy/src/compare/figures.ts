/** What samples come to. Percentiles are exact: nearest rank, of the samples themselves. */
import type { Sample } from './workload.ts';

export const percentiles = [50, 95, 99] as const;

/** The smallest sample that at least so many percent do not pass. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

/** Where the time of a call through Weir went, ms. */
export interface Spent {
  weir: number;
  wait: number;
  provider: number;
}

/** `weir;dur=0.41, wait;dur=0, upstream-headers;dur=812.3`: known when headers leave. Null where it is no timing of Weir's. */
export function readTiming(header: string): Spent | null {
  const durations = new Map(
    header.split(',').map((metric): [string, number] => {
      const [name = '', ...parameters] = metric.split(';').map((part) => part.trim());
      const duration = parameters.find((parameter) => parameter.startsWith('dur='));
      return [name, Number(duration?.slice(4) ?? Number.NaN)];
    }),
  );
  const weir = durations.get('weir');
  const provider = durations.get('upstream-headers');
  if (weir === undefined || provider === undefined || !Number.isFinite(weir + provider)) return null;
  return { weir, wait: durations.get('wait') ?? 0, provider };
}

/** A line for each measure: p50, p95, p99 of both ways and what lies between them. */
export function timesTable(made: { direct: readonly Sample[]; weir: readonly Sample[] }): string[][] {
  const rows = (['totalMs', 'firstByteMs'] as const).flatMap((measure) => {
    const of = (samples: readonly Sample[]): number[] =>
      percentiles.map((percent) =>
        percentile(
          samples.map((sample) => sample[measure]),
          percent,
        ),
      );
    const [direct, weir] = [of(made.direct), of(made.weir)];
    const title = measure === 'totalMs' ? 'total' : 'first byte';
    return [
      [`${title}, direct`, ...direct.map(ms)],
      [`${title}, through Weir`, ...weir.map(ms)],
      [`${title}, difference`, ...weir.map((value, index) => ms(value - (direct[index] ?? Number.NaN)))],
    ];
  });
  return [['ms', ...percentiles.map((percent) => `p${percent}`)], ...rows];
}

/** A line for each part, with its share of all. */
export function sharesTable(all: readonly Spent[]): string[][] {
  const sum = (part: keyof Spent): number => all.reduce((total, spent) => total + spent[part], 0);
  const whole = sum('weir') + sum('wait') + sum('provider');
  const line = (title: string, part: keyof Spent): string[] => [
    title,
    ...percentiles.map((percent) =>
      ms(
        percentile(
          all.map((spent) => spent[part]),
          percent,
        ),
      ),
    ),
    ms(Math.max(...all.map((spent) => spent[part]))),
    ms(sum(part) / all.length),
    whole === 0 ? '' : `${((sum(part) / whole) * 100).toFixed(2)} %`,
  ];
  return [
    ['ms of a call', ...percentiles.map((percent) => `p${percent}`), 'max', 'mean', 'share'],
    line('Weir', 'weir'),
    line('retries, waiting', 'wait'),
    line('provider', 'provider'),
  ];
}

function ms(value: number): string {
  return value.toFixed(2);
}
