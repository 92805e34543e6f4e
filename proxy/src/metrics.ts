/** Prometheus metrics (/weir/metrics). Names of the field's own where OpenTelemetry has them, `weir_…` for the rest. */
import { Counter, Gauge, Registry } from 'prom-client';
import type { Call } from './call.ts';
import { now } from './call.ts';
import type { Capture } from './capture/capture.ts';
import type { Ledger } from './limits/ledger.ts';
import type { Limiter } from './limits/limiter.ts';
import type { Restorer } from './limits/restore.ts';
import type { RecorderStats } from './record/messages.ts';
import type { LiveTargets } from './routing/live.ts';
import type { Marks } from './spool/marks.ts';
import { CounterTally, HistogramTally } from './tallies.ts';

/** Buckets of OpenTelemetry's GenAI metrics: 0.01·2ⁿ seconds. */
const secondBuckets = Array.from({ length: 14 }, (_, power) => 0.01 * 2 ** power);
const overheadBuckets = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 1];
/** Calls over which the overhead shown in /weir/health is taken. */
const recentCalls = 1024;

/** Whose figures are told. */
export interface Watched {
  capture: Capture;
  marks: Marks;
  limiter: Limiter;
  ledger: Ledger;
  restorer: Restorer;
  live: LiveTargets;
}

export class Metrics {
  readonly registry = new Registry();
  readonly #requests = new CounterTally({
    name: 'weir_requests_total',
    help: 'Requests that ended.',
    labelNames: ['provider', 'operation', 'outcome'],
    registers: [this.registry],
  });
  readonly #duration = new HistogramTally({
    name: 'gen_ai_client_inference_duration_seconds',
    help: 'From the first byte of a request to the last byte of its answer.',
    labelNames: ['gen_ai_provider_name', 'gen_ai_operation_name'],
    buckets: secondBuckets,
    registers: [this.registry],
  });
  readonly #overhead = new HistogramTally({
    name: 'weir_overhead_seconds',
    help: 'Time of a request that was neither a provider’s nor deliberate waiting.',
    labelNames: [],
    buckets: overheadBuckets,
    registers: [this.registry],
  });
  readonly #attempts = new CounterTally({
    name: 'weir_attempts_total',
    help: 'Calls to providers that ended.',
    labelNames: ['provider', 'reason', 'outcome'],
    registers: [this.registry],
  });
  readonly #unrecorded = new Counter({
    name: 'weir_unrecorded_total',
    help: 'Requests that are counted but have no row: unknown paths, preflights, unparsable HTTP.',
    labelNames: ['why'],
    registers: [this.registry],
  });
  readonly #recent = new Float64Array(recentCalls);
  #seen = 0;

  constructor({ capture, marks, limiter, ledger, restorer, live }: Watched) {
    const gauge = (name: string, help: string, value: () => number): void => {
      const made: Gauge = new Gauge({ name, help, registers: [this.registry], collect: (): void => made.set(value()) });
    };
    gauge('weir_open_requests', 'Requests in flight.', () => capture.open.size);
    const left = (): number => [...capture.open.values()].filter((call) => call.leftAt !== null).length;
    gauge('weir_draining_requests', 'Requests that are read on after their client left.', left);
    gauge('weir_marks_failed_total', 'Marks that could not be written.', () => marks.failed);
    gauge('weir_capture_shed_bytes_total', 'Bytes of bodies that were not read.', () => capture.shedBytes);
    gauge('weir_capture_overflow_bytes', 'Captured bytes that wait in a file.', () => capture.overflowBytes);
    gauge('weir_recorder_deaths_total', 'Times the recorder had to be started again.', () => capture.recorderDeaths);
    gauge('weir_limits_refused_total', 'Requests that a limit refused.', () => limiter.refused);
    gauge('weir_limits_warned_total', 'Requests that passed a limit which only warns.', () => limiter.warned);
    gauge('weir_limits_open', 'Requests that hold something of a limit.', () => limiter.open);
    gauge('weir_limits_counts', 'Counts of limits that are held in memory.', () => ledger.size);
    gauge('weir_limits_restoring', 'Limits whose past is not counted yet.', () => restorer.waiting);
    const away = (): number => (ledger.awaySince === null ? 0 : 1);
    gauge('weir_limits_redis_away', '1 while limits cannot be counted in Redis.', away);
    const circuits: Gauge<'target'> = new Gauge({
      name: 'weir_circuit_open',
      help: 'Targets of routes whose circuit is open (1) or half-open (0.5).',
      labelNames: ['target'],
      registers: [this.registry],
      collect: (): void => {
        circuits.reset();
        for (const { target, state } of live.troubled(Date.now())) circuits.set({ target }, state === 'open' ? 1 : 0.5);
      },
    });
    const unpriced: Gauge<'provider' | 'model'> = new Gauge({
      name: 'weir_unpriced_models',
      help: 'Calls with usage but without a known price, by model; at most 50 models.',
      labelNames: ['provider', 'model'],
      registers: [this.registry],
      collect: (): void => {
        unpriced.reset();
        for (const { provider, model, requests } of capture.stats?.unpricedModels ?? [])
          unpriced.set({ provider, model }, requests);
      },
    });
    for (const [field, name, help] of recorderGauges) gauge(name, help, () => Number(capture.stats?.[field] ?? 0));
  }

  finished(call: Call): void {
    const provider = call.attempts[call.answeredBy ?? call.attempts.length - 1]?.provider ?? call.provider.name;
    this.#requests.inc(provider, call.operation, call.verdict?.outcome ?? 'interrupted');
    const at = now();
    const duration = at - call.started;
    this.#duration.observe(duration / 1000, provider, call.operation);
    let upstream = 0;
    for (const { provider, reason, outcome, startedAt, endedAt } of call.attempts) {
      upstream += (endedAt ?? at) - startedAt;
      this.#attempts.inc(provider, reason, outcome ?? 'interrupted');
    }
    const overhead = Math.max(0, duration - upstream - call.waitMs);
    this.#overhead.observe(overhead / 1000);
    this.#recent[this.#seen++ % recentCalls] = overhead;
  }

  unrecorded(why: 'unknown_path' | 'preflight' | 'bad_http'): void {
    this.#unrecorded.inc({ why });
  }

  /** Overhead of the latest calls, ms; null before the first. */
  overhead(): { p50: number; p99: number } | null {
    const count = Math.min(this.#seen, recentCalls);
    if (count === 0) return null;
    const sorted = this.#recent.slice(0, count).sort();
    const at = (share: number): number => Math.round((sorted[Math.floor(share * (count - 1))] as number) * 1000) / 1000;
    return { p50: at(0.5), p99: at(0.99) };
  }
}

const recorderGauges: [keyof RecorderStats, string, string][] = [
  ['recordedRequests', 'weir_recorded_requests_total', 'Rows of requests written to the spool.'],
  ['recordedAttempts', 'weir_recorded_attempts_total', 'Rows of attempts written to the spool.'],
  ['recovered', 'weir_recovered_total', 'Calls whose row was made from marks after a crash.'],
  ['interrupted', 'weir_interrupted_total', 'Recovered calls that were in flight when Weir died.'],
  ['unpriced', 'weir_unpriced_total', 'Calls with usage but without a known price.'],
  ['estimated', 'weir_estimated_usage_total', 'Calls whose tokens are an estimate.'],
  ['readErrors', 'weir_read_errors_total', 'Replies that could not be read.'],
  ['spoolRows', 'weir_spool_rows', 'Requests that wait for the store.'],
  ['spoolBytes', 'weir_spool_bytes', 'Bytes that wait for the store.'],
  ['diskFreeBytes', 'weir_disk_free_bytes', 'Room on the disk of the data directory.'],
  ['spoolLagMs', 'weir_spool_lag_ms', 'How long the oldest of them has waited.'],
  [
    'shedBodies',
    'weir_shed_bodies_total',
    'Requests recorded without their bodies because the spool or disk was full.',
  ],
  ['lostRows', 'weir_lost_rows_total', 'Requests not recorded because the spool or disk was full.'],
  ['rejectedRows', 'weir_rejected_rows_total', 'Records the store would not take; kept in rejected.log.'],
  ['shippedRows', 'weir_shipped_rows_total', 'Requests inserted into the store.'],
  ['shippedBatches', 'weir_shipped_batches_total', 'Inserts into the store.'],
  ['shipRetries', 'weir_ship_retries_total', 'Inserts that had to be tried again.'],
];
