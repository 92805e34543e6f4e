/**
 * `npm run bench`: Weir, with everything recorded, against a direct call, a Node TCP relay and (where installed) nginx.
 * Everything is a ratio inside one run: candidates take turns, in a new order each round, and moments in which the machine
 * stood still are left out. Options: `--rounds 5 --seconds 1 --streams 500`.
 */
import { parseArgs } from 'node:util';
import { makeKey } from '../support/administration.ts';
import { busyStore } from './busy-store.ts';
import {
  cpuMs,
  hasNginx,
  memoryKb,
  startNginx,
  startRelay,
  startUpstream,
  startWeirCandidate,
  type Candidate,
} from './candidates.ts';
import {
  bodyOf,
  calls,
  chunkDelays,
  closedLoop,
  holdStreams,
  inTurns,
  makeTarget,
  openLoop,
  quantile,
  undisturbed,
  type Target,
  type Timed,
} from './load.ts';
import { clock, Watch } from './watch.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    streams: { type: 'string', default: '500' },
  },
});
const rounds = Number(values.rounds);
const durationMs = Number(values.seconds) * 1000;
const streams = Number(values.streams);

const upstream = await startUpstream();
const weir = await startWeirCandidate(upstream.url);
const candidates = [upstream, await startRelay(upstream.url), weir];
if (hasNginx()) candidates.push(await startNginx(upstream.url));
else console.log('nginx is not installed: its ratios are left out (Debian: apt-get install nginx-light).');
const anchors = candidates.filter((candidate) => candidate !== upstream && candidate !== weir);
const recorded = makeTarget(weir.url);
const unrecorded = makeTarget(weir.url, { 'weir-log': 'bodies=?0' });
/** With a key that has no limits, and with one that has three which no call reaches. */
const limits = { none: await keyTarget([]), three: await keyTarget(threeLimits()) };
const targets = new Map<Candidate, Target>(candidates.map((candidate) => [candidate, makeTarget(candidate.url)]));
targets.set(weir, recorded);

const watch = new Watch();

/** A moment under load: from when to when (ms since 1970), requests that ended in it, and the candidate's CPU time, ms. */
interface Spell {
  from: number;
  to: number;
  requests: number;
  cpu: number;
}

/** A closed loop of 32 connections, cut into spells of 25 ms. */
async function underLoad(candidate: Candidate, body?: Buffer, target = targetOf(candidate)): Promise<Spell[]> {
  const samples: { at: number; cpu: number }[] = [];
  const timer = setInterval(() => samples.push({ at: clock(), cpu: cpuMs(candidate.pids) }), 25);
  const made = await closedLoop(target, 32, durationMs, body);
  clearInterval(timer);
  const ends = made.map(({ startedAt, ms }) => startedAt + ms);
  return samples.slice(1).map(({ at, cpu }, index) => {
    const before = samples[index] ?? { at, cpu };
    const requests = ends.filter((end) => end > before.at && end <= at).length;
    return { from: before.at, to: at, requests, cpu: cpu - before.cpu };
  });
}

interface Load {
  requests: number;
  ms: number;
  cpu: number;
}

/** All spells together during which the machine ran. */
function total(spells: Spell[] | undefined): Load {
  const load = { requests: 0, ms: 0, cpu: 0 };
  for (const { from, to, requests, cpu } of spells ?? []) {
    if (!watch.ran(from, to)) continue;
    load.requests += requests;
    load.ms += to - from;
    load.cpu += cpu;
  }
  return load;
}

type Loads = Map<Candidate, Spell[]>;
function cpuOf(loads: Loads, candidate: Candidate): number {
  const { cpu, requests } = total(loads.get(candidate));
  return cpu / requests;
}
function rateOf(loads: Loads, candidate: Candidate): number {
  const { ms, requests } = total(loads.get(candidate));
  return (requests / ms) * 1000;
}

function threeLimits(): object[] {
  const window = { seconds: 3600 };
  return [
    { name: 'requests', quota: 1e9, window },
    { name: 'tokens', unit: 'tokens', quota: 1e9, window, by: ['user'] },
    { name: 'dollars', unit: 'usd', quota: 1e6, window: { calendar: 'month' } },
  ];
}

async function keyTarget(keyLimits: object[]): Promise<Target> {
  const { key } = await makeKey(new URL(weir.url).origin, weir.key, { limits: keyLimits });
  return makeTarget(weir.url, { 'weir-key': key });
}

const targetOf = (candidate: Candidate): Target => targets.get(candidate) as Target;

function say(stage: string): void {
  console.log(`${Math.round(performance.now() / 1000)} s: ${stage}`);
}

type Gate = { atMost: number } | { atLeast: number };

interface Line {
  measure: string;
  anchor: string;
  weir: string;
  'the anchor': string;
  ratio: string;
  gate: string;
  holds: string;
}
const lines: Line[] = [];

function report(measure: string, anchor: string, unit: string, value: number, other: number, gate?: Gate): void {
  const ratio = value / other;
  const at = gate === undefined ? undefined : 'atMost' in gate ? gate.atMost : gate.atLeast;
  const holds =
    gate === undefined ? '' : ('atMost' in gate ? ratio <= gate.atMost : ratio >= gate.atLeast) ? 'yes' : 'NO';
  lines.push({
    measure,
    anchor,
    weir: `${value.toPrecision(3)} ${unit}`,
    'the anchor': `${other.toPrecision(3)} ${unit}`,
    ratio: other > 0 ? ratio.toFixed(2) : 'the anchor adds nothing',
    gate: at === undefined || gate === undefined ? '' : `${'atMost' in gate ? '≤' : '≥'} ${at}`,
    holds: other > 0 ? holds : '',
  });
}

try {
  say('warming up');
  // V8 makes a call's code faster and faster for some 50,000 calls: it is the hours after that are compared, not the first minute.
  for (const target of [...targets.values(), unrecorded, ...Object.values(limits)]) await calls(target, 32, 20_000);
  for (const candidate of candidates) await chunkDelays(targetOf(candidate), 50);

  say('latency');
  const one = await inTurns(targets.values(), rounds, (target) => closedLoop(target, 1, durationMs));
  const open = await inTurns([...targets.values(), unrecorded], rounds, (target) => openLoop(target, 500, durationMs));
  const delays = await inTurns(targets.values(), rounds, (target) => chunkDelays(target, 20));
  say('throughput and CPU');
  const load = await inTurns(candidates, rounds, (candidate) => underLoad(candidate));
  const large = bodyOf(100_000);
  const largeLoad = await inTurns([weir, ...anchors], rounds, (candidate) => underLoad(candidate, large));

  say('limits');
  const limited = await inTurns(Object.values(limits), 2 * rounds, (target) => underLoad(weir, undefined, target));

  say('memory');
  const before = memoryKb(weir.pids);
  const release = await holdStreams(recorded, streams);
  const memory = (memoryKb(weir.pids) - before) / streams;
  release();

  say('queries flat out');
  const direct = targetOf(upstream);
  const store = await busyStore({ direct, weir, watch, rounds, durationMs });

  const added = (of: Map<Target, Timed[]>, target: Target, share: number): number =>
    quantile(undisturbed(of.get(target), watch), share) - quantile(undisturbed(of.get(direct), watch), share);
  for (const anchor of anchors) {
    const [w, o] = [recorded, targetOf(anchor)];
    const nginx = anchor.name === 'nginx';
    const gate = (value: Gate): Gate | undefined => (nginx ? value : undefined);
    const compare = (measure: string, unit: string, of: (c: Candidate, t: Target) => number, held: Gate): void =>
      report(measure, anchor.name, unit, of(weir, w), of(anchor, o), gate(held));
    compare('added p50, one connection', 'ms', (_, target) => added(one, target, 0.5), { atMost: 2.5 });
    compare('added p50, 500/s open loop', 'ms', (_, target) => added(open, target, 0.5), { atMost: 3.5 });
    compare('CPU per request', 'ms', (candidate) => cpuOf(load, candidate), { atMost: 6 });
    compare('throughput, 32 connections', '/s', (candidate) => rateOf(load, candidate), { atLeast: 0.18 });
    compare('delay of a chunk', 'ms', (_, target) => quantile(undisturbed(delays.get(target), watch), 0.5), {
      atMost: 2,
    });
    const name = `CPU per request, 100 KB${nginx ? ', its body log on' : ''}`;
    compare(name, 'ms', (candidate) => cpuOf(largeLoad, candidate), { atMost: 2 });
  }
  const p99 = (target: Target): number => added(open, target, 0.99);
  report('added p99, 500/s open loop', 'weir, no bodies kept', 'ms', p99(recorded), p99(unrecorded), { atMost: 3 });
  report('added p99, 200/s, queries flat out', 'no queries', 'ms', store.busy, store.idle, { atMost: 3 });
  const limitedCpu = (target: Target): number => {
    const { cpu, requests } = total(limited.get(target));
    return cpu / requests;
  };
  report('CPU per request, three limits', 'no limits', 'ms', limitedCpu(limits.three), limitedCpu(limits.none), {
    atMost: 1.1,
  });
  report('memory per open stream', '100 KB', 'KB', memory, 100, { atMost: 1 });
} finally {
  for (const candidate of candidates.slice(1)) await candidate.stop();
  await upstream.stop();
}
watch.stop();
console.log(
  `\nThe machine stood still for ${Math.round(watch.lost / 1000)} of ${Math.round(performance.now() / 1000)} s; that time is left out.`,
);
console.table(lines);
