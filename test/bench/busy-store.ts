/**
 * What a call waits when the store is asked flat out: heavy queries over rows of a fortnight, by readers with the store's
 * password and readers without, while calls go through the proxy at a steady rate and are recorded in that same store. Part
 * of `npm run bench`; alone `npx tsx test/bench/busy-store.ts`, with `--rounds 5 --seconds 4 --rows 200000`.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openDb, type Db } from '@weir/schema/db';
import { until } from '../support/deadline.ts';
import { ask } from './ask.ts';
import { startUpstream, startWeirCandidate, type WeirCandidate } from './candidates.ts';
import { fillHistory } from './fill.ts';
import { calls, inTurns, makeTarget, openLoop, quantile, undisturbed, type Target } from './load.ts';
import { Watch } from './watch.ts';

const perSecond = 200;
/** Of each kind. Together more than the machine has cores, and than the gate lets run at once. */
const readers = 4;
const user = 'busy-store';
/** ClickHouse's TIMEOUT_EXCEEDED and MEMORY_LIMIT_EXCEEDED: a stranger's query may end so, as it should. */
const limits = new Set<string | null>(['159', '241']);

const heavy = [
  `SELECT toStartOfHour(started_at) AS hour, response_model, quantiles(0.5, 0.95, 0.99)(duration_ms), sum(cost_usd)
    FROM weir.requests GROUP BY hour, response_model ORDER BY hour`,
  `SELECT user_id, count() AS calls, sum(cost_usd), uniqExact(session_id), uniqExact(request_id)
    FROM weir.requests GROUP BY user_id ORDER BY calls DESC LIMIT 20`,
  'SELECT * FROM weir.requests ORDER BY duration_ms DESC LIMIT 5000',
];

export interface BusyStoreOptions {
  direct: Target;
  weir: WeirCandidate;
  watch: Watch;
  rounds: number;
  durationMs: number;
  /** Rows that the queries read. */
  rows?: number;
}

export interface BusyStore {
  /** What the proxy adds to the 99th percentile of a call while nobody asks the store, and while it is asked flat out; ms. */
  idle: number;
  busy: number;
  /** Queries that ended, a second: answered, or at a limit of time or memory. */
  queries: number;
  /** How many of them ended at a limit. */
  limited: number;
  /** Calls through the proxy, each of which had its row. */
  rows: number;
}

/** Measures in turns, with readers and without. @throws when a row of a call is missing, or a query fails. */
export async function busyStore(options: BusyStoreOptions): Promise<BusyStore> {
  const { direct, weir, watch, rounds, durationMs } = options;
  const through = makeTarget(weir.url, { 'weir-user': user });
  const db = openDb(weir.store.adminUrl, { application: 'weir-bench', timeoutMs: 300_000 });
  try {
    await fillHistory(db, options.rows ?? 200_000, ['requests']);
    await calls(through, 16, 500);
    const measures = [direct, through].flatMap((target) => [false, true].map((asked) => ({ target, asked })));
    const ended: Ended = { answered: 0, limited: 0 };
    const made = await inTurns(measures, rounds, async ({ target, asked }) => {
      const stop = asked ? startReaders(weir, ended) : () => Promise.resolve();
      try {
        return await openLoop(target, perSecond, durationMs);
      } finally {
        await stop();
      }
    });
    const p99 = (target: Target, asked: boolean): number => {
      const one = measures.find((measure) => measure.target === target && measure.asked === asked);
      return quantile(undisturbed(one && made.get(one), watch), 0.99);
    };
    const added = (asked: boolean): number => p99(through, asked) - p99(direct, asked);
    const sent =
      500 + measures.reduce((sum, one) => sum + (one.target === through ? (made.get(one)?.length ?? 0) : 0), 0);
    await rowsArrive(db, sent);
    const seconds = (2 * rounds * durationMs) / 1000;
    const queries = (ended.answered + ended.limited) / seconds;
    return { idle: added(false), busy: added(true), queries, limited: ended.limited, rows: sent };
  } finally {
    await db.close();
  }
}

interface Ended {
  answered: number;
  limited: number;
}

/** Asks, and counts in `ended`, until the returned function is called, which waits for the last answers. */
function startReaders({ store }: WeirCandidate, ended: Ended): () => Promise<void> {
  let asking = true;
  const owner = new URL(store.adminUrl);
  const password = { 'X-ClickHouse-User': owner.username, 'X-ClickHouse-Key': owner.password };
  const read = async (headers: Record<string, string>, first: number): Promise<void> => {
    for (let next = first; asking; next++) {
      const response = await fetch(store.url, { method: 'POST', headers, body: heavy[next % heavy.length] ?? '' });
      const text = await response.text();
      if (response.ok) ended.answered += 1;
      else if (limits.has(response.headers.get('x-clickhouse-exception-code'))) ended.limited += 1;
      else throw new Error(`a query was not answered: ${text.slice(0, 200)}`);
    }
  };
  const all = Promise.all(Array.from({ length: readers }, (_, at) => [read({}, at), read(password, at)]).flat());
  // Told to whoever stops them.
  all.catch(() => undefined);
  return async () => {
    asking = false;
    await all;
  };
}

async function rowsArrive(db: Db, sent: number): Promise<void> {
  await until(120_000, `${sent} rows in the store`, async () => {
    const [found] = await ask<{ rows: string }>(db, `SELECT count() AS rows FROM requests WHERE user_id = '${user}'`);
    return Number(found?.rows) === sent ? true : undefined;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '4' },
      rows: { type: 'string', default: '200000' },
    },
  });
  const upstream = await startUpstream();
  const weir = await startWeirCandidate(upstream.url);
  const watch = new Watch();
  try {
    const direct = makeTarget(upstream.url);
    await calls(direct, 16, 2_000);
    await calls(makeTarget(weir.url), 16, 4_000);
    const durationMs = Number(values.seconds) * 1000;
    const found = await busyStore({
      direct,
      weir,
      watch,
      rounds: Number(values.rounds),
      durationMs,
      rows: Number(values.rows),
    });
    console.table([
      {
        'added p99, queries flat out': `${found.busy.toPrecision(3)} ms`,
        'no queries': `${found.idle.toPrecision(3)} ms`,
        ratio: (found.busy / found.idle).toFixed(2),
        'queries a second': found.queries.toPrecision(3),
        'ended at a limit': found.limited,
        'rows, all there': found.rows,
      },
    ]);
  } finally {
    watch.stop();
    await weir.stop();
    await upstream.stop();
  }
}
