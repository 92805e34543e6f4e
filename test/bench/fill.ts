/** A fortnight of believable requests, as many as asked for. */
import type { Db } from '@weir/schema/db';
import { insertRows } from '@weir/schema/insert';
import type { DemoCall } from '../../proxy/src/demo/call-rows.ts';
import { historyDays, incidentsBefore, slotCalls, slots } from '../../proxy/src/demo/history.ts';
import { makeRandom } from '../../proxy/src/demo/random.ts';

/** Requests that the generator makes. */
const drawn = 2_000;
const copiesAtOnce = 500;

/**
 * About `rows` requests of the last fortnight. The demo's generator makes a few; SQL, which is faster, copies them to other
 * times of the fortnight, each with an id of its own.
 */
export async function fillHistory(to: Db, rows: number, tables: readonly ('attempts' | 'requests')[]): Promise<void> {
  const random = makeRandom(7);
  const end = Date.now();
  const incidents = incidentsBefore(end);
  // A session counts as one draw and is several requests: about 1.35 requests a draw.
  const perHour = Math.min(rows, drawn) / (historyDays * 24) / 1.35;
  // One inserted batch a day, as the partitions are.
  let made = 0;
  for (const daySlots of groupByDay(slots(end)).values()) {
    const calls: DemoCall[] = daySlots.flatMap((slot) => [...slotCalls(random, slot, incidents, perHour)]);
    for (const table of tables) {
      const of = table === 'requests' ? calls.map((call) => call.request) : calls.flatMap((call) => call.attempts);
      await insertRows(to, table, of);
    }
    made += calls.length;
  }
  const copies = Math.max(0, Math.round(rows / made) - 1);
  // In pieces, so that one statement does not sort them all.
  for (const table of tables) {
    await to.command({ query: `CREATE TABLE seed_${table} ENGINE = Memory AS SELECT * FROM ${table}` });
    for (let from = 1; from <= copies; from += copiesAtOnce) {
      await to.command({ query: copyOf(table, [from, Math.min(copies, from + copiesAtOnce - 1)], end) });
    }
    await to.command({ query: `DROP TABLE seed_${table}` });
  }
  console.log(`${made} requests of the demo, and ${copies} copies of each`);
}

/** Copies lie 11.3 hours apart, so that none is near its original in a compressed block. */
function copyOf(table: string, [from, to]: [number, number], end: number): string {
  const last = `toDateTime64(${end / 1000}, 6, 'UTC')`;
  return `INSERT INTO ${table} SELECT * EXCEPT (at, copy) REPLACE (
      if(at > ${last}, at - INTERVAL ${historyDays} DAY, at) AS started_at,
      toUUID(concat(
        substring(leftPad(lower(hex(toUnixTimestamp64Milli(started_at))), 12, '0'), 1, 8), '-',
        substring(leftPad(lower(hex(toUnixTimestamp64Milli(started_at))), 12, '0'), 9, 4), '-7',
        substring(lower(hex(sipHash128(request_id, copy))), 1, 3), '-8', substring(lower(hex(sipHash128(request_id, copy))), 4, 3), '-',
        substring(lower(hex(sipHash128(request_id, copy))), 7, 12))) AS request_id)
    FROM (SELECT *, copy, started_at + toIntervalSecond(copy * 40680 % (${historyDays} * 86400)) AS at
      FROM seed_${table} ARRAY JOIN range(${from}, ${to + 1}) AS copy)`;
}

function groupByDay(all: Iterable<number>): Map<string, number[]> {
  const days = new Map<string, number[]>();
  for (const slot of all) {
    const day = new Date(slot).toISOString().slice(0, 10);
    const list = days.get(day);
    if (list === undefined) days.set(day, [slot]);
    else list.push(slot);
  }
  return days;
}
