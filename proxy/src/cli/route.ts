/** `weir route`: saved routes, on the store itself. A proxy takes a change within two seconds. */
import { readFileSync } from 'node:fs';
import type { Db } from '@weir/schema/db';
import { routeSettings, type RouteSettings } from '@weir/schema/settings/route';
import { dryRunAsked, sampleRequest, type RouteView } from '@weir/schema/settings/route-desk';
import { compactRoute, prettyJson, routeInWords } from '@weir/schema/settings/route-words';
import * as routes from '../admin/routes.ts';
import type { Desk } from '../admin/desk.ts';
import { readEdited } from '../edited.ts';
import type { Settings } from '../env.ts';
import { WeirError } from '../errors.ts';
import { bookOf, readStored } from '../prices/stored.ts';
import { dryRun } from '../routing/dry-run.ts';
import { holdsKey } from '../routing/held.ts';
import { LiveTargets } from '../routing/live.ts';
import { priceOf } from '../routing/price.ts';
import { Routes } from '../routing/routes.ts';
import { Signer } from '../signing/signer.ts';
import { Vault } from '../vault/vault.ts';
import { makeDesk, parseOptions, sayTable } from './desk.ts';
import { withOwnStore } from './own-store.ts';
import { planLines } from './route-plan.ts';
import { say } from './start.ts';
import { parseWords, UsageError } from './usage.ts';

const usage = `Usage: npm run weir -- route save FILE
                       route list
                       route show | versions | enable | disable | remove NAME
                       route restore NAME --version N
                       route dry-run NAME | FILE [REQUEST]… [--header "NAME: VALUE"]… [--json]
FILE is JSON, - for standard input; a route of its name is replaced. REQUEST is --operation, --model, --user, --session, --project,
--key, --property NAME=VALUE, --bytes N or --at TIME: what a call would say of itself.`;

export async function route(words: string[]): Promise<void> {
  const { values, positionals } = parse(words);
  const [verb = '', name, ...rest] = positionals;
  const run = verbs[verb];
  if (run === undefined || rest.length > 0 || (verb !== 'list') !== (name !== undefined)) throw new UsageError(usage);
  await run(name ?? '', values);
}

function parse(words: string[]) {
  const text = { type: 'string' } as const;
  const texts = { type: 'string', multiple: true } as const;
  const known = {
    ...{ operation: text, model: text, user: text, session: text, project: text, key: text, bytes: text, at: text },
    ...{ property: texts, header: texts, version: text, json: { type: 'boolean', default: false } as const },
  };
  return parseWords({ args: words, allowPositionals: true, options: known }, usage);
}
type Values = ReturnType<typeof parse>['values'];

const verbs: Readonly<Record<string, (name: string, values: Values) => Promise<void>>> = {
  list: () =>
    withOwnStore('weir-cli', async (db) => {
      const rows = (await readEdited(db, 'routes')).filter(({ deleted }) => !deleted).map(routes.viewRoute);
      sayTable([['route', 'version', 'state', 'changed', 'by', 'what it does'], ...rows.map(lineOf)]);
    }),
  save: async (path) => {
    const settings = readRoute(path);
    await atDesk(async (desk) => {
      const kept = (await readEdited(desk.db, 'routes')).find(({ name }) => name === settings.name);
      const there = kept !== undefined && !kept.deleted;
      tell(there ? await routes.changeRoute(desk, settings.name, { settings }) : await routes.addRoute(desk, settings));
    });
  },
  show: (name) =>
    withOwnStore('weir-cli', async (db) => {
      const row = (await readEdited(db, 'routes')).find((one) => one.name === name && !one.deleted);
      if (row === undefined) throw none(name);
      const { settings } = routes.viewRoute(row);
      if (settings === null) throw new Error(`${name} was written by another version of Weir, and is not in force.`);
      say(prettyJson(compactRoute(settings)));
    }),
  versions: (name) =>
    withOwnStore('weir-cli', async (db) => {
      const rows = await routes.listVersions({ db }, name);
      const lines = rows.map(({ version, at, actor_name, settings }) => [
        String(version),
        at,
        actor_name,
        words(settings),
      ]);
      sayTable([['version', 'saved', 'by', 'what it did'], ...lines]);
    }),
  restore: async (name, { version }) => {
    if (version === undefined || !/^\d+$/.test(version))
      throw new UsageError(`--version: expected a number.\n${usage}`);
    await atDesk(async (desk) => tell(await routes.restoreRoute(desk, name, Number(version))));
  },
  enable: (name) => atDesk(async (desk) => tell(await routes.changeRoute(desk, name, { enabled: true }))),
  disable: (name) => atDesk(async (desk) => tell(await routes.changeRoute(desk, name, { enabled: false }))),
  remove: (name) =>
    atDesk(async (desk) => {
      await routes.removeRoute(desk, name);
      say(`${name} is removed. Its versions are kept.`);
    }),
  'dry-run': async (nameOrFile, values) => {
    const isFile = /[^A-Za-z0-9_.-]|\.json$|^-$/.test(nameOrFile);
    const which = isFile ? { settings: readRoute(nameOrFile) } : { route: nameOrFile };
    const request = parseOptions(sampleRequest, requestOf(values), { key_id: 'key', properties: 'property' });
    const headers = headersOf(values.header ?? []);
    const asked = parseOptions(dryRunAsked, { ...which, headers, request }, { headers: 'header' });
    await withOwnStore('weir-cli', async (db, settings) => {
      const answer = dryRun(asked, await optionsOf(db, settings));
      for (const line of values.json ? [JSON.stringify(answer, null, 2)] : planLines(answer)) say(line);
    });
  },
};

/** What a proxy that has just started would know. */
async function optionsOf(db: Db, settings: Settings): Promise<Parameters<typeof dryRun>[1]> {
  const { aws, googleServiceAccount, WEIR_REPLAY_LIMIT: bodyLimit } = settings;
  const saved = new Routes();
  saved.replace(await readEdited(db, 'routes'));
  const held = new Vault(settings.WEIR_SECRET, settings.providerKeys);
  held.replace(await readEdited(db, 'provider_keys'));
  const signer = new Signer({ aws, googleServiceAccount, bodyLimit });
  const book = bookOf(await readStored(db));
  return {
    live: new LiveTargets(),
    findRoute: (name) => saved.find(name),
    priceOf: (target, at) => priceOf(target, book, new Date(at)),
    holdsKey: (target, path) => holdsKey(target, path, { held, signer }),
    replayLimit: bodyLimit,
  };
}

function atDesk(work: (desk: Desk) => Promise<void>): Promise<void> {
  return withOwnStore('weir-cli', (db, settings) => work(makeDesk(db, settings)));
}

/** @throws UsageError that names the field. */
function readRoute(path: string): RouteSettings {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path === '-' ? 0 : path, 'utf8'));
  } catch (error) {
    throw new UsageError(`${path} cannot be read as JSON: ${error instanceof Error ? error.message : ''}.`);
  }
  const result = routeSettings.safeParse(json);
  if (result.success) return result.data;
  const complaints = result.error.issues.map(
    ({ path: field, message }) => `${field.join('.') || 'the route'}: ${message}`,
  );
  throw new UsageError(`${path}: ${complaints.slice(0, 8).join('; ')}.`);
}

/** As REST takes it. */
function requestOf({ operation, model, user, session, project, key, property, bytes, at }: Values): object {
  const given = { operation, model, user, session, project, key_id: key, at };
  return {
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    ...(bytes === undefined ? {} : { bytes: Number(bytes) }),
    ...(property === undefined ? {} : { properties: pairs(property, '=', '--property: expected NAME=VALUE.') }),
  };
}

function headersOf(lines: readonly string[]): Record<string, string> {
  return pairs(lines, ':', '--header: expected "Weir-Split: …", "Weir-Fallback: …" or "Weir-Retry: …".');
}

function pairs(texts: readonly string[], separator: string, complaint: string): Record<string, string> {
  const entries = texts.map((text): [string, string] => {
    const at = text.indexOf(separator);
    if (at < 1) throw new UsageError(complaint);
    return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  });
  return Object.fromEntries(entries);
}

function none(name: string): WeirError {
  return new WeirError('not_found', `There is no ${JSON.stringify(name)} here.`);
}

function words(settings: RouteSettings | null): string {
  return settings === null ? 'written by another version of Weir' : routeInWords(settings);
}

function tell(view: RouteView): void {
  say(`${view.name}, version ${view.version}: ${words(view.settings)}; ${stateOf(view)}`);
}

function lineOf(view: RouteView): string[] {
  return [view.name, String(view.version), stateOf(view), view.updated_at, view.updated_by, words(view.settings)];
}

function stateOf({ enabled, settings }: RouteView): string {
  return settings === null ? 'not in force' : enabled ? 'enabled' : 'disabled';
}
