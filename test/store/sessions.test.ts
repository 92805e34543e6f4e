import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openTarget, post, until } from './support.ts';
import type { Target } from './support.ts';

// A deadline that only a hang reaches: the machine may be busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let target: Target;
beforeAll(async () => (target = await openTarget()));
afterAll(() => target.remove());

async function ask(session: string, sql: string, more = '', database = 'weir'): Promise<string> {
  return (await post(target, sql, `&session_id=${session}${more}`, {}, database)).text();
}

test('a session keeps its temporary tables and what SET says, and no one else sees them', async () => {
  const id = randomUUID();
  await ask(id, 'CREATE TEMPORARY TABLE kept (a Int32)');
  await ask(id, 'INSERT INTO kept VALUES (1), (2)');
  await ask(id, 'SET max_block_size = 9');
  expect(await ask(id, "SELECT sum(a), getSetting('max_block_size') FROM kept")).toBe('3\t9\n');
  expect((await post(target, 'SELECT * FROM kept')).status).toBe(404);
  expect(await ask(randomUUID(), 'SELECT * FROM kept')).toContain('UNKNOWN_TABLE');
});

test('settings and parameters of one request end with it', async () => {
  const id = randomUUID();
  const other = '&max_block_size=7&param_x=5';
  expect(await ask(id, "SELECT {x:Int32}, getSetting('max_block_size'), currentDatabase()", other, 'system')).toBe(
    '5\t7\tsystem\n',
  );
  expect(await ask(id, "SELECT getSetting('max_block_size') = 7")).toBe('0\n');
  expect(await ask(id, 'SELECT {x:Int32}')).toContain('UNKNOWN_QUERY_PARAMETER');
});

test('one statement at a time has it; it must exist when asked for; it can be closed', async () => {
  const id = randomUUID();
  const slow = ask(id, 'SELECT sleep(3)');
  await until('it is locked', async () => (await ask(id, 'SELECT 1')).includes('SESSION_IS_LOCKED'));
  await slow;
  expect(await ask(id, "SELECT 'free'", '&close_session=1')).toBe('free\n');
  expect(await ask(randomUUID(), 'SELECT 1', '&session_check=1')).toContain('SESSION_NOT_FOUND');
  expect(await ask(id, 'SELECT 1', '&session_timeout=99999')).toContain('INVALID_SESSION_TIMEOUT');
});

test('a session ends by its timeout', async () => {
  const id = randomUUID();
  await ask(id, 'SELECT 1', '&session_timeout=1');
  // Each question is one of the session, and begins its time anew: asked less often than it lasts.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(await ask(id, 'SELECT 1', '&session_check=1')).toContain('SESSION_NOT_FOUND');
});

test.skipIf(process.env['TEST_CLICKHOUSE_URL'])(
  'none without the password (a rule of the embedded store)',
  async () => {
    const response = await fetch(`${target.url}/?session_id=s`, { method: 'POST', body: 'SELECT 1' });
    expect(response.status).toBe(403);
  },
);
