/** `weir compare`: what Weir adds to calls, told apart from the provider's own time, on the machine and the network that matter. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDb } from '@weir/schema/db';
import { spent } from '@weir/schema/queries/spent';
import { z } from 'zod';
import { readTiming, sharesTable, timesTable, type Spent } from '../compare/figures.ts';
import { run, type Sample, type Workload } from '../compare/workload.ts';
import { providers } from '../providers/registry.ts';
import { sayTable } from './desk.ts';
import { findRunning, type Running } from './running.ts';
import { say } from './start.ts';
import { storeUrlOf } from './store-url.ts';
import { check, parseWords, UsageError } from './usage.ts';

const usage = `Usage: npm run compare -- BASE_URL [--provider NAME[/PLACE]] [--calls N] [--concurrency N] [--stream] [--body FILE]
                   [--path PATH] [--header 'NAME: VALUE']… [--weir URL]
BASE_URL is the provider's, as http://127.0.0.1:9000 or https://api.openai.com. Every call is made, and paid: twice N, and twice
the concurrency before that, to make the connections.`;

const whole = (least: number, most: number) => {
  const error = `expected a whole number from ${least} to ${most}`;
  return z.coerce.number({ error }).int({ error }).min(least, { error }).max(most, { error });
};
const baseUrl = z
  .url({ protocol: /^https?$/, error: 'expected http(s)://host[:port][/path]' })
  .refine((text) => new URL(text).search === '', { error: 'expected an address without a query' })
  .transform((text) => text.replace(/\/+$/, ''));
const provider = z
  .string()
  .regex(/^[a-z0-9]+(\/[a-z0-9.-]+)?$/, {
    error: 'expected a provider, with its place where it has one: azure/my-resource',
  })
  .refine((text) => providers.has(text.split('/')[0] ?? ''), { error: 'is no provider of Weir' });
const header = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e]*$/, { error: "expected 'Name: value'" })
  .transform((text): [string, string] => [
    text.slice(0, text.indexOf(':')).toLowerCase(),
    text.slice(text.indexOf(':') + 1).trim(),
  ])
  .refine(([name]) => !name.startsWith('weir-'), { error: 'headers of Weir do not go to a provider' });
const path = z.string().regex(/^\/[\x21-\x7e]*$/, { error: 'expected a path that begins with /' });
const bodyText = z.record(z.string(), z.json(), { error: 'expected a JSON object' });

/** How long to wait for the rows of calls that have just ended. */
const rowsWithinMs = 15_000;

export async function compare(words: string[]): Promise<void> {
  const { workload, running, name, mark } = readOptions(words);
  const from = Date.now();
  const made = await run(workload);
  if (made.weir.some(({ id }) => id === '')) throw new Error(`What answers at ${running.url} is not Weir.`);
  say(`${workload.calls} calls each way, ${workload.concurrency} at a time, in random turns: ${name}.\n`);
  sayTable(timesTable(made));
  say('');
  const { shares, source } = await sharesOf(made.weir, { mark, from }, running);
  if (shares.length === 0) return say('Where the time went is not known: no rows, and no Server-Timing.');
  sayTable(sharesTable(shares));
  say(`\nBy ${source}.`);
}

function readOptions(words: string[]): {
  workload: Workload;
  running: Running;
  name: string;
  /** By which the rows of this comparison are found: their property `compare`. */
  mark: string;
} {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseWords(
    {
      args: words,
      allowPositionals: true,
      options: {
        ...{ provider: { ...text, default: 'openai' }, calls: { ...text, default: '200' } },
        ...{ concurrency: { ...text, default: '1' }, path: { ...text, default: '/v1/chat/completions' } },
        ...{ stream: { type: 'boolean', default: false } as const, body: text, weir: text },
        header: { type: 'string', multiple: true, default: [] as string[] },
      },
    },
    usage,
  );
  const [base, ...rest] = positionals;
  if (base === undefined || rest.length > 0) throw new UsageError(usage);
  const direct = check('BASE_URL', baseUrl, base);
  const asked = check('--path', path, values.path);
  const through = check('--provider', provider, values.provider);
  const headers = Object.fromEntries(values.header.map((one) => check('--header', header, one)));
  const running = findRunning(values.weir);
  // What the base's own path has is a part of the vendor's path, which Weir appends to the vendor's host.
  const urls = {
    direct: `${direct}${asked}`,
    weir: `${running.url}/${through}${new URL(direct).pathname.replace(/\/$/, '')}${asked}`,
  };
  const mark = randomUUID();
  const workload = {
    urls,
    headers: { direct: headers, weir: { ...headers, 'weir-property-compare': mark } },
    body: bodyOf(values.body, values.stream),
    calls: check('--calls', whole(1, 100_000), values.calls),
    concurrency: check('--concurrency', whole(1, 256), values.concurrency),
  };
  return { workload, running, mark, name: `${urls.direct} against ${urls.weir}` };
}

function bodyOf(file: string | undefined, stream: boolean): string {
  const body = file === undefined ? small : check('--body', bodyText, readBody(file));
  return JSON.stringify(stream ? { ...body, stream: true } : body);
}
const small = { model: 'gpt-4o-mini', max_tokens: 16, messages: [{ role: 'user', content: 'Say hello.' }] };

function readBody(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as unknown;
  } catch (error) {
    throw new UsageError(`--body: ${file} cannot be read as JSON: ${error instanceof Error ? error.message : ''}.`);
  }
}

interface Comparison {
  mark: string;
  from: number;
}

/** Of the rows where the store has them all, which count a call to its last byte; else of `Server-Timing`, to its head. */
async function sharesOf(
  samples: readonly Sample[],
  comparison: Comparison,
  { settings }: Running,
): Promise<{ shares: Spent[]; source: string }> {
  const ids = new Set(samples.map(({ id }) => id));
  const rows = await readRows(ids, comparison, settings).catch(() => []);
  if (rows.length === ids.size) {
    return { shares: rows, source: `Weir’s own rows of these ${rows.length} calls, to their last byte` };
  }
  const shares = samples.map(({ timing }) => readTiming(timing)).filter((one) => one !== null);
  const source = `the answers’ Server-Timing, to their heads alone: the store here has ${rows.length} of these calls`;
  return { shares, source };
}

/** Rows come to the store a moment after their calls. @throws where no store is at hand. */
async function readRows(
  ids: ReadonlySet<string>,
  { mark, from }: Comparison,
  settings: Running['settings'],
): Promise<Spent[]> {
  const db = openDb(storeUrlOf(settings), { application: 'weir-cli', timeoutMs: 10_000 });
  try {
    const end = Date.now() + rowsWithinMs;
    for (;;) {
      // The first calls, which only make the connections, have rows too.
      const rows = (await spent(db, { mark, from: from - 60_000 })).filter(({ request_id }) => ids.has(request_id));
      if (rows.length === ids.size || Date.now() > end) {
        return rows.map((row) => ({ weir: row.overhead_ms, wait: row.wait_ms, provider: row.upstream_ms }));
      }
      await sleep(250);
    }
  } finally {
    await db.close();
  }
}
