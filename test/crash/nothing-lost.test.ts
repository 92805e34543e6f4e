/** Promise 3: every recorded request becomes exactly one row, and every provider call one, whatever dies. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStore } from '@weir/schema/store/spawn';
import { until } from '../support/deadline.ts';
import { chatChunks, chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
/** `Weir-Id`s that clients were given, and the caller's ids that the provider saw. */
const given = new Set<string>();
const asked = new Set<string>();

beforeAll(async () => {
  provider = await startProvider(async (seen, response) => {
    const { user } = JSON.parse(seen.body.toString()) as { user: string };
    asked.add(user);
    if (!user.endsWith('s')) return json(response, chatCompletion());
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const chunk of chatChunks(['a', 'b', 'c', 'd'])) {
      response.write(chunk);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    response.end();
  });
  weir = await startWeir({ openai: provider.url }, {}, { ownStore: true });
});
afterAll(async () => {
  await weir.stop();
  await provider.close();
});

function killStore(): void {
  if (weir.store === null) throw new Error('this test has no store of its own');
  process.kill(weir.store.pid, 'SIGKILL');
}

/** Long enough for batches to fail and for their tokens to be too old to trust: a minute when asked for. */
const storeAwayMs = Number(process.env.WEIR_TEST_STORE_AWAY_MS ?? 10_000);

let number = 0;
async function callOnce(): Promise<void> {
  const name = `u${++number}${number % 3 === 0 ? 's' : ''}`;
  try {
    const response = await fetch(`${weir.proxy.url}/openai/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'gpt-4o-mini', user: name, stream: name.endsWith('s'), messages: [] }),
      headers: { 'weir-user': name, 'content-type': 'application/json' },
    });
    const id = response.headers.get('weir-id');
    if (id !== null) given.add(id);
    await response.arrayBuffer();
  } catch {
    // The proxy was killed: whether the call has a row is the question.
  }
}

/** Clients that go on calling until told to stop. */
function load(clients: number): () => Promise<void> {
  let on = true;
  const loops = Array.from({ length: clients }, async () => {
    while (on) {
      await callOnce();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  });
  return async () => {
    on = false;
    await Promise.all(loops);
  };
}

interface Ledgers {
  answeredWithoutRow: string[];
  providerCallsWithoutRow: string[];
  providerCallsWithoutAttempt: string[];
  twice: unknown[];
}

async function compareLedgers(): Promise<Ledgers> {
  const rows = await weir.query<{ id: string; user: string; n: string }>(
    'SELECT toString(request_id) AS id, any(user_id) AS user, count() AS n FROM requests GROUP BY request_id',
  );
  const attempts = await weir.query<{ id: string; n: string }>(
    'SELECT toString(request_id) AS id, count() AS n FROM attempts GROUP BY request_id',
  );
  const ids = new Set(rows.map(({ id }) => id));
  const users = new Set(rows.map(({ user }) => user));
  const attempted = new Set(attempts.map(({ id }) => id));
  return {
    answeredWithoutRow: [...given].filter((id) => !ids.has(id)),
    providerCallsWithoutRow: [...asked].filter((user) => !users.has(user)),
    providerCallsWithoutAttempt: rows
      .filter(({ id, user }) => asked.has(user) && !attempted.has(id))
      .map(({ id }) => id),
    twice: [...rows, ...attempts].filter(({ n }) => Number(n) !== 1),
  };
}

/** Waits until every ledger entry has its rows; what comes on top within a second is seen too. */
async function checkLedgers(): Promise<void> {
  const deadline = Date.now() + 180_000;
  let ledgers = await compareLedgers();
  const missing = (): number =>
    ledgers.answeredWithoutRow.length +
    ledgers.providerCallsWithoutRow.length +
    ledgers.providerCallsWithoutAttempt.length;
  while (missing() > 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    ledgers = await compareLedgers();
  }
  await until(180_000, 'the spool is empty', async () => {
    const answer = await fetch(`${weir.proxy.url}/weir/health`);
    const health = (await answer.json()) as { status: string; spool: { bytes: number }; open_requests: number };
    return health.status !== 'starting' && health.spool.bytes === 0 && health.open_requests === 0 ? true : undefined;
  });
  expect(await compareLedgers()).toEqual({
    answeredWithoutRow: [],
    providerCallsWithoutRow: [],
    providerCallsWithoutAttempt: [],
    twice: [],
  });
}

test(
  'kill -9 of the proxy under load, ten times: exactly one row for every ledger entry',
  { timeout: 900_000 },
  async () => {
    for (let round = 0; round < 10; round++) {
      const stop = load(12);
      const before = asked.size;
      await until(120_000, 'calls flow', () => (asked.size > before + 60 ? true : undefined));
      await weir.proxy.kill();
      await stop();
      await weir.restartProxy();
    }
    await checkLedgers();
    const outcomes = await weir.query<{ outcome: string; n: string }>(
      'SELECT outcome, count() AS n FROM requests GROUP BY outcome',
    );
    console.log('after ten kills:', given.size, 'answered,', asked.size, 'provider calls,', outcomes);
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(expect.arrayContaining(['ok']));
  },
);

test('the store is away under load: calls go on, rows wait, and each arrives once', { timeout: 900_000 }, async () => {
  const stop = load(8);
  const port = Number(new URL(weir.clickhouseUrl).port);
  killStore();
  const before = given.size;
  await new Promise((resolve) => setTimeout(resolve, storeAwayMs));
  await until(120_000, 'calls go on', () => (given.size > before + 100 ? true : undefined));
  weir.store = await startStore({ dataDir: weir.dataDir, port });
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  await stop();
  await checkLedgers();
});

test(
  'the store is killed while the proxy is too: what waits in the spool arrives once',
  { timeout: 900_000 },
  async () => {
    const stop = load(8);
    const port = Number(new URL(weir.clickhouseUrl).port);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    killStore();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await weir.proxy.kill();
    await stop();
    weir.store = await startStore({ dataDir: weir.dataDir, port });
    await weir.restartProxy();
    await checkLedgers();
  },
);
