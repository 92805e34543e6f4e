/** The demo's fortnight, drawn small, in a database of its own: what docs/sql.md is tried on. */
import { openDb, type Db } from '@weir/schema/db';
import { insertRows } from '@weir/schema/insert';
import { migrate } from '@weir/schema/migrate';
import { timeText, type RequestRow } from '@weir/schema/records';
import { bodyOf } from '../../proxy/src/demo/bodies.ts';
import type { DemoCall } from '../../proxy/src/demo/call-rows.ts';
import { incidentsBefore, slotCalls, slots } from '../../proxy/src/demo/history.ts';
import { makeRandom } from '../../proxy/src/demo/random.ts';

/** Requests in an hour, on average. */
const perHour = 12;
const bodiesMs = 24 * 3_600_000;

/** Fills the database of `storeUrl` up to `end` (ms since 1970). @returns what was put in, to be computed with. */
export async function fillDemo(storeUrl: string, end: number): Promise<DemoCall[]> {
  await migrate(storeUrl, { retainDays: 400, retainBodiesDays: 30 });
  const db = openDb(storeUrl, { application: 'weir-test', timeoutMs: 120_000 });
  try {
    const random = makeRandom(20_261);
    const incidents = incidentsBefore(end);
    const calls: DemoCall[] = [];
    for (const slot of slots(end)) {
      for (const call of slotCalls(random, slot, incidents, perHour)) {
        if (timeOf(call) < end) calls.push(call);
      }
    }
    calls.push(...oddCalls(calls, end));
    calls.sort((one, other) => (one.request.started_at < other.request.started_at ? -1 : 1));
    await insertCalls(db, calls, end);
    return calls;
  } finally {
    await db.close();
  }
}

async function insertCalls(db: Db, calls: readonly DemoCall[], end: number): Promise<void> {
  await insertRows(
    db,
    'attempts',
    calls.flatMap((call) => call.attempts),
  );
  await insertRows(
    db,
    'requests',
    calls.map((call) => call.request),
  );
  await insertRows(db, 'bodies', calls.filter((call) => timeOf(call) > end - bodiesMs).map(bodyOf));
}

/** When a call began, ms since 1970. */
export function timeOf({ request }: DemoCall): number {
  return Date.parse(`${request.started_at.replace(' ', 'T')}Z`);
}

/**
 * What the demo's history lacks and the documentation asks about: a model without a price, an estimate, a reply that was cut,
 * a question asked three times, a failed attempt that was billed. Made of calls that are there, within the last hour.
 */
export function oddCalls(calls: readonly DemoCall[], end: number): DemoCall[] {
  const usual = calls.filter(({ request }) => request.outcome === 'ok' && request.attempts === 1).at(-1);
  if (usual === undefined) throw new Error('the demo has no answered call');
  const unpriced = { cost_usd: null, input_cost_usd: null, output_cost_usd: null, cache_read_cost_usd: null };
  const edits: Partial<RequestRow>[] = [
    { ...unpriced, response_model: 'house-model', request_model: 'house-model', price_id: '' },
    { usage_source: 'estimated', outcome: 'cancelled' },
    { finish_reasons: ['length'] },
    { request_hash: '7' },
    { request_hash: '7' },
    { request_hash: '7' },
    { attempts: 2, retry_cost_usd: '0.001', cost_usd: sumOf(usual.request.cost_usd, '0.001') },
  ];
  return edits.map((edit, index) => {
    const moved = {
      request_id: `00000000-0000-7000-8000-00000000000${index}`,
      started_at: timeText((end - (edits.length - index) * 60_000) * 1000),
    };
    const attempts = usual.attempts.map((attempt) => ({ ...attempt, ...moved }));
    const failed = attempts.map((attempt) => ({ ...attempt, outcome: 'truncated' as const, cost_usd: '0.001' }));
    const second = attempts.map((attempt) => ({ ...attempt, attempt_index: 1, reason: 'retry' as const, trigger: '' }));
    return {
      request: { ...usual.request, ...moved, ...edit },
      attempts: edit.attempts === 2 ? [...failed, ...second] : attempts,
    };
  });
}

/** Decimals of nine places, added exactly. */
export function sumOf(...values: (string | null)[]): string {
  const nanos = values.reduce((sum, value) => sum + toNanos(value ?? '0'), 0n);
  return `${nanos / 1_000_000_000n}.${String(nanos % 1_000_000_000n).padStart(9, '0')}`;
}

function toNanos(value: string): bigint {
  const [whole = '0', part = ''] = value.split('.');
  return BigInt(whole) * 1_000_000_000n + BigInt(part.padEnd(9, '0'));
}
