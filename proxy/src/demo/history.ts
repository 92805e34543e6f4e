/** A fortnight of believable traffic: who calls when, in which daily rhythm, and what goes wrong. */
import { callRows, type DemoCall, type SessionPlace } from './call-rows.ts';
import type { Random } from './random.ts';
import { troubleOf } from './trouble.ts';
import { variantOf } from './routes.ts';
import { models, runawayUser, sessionSteps, teams, users, type DemoTeam } from './world.ts';

export const historyDays = 14;
const slotMs = 5 * 60_000;
const hourMs = 3_600_000;

/** What went wrong in the fortnight, relative to its end. */
export interface Incidents {
  /** openai refuses with 429, and is slow, for an hour of yesterday's working day. */
  outage: { from: number; to: number };
  runaway: { from: number; to: number };
}

export function incidentsBefore(end: number): Incidents {
  const yesterday = Math.floor(end / (24 * hourMs)) * 24 * hourMs - 24 * hourMs;
  return {
    outage: { from: yesterday + 10.4 * hourMs, to: yesterday + 11.4 * hourMs },
    runaway: { from: yesterday - 2 * 24 * hourMs + 1.5 * hourMs, to: yesterday - 2 * 24 * hourMs + 4 * hourMs },
  };
}

/** Rows of one slot of five minutes. */
export function* slotCalls(random: Random, slot: number, incidents: Incidents, perHour: number): Generator<DemoCall> {
  const count = random.poisson((perHour / 12) * rhythm(slot));
  for (let index = 0; index < count; index++) {
    const at = slot + random.next() * slotMs;
    const team = random.weighted(teams);
    if (random.chance(0.12)) yield* session(random, at, team, incidents);
    else yield makeCall(random, at, team, chooseUser(random), incidents, null);
  }
  const { from, to } = incidents.runaway;
  for (let index = 0; slot >= from && slot < to && index < perHour / 24; index++) {
    const team = teams[0] as DemoTeam;
    yield makeCall(random, slot + random.next() * slotMs, team, runawayUser, incidents, null);
  }
}

export function* slots(end: number): Generator<number> {
  const first = Math.ceil((end - historyDays * 24 * hourMs) / slotMs) * slotMs;
  for (let slot = first; slot < end; slot += slotMs) yield slot;
}

/** Share of the mean rate at a time: working hours, less at night and on weekends. */
function rhythm(at: number): number {
  const date = new Date(at);
  const hour = date.getUTCHours() + date.getUTCMinutes() / 60;
  const day = 0.25 + 1.5 * Math.exp(-((hour - 14) ** 2) / 26);
  const weekend = date.getUTCDay() === 0 || date.getUTCDay() === 6;
  return day * (weekend ? 0.45 : 1.15);
}

function chooseUser(random: Random): string {
  // Squared: a few users make most of the calls. One in twenty-five requests names nobody.
  return random.chance(0.04) ? '' : (users[Math.floor(random.next() ** 2 * users.length)] as string);
}

function* session(random: Random, start: number, team: DemoTeam, incidents: Incidents): Generator<DemoCall> {
  const id = `s-${random.int(0x1000, 0xfffff).toString(16)}`;
  const user = chooseUser(random);
  let at = start;
  for (const step of sessionSteps.slice(0, random.int(2, sessionSteps.length))) {
    const call = makeCall(random, at, team, user, incidents, {
      id,
      name: 'Find an answer',
      path: `/${team.name}/${step}`,
    });
    yield call;
    at += call.request.duration_ms + random.logNormal(900, 0.8);
  }
}

function makeCall(
  random: Random,
  at: number,
  team: DemoTeam,
  user: string,
  incidents: Incidents,
  place: SessionPlace | null,
): DemoCall {
  const splitted = team.name === 'search' && user !== '' && user !== runawayUser;
  const model = splitted ? variantOf(user, models) : random.weighted(team.models);
  const outage = model.provider === 'openai' && at >= incidents.outage.from && at < incidents.outage.to;
  const trouble = outage ? random.chance(0.55) : random.chance(0.011);
  const plan = trouble ? troubleOf(random, model, outage) : { failures: [], answer: model, outcome: 'ok' as const };
  return callRows(random, { at, team, user, place, model, plan, slow: outage ? 2.6 : 1, splitted });
}
