/**
 * `npm run bench`: Weir, with everything recorded, against a direct call, a Node TCP relay and (where installed) nginx, as
 * ratios inside each round; then the median over the rounds with its spread. Options: `--rounds 5 --seconds 3`.
 */
import { parseArgs } from 'node:util';
import {
  cpuMs,
  hasNginx,
  startNginx,
  startRelay,
  startUpstream,
  startWeirCandidate,
  type Candidate,
} from './candidates.ts';
import { closedLoop, openLoop, quantile, streams } from './load.ts';

/** PERFORMANCE gates, against nginx. */
const gates: Record<string, string> = {
  'added p50, one connection': '≤ 2.5',
  'added p50, 500/s open loop': '≤ 3.5',
  'CPU per request': '≤ 6',
  throughput: '≥ 0.18',
  'delay of a chunk': '≤ 2',
};

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '3' } },
});
const rounds = Number(values.rounds);
const durationMs = Number(values.seconds) * 1000;

interface Measured {
  p50: number;
  openP50: number;
  openP99: number;
  cpuPerRequest: number;
  rate: number;
  chunk: number;
}

async function measure(candidate: Candidate): Promise<Measured> {
  await closedLoop(candidate.url, 8, 500);
  const one = await closedLoop(candidate.url, 1, durationMs);
  const cpuBefore = cpuMs(candidate.pids);
  const many = await closedLoop(candidate.url, 32, durationMs);
  const cpu = cpuMs(candidate.pids) - cpuBefore;
  const open = await openLoop(candidate.url, 500, durationMs);
  const chunks = await streams(candidate.url, 20);
  return {
    p50: one.p50,
    openP50: open.p50,
    openP99: open.p99,
    cpuPerRequest: cpu / many.requests,
    rate: many.rate,
    chunk: chunks.p50,
  };
}

const upstream = await startUpstream();
const candidates = [upstream, await startRelay(upstream.url), await startWeirCandidate(upstream.url)];
if (hasNginx()) candidates.push(await startNginx(upstream.url));
else console.log('nginx is not installed: its ratios are left out (Debian: apt-get install nginx-light).');

const results = new Map<string, Measured[]>(candidates.map(({ name }) => [name, []]));
try {
  for (let round = 0; round < rounds; round++) {
    for (const candidate of [...candidates].sort(() => Math.random() - 0.5)) {
      results.get(candidate.name)?.push(await measure(candidate));
    }
    console.log(`round ${round + 1} of ${rounds}`);
  }
} finally {
  for (const candidate of candidates.slice(1)) await candidate.stop();
  await upstream.stop();
}
report();

function report(): void {
  console.log('\nabsolute (median over rounds; shared cores, read the ratios)');
  console.table(
    Object.fromEntries(
      [...results].map(([name, list]) => [
        name,
        Object.fromEntries(
          (Object.keys(list[0] ?? {}) as (keyof Measured)[]).map((key) => [
            key,
            Number(
              quantile(
                list.map((m) => m[key]),
                0.5,
              ).toFixed(3),
            ),
          ]),
        ),
      ]),
    ),
  );
  for (const anchor of ['nginx', 'node relay'].filter((name) => results.has(name))) {
    console.log(`\nweir ÷ ${anchor}: median (lowest to highest)`);
    console.table(
      Object.fromEntries(
        ratios(anchor).map(([name, list]) => [
          name,
          {
            median: quantile(list, 0.5).toFixed(2),
            lowest: Math.min(...list).toFixed(2),
            highest: Math.max(...list).toFixed(2),
            gate: gates[name] ?? '',
          },
        ]),
      ),
    );
  }
}

/** Added latencies are against the direct call of the same round. */
function ratios(anchor: string): [string, number[]][] {
  const weir = results.get('weir') ?? [];
  const other = results.get(anchor) ?? [];
  const direct = results.get('direct') ?? [];
  const each = (ratio: (w: Measured, o: Measured, d: Measured) => number): number[] =>
    weir.map((w, round) => ratio(w, other[round] as Measured, direct[round] as Measured));
  return [
    ['added p50, one connection', each((w, o, d) => (w.p50 - d.p50) / (o.p50 - d.p50))],
    ['added p50, 500/s open loop', each((w, o, d) => (w.openP50 - d.openP50) / (o.openP50 - d.openP50))],
    ['added p99, 500/s open loop', each((w, o, d) => (w.openP99 - d.openP99) / (o.openP99 - d.openP99))],
    ['CPU per request', each((w, o) => w.cpuPerRequest / o.cpuPerRequest)],
    ['throughput', each((w, o) => w.rate / o.rate)],
    ['delay of a chunk', each((w, o) => w.chunk / o.chunk)],
  ];
}
