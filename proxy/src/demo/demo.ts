/** `npm run demo`: Weir on a data directory of its own, with a simulated provider and a fortnight of believable traffic. */
import { openDb, type Db } from '@weir/schema/db';
import { insertRows } from '@weir/schema/insert';
import { providers } from '../providers/registry.ts';
import { readSettings, say, startWeir, stayUntilStopped } from '../cli/start.ts';
import { bodyOf } from './bodies.ts';
import type { DemoCall } from './call-rows.ts';
import { historyDays, incidentsBefore, slotCalls, slots } from './history.ts';
import { startSimulatedProvider } from './provider.ts';
import { makeRandom } from './random.ts';
import { routeRows } from './routes.ts';
import { trickle } from './traffic.ts';

/** Requests in an hour, on average over the fortnight. */
const perHour = 360;
/** What was said is kept of the last day: enough to read, and quickly made. */
const bodiesMs = 24 * 3_600_000;

export async function demo(): Promise<void> {
  const provider = await startSimulatedProvider();
  const upstreams = Object.fromEntries(
    [...providers.values()]
      .filter(({ host }) => host !== null)
      .map(({ name }) => [`WEIR_UPSTREAM_${name.toUpperCase()}`, provider.url]),
  );
  const environment = {
    ...process.env,
    ...upstreams,
    // Invented rows have no place in a real server.
    CLICKHOUSE_URL: undefined,
    WEIR_DATA_DIR: process.env.WEIR_DATA_DIR ?? './.weir-demo',
  };
  const settings = readSettings(environment);
  const { running } = await startWeir(settings, environment);
  await fillHistory(running.storeUrl);
  const stopTraffic = new AbortController();
  void trickle(running.proxyUrl, stopTraffic.signal);
  say(
    `\nThe demo is running, with simulated providers and invented people:\n\n  dashboard  ${running.dashboardUrl}\n  proxy      ${running.proxyUrl}\n\nCtrl-C stops it; its data stays in ${settings.WEIR_DATA_DIR}.`,
  );
  stayUntilStopped({
    ...running,
    stop: async () => {
      stopTraffic.abort();
      await running.stop();
      provider.close();
    },
  });
}

/** Fills an empty store; one that has rows is left as it is. */
async function fillHistory(storeUrl: string): Promise<void> {
  const db = openDb(storeUrl, { application: 'weir-demo', timeoutMs: 120_000 });
  try {
    if (await hasHistory(db)) return;
    say(`Making ${historyDays} days of traffic …`);
    const random = makeRandom(20_261);
    const end = Date.now();
    const incidents = incidentsBefore(end);
    let day = '';
    let calls: DemoCall[] = [];
    for (const slot of slots(end)) {
      const today = new Date(slot).toISOString().slice(0, 10);
      if (today !== day) {
        await insertCalls(db, calls, end - bodiesMs);
        calls = [];
        day = today;
      }
      for (const call of slotCalls(random, slot, incidents, perHour)) {
        if (call.request.started_at < nowText(end)) calls.push(call);
      }
    }
    await insertCalls(db, calls, end - bodiesMs);
    const { routes, versions } = routeRows(end);
    await insertRows(db, 'route_versions', versions);
    await insertRows(db, 'routes', routes);
  } finally {
    await db.close();
  }
}

async function insertCalls(db: Db, calls: DemoCall[], bodiesFrom: number): Promise<void> {
  const kept = calls.filter(({ request }) => request.started_at >= nowText(bodiesFrom));
  await insertRows(db, 'bodies', kept.map(bodyOf));
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
}

async function hasHistory(db: Db): Promise<boolean> {
  const result = await db.query({ query: 'SELECT count() > 1000 AS full FROM requests', format: 'JSONEachRow' });
  const [row] = await result.json<{ full: number }>();
  return row?.full === 1;
}

function nowText(at: number): string {
  return new Date(at).toISOString().replace('T', ' ').slice(0, 23);
}
