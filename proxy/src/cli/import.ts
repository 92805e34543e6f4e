/** `weir import`: another gateway's configuration as routes. A dry run, unless it is told to apply them. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { RouteSettings } from '@weir/schema/settings/route';
import { importLiteLlm } from '../import/litellm.ts';
import { ImportError, type Imported, type NeededKey, type Note } from '../import/notes.ts';
import { importPortkey } from '../import/portkey.ts';
import { readJson, readYaml } from '../import/read-file.ts';
import { keyVariable, providerOf } from '../import/target.ts';
import { administer, findRunning } from './running.ts';
import { parseWords, UsageError } from './usage.ts';

const usage = `Usage: npm run weir -- import portkey FILE [--name NAME] [--model MODEL] [--provider-of NAME=PROVIDER[:PLACE]]… [OPTION]…
                       import litellm FILE [OPTION]…
Options: --out FILE writes the routes; --apply saves them in the Weir that runs (--weir URL says where);
  --strict ends with 1, and does neither, when something of the file is in no route.
  --model is for targets that leave the model to the caller, --provider-of says whose key a virtual key is.`;

export async function importRoutes(words: string[]): Promise<void> {
  const { values, positionals } = parse(words);
  const [source = '', file, ...rest] = positionals;
  if (source === 'helicone') {
    throw new UsageError('Helicone has no file to import: Weir understands its headers (docs/migrating.md).');
  }
  const read = sources[source];
  if (read === undefined || file === undefined || rest.length > 0) throw new UsageError(usage);
  const imported = read(readText(file), values);
  const text = `${JSON.stringify(imported.routes, null, 2)}\n`;
  process.stdout.write(text);
  tell(imported);
  const lost = imported.notes.filter(({ kind }) => kind === 'lost').length;
  if (values.strict && lost > 0) {
    process.exitCode = 1;
    return remark(
      `Nothing is written or applied: ${count(lost, 'field is', 'fields are')} not carried over (--strict).`,
    );
  }
  if (values.out !== undefined) writeFileSync(values.out, text);
  if (values.apply) await apply(imported.routes, values.weir);
  else
    remark(`A dry run: nothing is changed in Weir. --apply saves ${count(imported.routes.length, 'route', 'routes')}.`);
}

function parse(words: string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const known = {
    ...{ name: text, model: text, 'provider-of': { type: 'string', multiple: true } as const },
    ...{ out: text, weir: text, apply: flag, strict: flag },
  };
  return parseWords({ args: words, allowPositionals: true, options: known }, usage);
}
type Values = ReturnType<typeof parse>['values'];

const sources: Readonly<Record<string, (text: string, values: Values) => Imported>> = {
  portkey: (text, values) =>
    importPortkey(readJson(text), {
      name: values.name ?? 'portkey',
      model: values.model,
      providerOf: Object.fromEntries((values['provider-of'] ?? []).map(slugOf)),
      environment: process.env,
    }),
  litellm: (text, values) => {
    const other = (['name', 'model', 'provider-of'] as const).find((name) => values[name] !== undefined);
    if (other !== undefined) throw new UsageError(`--${other} is for portkey.\n${usage}`);
    return importLiteLlm(readYaml(text), process.env);
  },
};

function slugOf(text: string): [string, { provider: string; place: string }] {
  const [, slug, name, place = ''] = /^([^=]+)=([^:]+)(?::(.+))?$/.exec(text) ?? [];
  const provider = name === undefined ? undefined : providerOf(name);
  if (slug === undefined || provider === undefined) {
    throw new UsageError(
      '--provider-of: expected NAME=PROVIDER or NAME=PROVIDER:PLACE, with a provider that Weir has.',
    );
  }
  return [slug, { provider, place }];
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ImportError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}).`);
  }
}

/** What a person should read goes beside the routes, which another program may take. */
function tell({ notes, keys }: Imported): void {
  const section = (title: string, lines: readonly string[]): void => {
    if (lines.length > 0) remark(['', title, ...lines.map((line) => `  ${line}`)].join('\n'));
  };
  section('Not carried over:', notes.filter(({ kind }) => kind === 'lost').map(noteLine));
  section('Carried over, and different:', notes.filter(({ kind }) => kind === 'differs').map(noteLine));
  section('Provider keys that Weir must hold:', keys.map(keyLine));
  if (notes.length > 0 || keys.length > 0) remark('');
}

function noteLine({ field, why, todo }: Note): string {
  return `${field}: ${why}.${todo === 'nothing' ? '' : ` To do: ${todo}.`}`;
}

/** Where a secret is, and how it gets into Weir; never the secret. */
function keyLine({ provider, place, secret }: NeededKey): string {
  const whose = `${provider}${place === '' ? '' : `/${place}`}`;
  const command = `npm run weir -- provider-key add --provider ${provider}${place === '' ? '' : ` --place ${place}`}`;
  if (secret.kind === 'literal')
    return `${whose}: a literal in ${secret.field}. ${command}, with the secret on standard input.`;
  if (secret.kind === 'elsewhere')
    return `${whose}: held by ${secret.name}. ${command}, with the secret on standard input.`;
  if (secret.variable === keyVariable(provider))
    return `${whose}: ${secret.variable}, which Weir reads by itself at its start.`;
  return `${whose}: the environment variable ${secret.variable}. ${command} --secret-env ${secret.variable}`;
}

/** Changes the route that is there, or makes it. */
async function apply(routes: readonly RouteSettings[], weir: string | undefined): Promise<void> {
  const running = findRunning(weir);
  for (const route of routes) {
    const changed = await administer(running, 'PATCH', `/routes/${encodeURIComponent(route.name)}`, {
      settings: route,
    });
    const done = changed.status === 404 ? await administer(running, 'POST', '/routes', route) : changed;
    if (done.status >= 300) {
      const words = done.message === '' ? `it answered ${done.status}` : done.message;
      throw new Error(`${running.url} does not save the route ${route.name}: ${words}`);
    }
    remark(`${route.name} is ${done === changed ? 'changed' : 'made'}.`);
  }
}

function count(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`;
}

function remark(text: string): void {
  process.stderr.write(`${text}\n`);
}
