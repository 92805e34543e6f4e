/** Rows of every table over some days, made inside the store. */
import type { Db } from '@weir/schema/db';

/** `count` requests on each of `days` days up to yesterday, with an attempt, a body and (each tenth) a score. */
export async function fill(db: Db, days: number, count: number, mark = 'a'): Promise<void> {
  const numbers = `FROM numbers(${days * count})`;
  const at = `toStartOfDay(now('UTC')) - INTERVAL 1 + intDiv(number, ${count}) DAY + toIntervalMicrosecond(number % ${count} * 1000003 + ${mark.charCodeAt(0)})`;
  const id = `toUUID(concat(substring(hex(MD5(concat('${mark}', toString(number)))), 1, 8), '-0000-7000-8000-', substring(hex(MD5(toString(number))), 1, 12)))`;
  const run = async (table: string, columns: string, values: string, where = ''): Promise<void> => {
    await db.command({ query: `INSERT INTO ${table} (${columns}) SELECT ${values} ${numbers} ${where}` });
  };
  await run(
    'bodies',
    'request_id, started_at, project, request, request_headers',
    `${id}, ${at}, 'default', repeat('é', number % 50), map('k', toString(number))`,
  );
  await run(
    'attempts',
    'request_id, attempt_index, started_at, project, status',
    `${id}, number % 2, ${at}, 'default', if(number % 3 = 0, NULL, 200)`,
  );
  await run(
    'requests',
    'request_id, started_at, project, request_model, input_tokens, cost_usd, properties, finish_reasons',
    `${id}, ${at}, 'default', concat('m', toString(number % 4)), if(number % 5 = 0, NULL, number), if(number % 5 = 0, NULL, number / 7), map('team', toString(number % 3)), ['stop']`,
  );
  await run(
    'scores',
    'score_id, request_id, project, request_started_at, name, value, scored_at',
    `concat('${mark}', toString(number)), ${id}, 'default', ${at}, 'good', 1, now64(6)`,
    'WHERE number % 10 = 0',
  );
}

/** One row of one query. */
export async function one<Row>(db: Db, query: string): Promise<Row> {
  const [row] = await (await db.query({ query, format: 'JSONEachRow' })).json<Row>();
  return row as Row;
}
