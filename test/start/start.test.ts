/** `npm start` as a new user meets it: three parts, a first request seen in SQL and on the page, and a clean end. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signIn, visit } from '../dashboard/signed-in.ts';
import { program } from '../support/cli.ts';
import { until, within } from '../support/deadline.ts';
import { chatChunks, chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';

interface Started {
  child: ChildProcess;
  output: () => string;
  address(part: string): string;
}

/** Runs `npm start`'s command in a process group of its own, as a terminal would. */
function run(environment: Record<string, string>): Started {
  const child = spawn(process.execPath, [program, 'start'], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      WEIR_PROXY_PORT: '0',
      WEIR_DASHBOARD_PORT: '0',
      WEIR_STORE_PORT: '0',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return {
    child,
    output: () => text,
    address: (part) => new RegExp(`^ +${part} +(http://\\S+)`, 'm').exec(text)?.[1] ?? '',
  };
}

async function runUntilUp(environment: Record<string, string>): Promise<Started> {
  const started = run(environment);
  await until(180_000, 'Weir is running', () => {
    if (started.child.exitCode !== null) throw new Error(started.output());
    return started.output().includes('Ctrl-C stops everything') ? true : undefined;
  });
  return started;
}

/** What Ctrl-C does in a terminal: the signal goes to the whole group. */
async function interrupt({ child, output }: Started): Promise<number | null> {
  const exited = once(child, 'exit') as Promise<[number | null]>;
  process.kill(-(child.pid ?? 0), 'SIGINT');
  const [code] = await within(60_000, `the end after Ctrl-C: ${output()}`, exited);
  return code;
}

let provider: ScriptedProvider;
let dataDir: string;
let weir: Started;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'weir-start-'));
  provider = await startProvider((seen, response) => {
    if (!seen.body.includes('"stream":true')) return json(response, chatCompletion('gpt-4o-mini', 1000, 100));
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(chatChunks(['Hello ', 'there.']).join(''));
  });
  weir = await runUntilUp({ WEIR_DATA_DIR: dataDir, WEIR_UPSTREAM_OPENAI: provider.url });
});
afterAll(async () => {
  if (weir.child.exitCode === null) await interrupt(weir);
  await provider.close();
  rmSync(dataDir, { recursive: true, force: true });
});

async function sql<T>(query: string): Promise<T[]> {
  const response = await fetch(`${weir.address('store')}/?query=${encodeURIComponent(`${query} FORMAT JSONEachRow`)}`);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}

test('it says where everything is, a first request, and the first key once', () => {
  const text = weir.output();
  for (const part of ['proxy', 'dashboard', 'store']) expect(weir.address(part)).toMatch(/^http:\/\/127\.0\.0\.1:\d+/);
  expect(text).toContain('/openai/v1/chat/completions');
  expect(text).toContain(readFileSync(join(dataDir, 'key'), 'utf8').trim());
});

test('the snippet of the README: the call is in SQL and on the page, with tokens, cost and time to first token', async () => {
  const client = new OpenAI({
    baseURL: `${weir.address('proxy')}/openai/v1`,
    apiKey: 'sk-test',
    defaultHeaders: { 'Weir-User': 'alice' },
  });
  const ask = { model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content: 'Say hello.' }] };
  const { data, response } = await client.chat.completions.create(ask).withResponse();
  expect(data.choices[0]?.message.content).toBe('Hello there.');
  const id = String(response.headers.get('weir-id'));
  const answeredAt = performance.now();
  const [row] = await until(60_000, 'the row is in SQL', async () => {
    const found = await sql<Record<string, unknown>>(`SELECT * FROM weir.requests WHERE request_id = '${id}'`);
    return found.length > 0 ? found : undefined;
  });
  const inSql = performance.now() - answeredAt;
  await until(60_000, 'the row is on the page', async () =>
    (await (await fetch(`${weir.address('dashboard')}/requests`)).text()).includes(id) ? true : undefined,
  );
  console.log(
    `seen in SQL after ${inSql.toFixed(0)} ms, on the page after ${(performance.now() - answeredAt).toFixed(0)} ms`,
  );
  // gpt-4o-mini: $0.15 and $0.60 a million tokens.
  expect(row).toMatchObject({ user_id: 'alice', input_tokens: 1000, output_tokens: 100, ttft_ms: null, outcome: 'ok' });
  expect(Number(row?.cost_usd)).toBeCloseTo(0.00021, 9);

  const stream = await client.chat.completions.create({ ...ask, stream: true }).withResponse();
  let said = '';
  for await (const chunk of stream.data) said += chunk.choices[0]?.delta.content ?? '';
  expect(said).toBe('Hello there.');
  const streamId = String(stream.response.headers.get('weir-id'));
  const streamedAt = performance.now();
  const [streamed] = await until(60_000, 'the stream is in SQL', async () => {
    const found = await sql<Record<string, unknown>>(`SELECT * FROM weir.requests WHERE request_id = '${streamId}'`);
    return found.length > 0 ? found : undefined;
  });
  console.log(`the second call is seen in SQL after ${(performance.now() - streamedAt).toFixed(0)} ms`);
  expect(streamed).toMatchObject({ streamed: true, input_tokens: 12, output_tokens: 2 });
  expect(Number(streamed?.ttft_ms)).toBeGreaterThan(0);
});

test('a part that dies is started again, on the same address', async () => {
  const page = weir.address('dashboard');
  process.kill(dashboardPid(), 'SIGKILL');
  await until(60_000, 'the dashboard is back', () =>
    weir.output().includes(`dashboard is back at ${page}`) ? true : undefined,
  );
  expect((await fetch(`${page}/connect`)).status).toBe(200);
});

test('a port in use and a wrong setting are one sentence each', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const port = String((taken.address() as AddressInfo).port);
  const other = mkdtempSync(join(tmpdir(), 'weir-start-'));
  const refused = run({ WEIR_DATA_DIR: other, WEIR_PROXY_PORT: port });
  const [code] = (await within(180_000, 'it gives up', once(refused.child, 'exit'))) as [number];
  expect(code).toBe(1);
  expect(refused.output().trim().split('\n')).toEqual([
    `Port ${port} is in use: set WEIR_PROXY_PORT to another, or end what listens there.`,
  ]);
  taken.close();
  rmSync(other, { recursive: true, force: true });

  const wrong = run({ WEIR_RETAIN_DAYS: 'soon' });
  const [wrongCode] = (await within(60_000, 'it gives up', once(wrong.child, 'exit'))) as [number];
  expect(wrongCode).toBe(1);
  expect(wrong.output().trim().split('\n')).toHaveLength(1);
  expect(wrong.output()).toContain('WEIR_RETAIN_DAYS');
});

test('Ctrl-C ends every part, and what was answered last is there at the next start', async () => {
  const last = await fetch(`${weir.address('proxy')}/openai/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'gpt-4o-mini', messages: [] }),
    headers: { 'content-type': 'application/json' },
  });
  const id = last.headers.get('weir-id');
  await last.text();
  const before = [weir.address('proxy'), weir.address('dashboard'), weir.address('store')];
  expect(await interrupt(weir)).toBe(0);
  expect(weir.output()).toContain('Stopped. Nothing was lost.');
  for (const address of before) await expect(fetch(address)).rejects.toThrow();
  weir = await runUntilUp({ WEIR_DATA_DIR: dataDir, WEIR_UPSTREAM_OPENAI: provider.url });
  expect(weir.output()).not.toContain(readFileSync(join(dataDir, 'key'), 'utf8').trim());
  expect(await sql(`SELECT count() AS n FROM weir.requests WHERE request_id = '${id}'`)).toEqual([{ n: 1 }]);
});

test('with a password the dashboard asks for it and administers; it is not given the secrets of providers', async () => {
  await interrupt(weir);
  const secrets = {
    OPENAI_API_KEY: 'sk-CANARY-openai',
    AWS_SECRET_ACCESS_KEY: 'CANARY-aws',
    WEIR_SECRET: 'CANARY'.repeat(3),
  };
  const password = 'correct horse';
  weir = await runUntilUp({ WEIR_DATA_DIR: dataDir, WEIR_ADMIN_PASSWORD: password, ...secrets });
  const page = weir.address('dashboard');
  expect((await visit(page, '/keys')).location).toBe('/sign-in?to=%2Fkeys');
  const cookie = await signIn(page, password);
  const keys = await visit(page, '/keys', { cookie });
  expect([keys.status, keys.text.includes('first key')]).toEqual([200, true]);
  expect(readFileSync(`/proc/${dashboardPid()}/environ`, 'utf8')).not.toContain('CANARY');
});

/** The dashboard's process, among the supervisor's children (proc(5)). */
function dashboardPid(): number {
  const children = readFileSync(`/proc/${weir.child.pid}/task/${weir.child.pid}/children`, 'utf8').trim().split(' ');
  const found = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('dashboard'));
  if (found === undefined) throw new Error('no dashboard among the children');
  return Number(found);
}
