/** `weir prices`: which prices are in force; one's own from a file; a newer list from a file or an address. */
import { readFile } from 'node:fs/promises';
import type { Provider } from '@pydantic/genai-prices';
import { REMOTE_DATA_JSON_URL, waitForUpdate } from '@pydantic/genai-prices';
import type { Db } from '@weir/schema/db';
import { LIST } from '../prices/list.ts';
import { compareLists, parseList, shrankByHalf, type Changes } from '../prices/list-file.ts';
import { parseRules } from '../prices/rule.ts';
import { readStored, writeStored } from '../prices/stored.ts';
import { withOwnStore } from './own-store.ts';
import { say } from './start.ts';
import { parseWords, UsageError } from './usage.ts';

const usage = 'Usage: npm run weir -- prices [set FILE | update [FILE | URL] | built-in]';
const mostBytes = 64 * 1024 ** 2;
const fetchMs = 60_000;
/** Lines of changes that are shown; more are counted. */
const mostLines = 100;

export async function prices(words: string[]): Promise<void> {
  const { positionals } = parseWords({ args: words, allowPositionals: true, options: {} }, usage);
  const [verb = 'show', source, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(usage);
  if (verb === 'show' && source === undefined) return withStore(show);
  if (verb === 'set' && source !== undefined) {
    const document = await readJson(source);
    return withStore((db) => setOwn(db, source, document));
  }
  if (verb === 'update') {
    const document = await readJson(source ?? REMOTE_DATA_JSON_URL);
    return withStore((db) => update(db, document));
  }
  if (verb === 'built-in' && source === undefined) return withStore(forgetList);
  throw new UsageError(usage);
}

const withStore = (work: (db: Db) => Promise<void>): Promise<void> => withOwnStore('weir-prices', work);

async function show(db: Db): Promise<void> {
  const stored = await readStored(db);
  const list = await listInForce(db);
  const own = stored.find(({ name }) => name === 'own');
  const count = list.providers.reduce((sum, { models }) => sum + models.length, 0);
  say(`List: ${list.version}, ${count} models of ${list.providers.length} providers.`);
  const rules = own === undefined ? [] : parseRules(JSON.parse(own.document));
  say(rules.length === 0 ? 'Own prices: none.' : `Own prices: ${rules.length}, version ${own?.version ?? ''}.`);
  for (const { name, provider } of rules) say(`  ${provider}: ${name}`);
}

async function setOwn(db: Db, source: string, document: unknown): Promise<void> {
  const rules = named(source, () => parseRules(document));
  const version = await writeStored(db, 'own', document);
  say(
    `${rules.length} own prices${version === '' ? '' : `, version ${version}`}. The proxy takes them within seconds.`,
  );
  say('What is recorded already keeps its cost until npm run weir -- reprice.');
}

async function update(db: Db, document: unknown): Promise<void> {
  const newer = parseList(document);
  const { version, providers } = await listInForce(db);
  const changes = compareLists(providers, newer);
  tell(changes);
  if (shrankByHalf(changes)) {
    throw new Error(
      `Refused: ${changes.removed.length} of ${changes.before} models of ${version} are missing. The prices in force stay.`,
    );
  }
  if (changes.added.length + changes.removed.length + changes.changed.length === 0) return;
  const made = await writeStored(db, 'list', newer);
  say(`In force: genai-prices@${made} (before: ${version}). The proxy takes it within seconds.`);
}

async function forgetList(db: Db): Promise<void> {
  await writeStored(db, 'list', []);
  say(`In force: ${LIST}, the built-in list.`);
}

function tell(changes: Changes): void {
  const { before, after, added, removed, changed } = changes;
  const lines = [
    ...added.map((model) => `+ ${model}`),
    ...removed.map((model) => `- ${model}`),
    ...changed.map(({ model, fields }) => `~ ${model}: ${fields.join(', ')}`),
  ];
  for (const line of lines.slice(0, mostLines)) say(line);
  if (lines.length > mostLines) say(`… and ${lines.length - mostLines} more`);
  say(`${before} models before, ${after} now: ${added.length} new, ${removed.length} gone, ${changed.length} changed.`);
}

async function listInForce(db: Db): Promise<{ version: string; providers: Provider[] }> {
  const row = (await readStored(db)).find(({ name }) => name === 'list');
  const stored = row === undefined ? [] : (JSON.parse(row.document) as unknown[]);
  if (row !== undefined && stored.length > 0)
    return { version: `genai-prices@${row.version}`, providers: parseList(stored) };
  return { version: LIST, providers: (await waitForUpdate()) ?? [] };
}

/** A file, or http(s). @throws with a sentence that names it. */
async function readJson(source: string): Promise<unknown> {
  const text = /^https?:\/\//i.test(source) ? await fetchText(source) : await fileText(source);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error(`${source} is not JSON.`);
  }
}

async function fileText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new Error(`${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}.`, {
      cause: error,
    });
  }
}

async function fetchText(url: string): Promise<string> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(fetchMs) });
  } catch (error) {
    throw new Error(`${new URL(url).origin} does not answer.`, { cause: error });
  }
  if (!response.ok) throw new Error(`${url} answers ${response.status}.`);
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += (part as Uint8Array).length;
    if (size > mostBytes) throw new Error(`${url} is larger than any price list.`);
    parts.push(part as Uint8Array);
  }
  return Buffer.concat(parts).toString('utf8');
}

function named<T>(source: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Error(`${source}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
