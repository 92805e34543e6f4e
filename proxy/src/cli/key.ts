/** `weir key`: Weir keys, on the store itself. A proxy takes a change within two seconds. */
import { readFileSync } from 'node:fs';
import { overlapSeconds } from '@weir/schema/settings/key';
import {
  changeKey,
  createKey,
  disableKey,
  keyChange,
  keyInput,
  rotateKey,
  viewKey,
  type KeyView,
} from '../admin/keys.ts';
import { readEdited, readOne } from '../edited.ts';
import { makeDesk, parseOptions, sayTable } from './desk.ts';
import { withOwnStore } from './own-store.ts';
import { say } from './start.ts';
import { check, parseWords, UsageError } from './usage.ts';

const usage = `Usage: npm run weir -- key create [OPTION]…
                       key list [--project NAME]
                       key show | disable ID
                       key update ID [OPTION]… [--enable]
                       key rotate ID [--overlap SECONDS]
Options: --name NAME, --project NAME, --owner TEXT, --provider NAME…, --model PATTERN…, --operation NAME…, --route NAME…,
  --limits FILE, --expires TIME | never, --property NAME=VALUE…, --log-bodies full | none, --role viewer | editor | admin | none.
  What may come several times (…) is all of them; the word all takes a restriction away.`;

/** Field → option, where that has another name. */
const options = {
  providers: 'provider',
  models: 'model',
  operations: 'operation',
  routes: 'route',
  expires_at: 'expires',
  properties: 'property',
  log_bodies: 'log-bodies',
} as const;

export async function key(words: string[]): Promise<void> {
  const { values, positionals } = parse(words);
  const [verb = '', id, ...rest] = positionals;
  const named = verb !== 'create' && verb !== 'list';
  if (rest.length > 0 || named !== (id !== undefined)) throw new UsageError(usage);
  const run = verbs[verb];
  if (run === undefined) throw new UsageError(usage);
  await run(values, id ?? '');
}

function parse(words: string[]) {
  const text = { type: 'string' } as const;
  const texts = { type: 'string', multiple: true } as const;
  const flag = { type: 'boolean', default: false } as const;
  const known = {
    ...{ name: text, project: text, owner: text, limits: text, expires: text, 'log-bodies': text, role: text },
    ...{ provider: texts, model: texts, operation: texts, route: texts, property: texts },
    ...{ overlap: text, enable: flag },
  };
  return parseWords({ args: words, allowPositionals: true, options: known }, usage);
}
type Values = ReturnType<typeof parse>['values'];

const verbs: Readonly<Record<string, (values: Values, id: string) => Promise<void>>> = {
  create: async (values) => {
    const asked = parseOptions(keyInput, fieldsOf(values), options);
    await withOwnStore('weir-cli', async (db, settings) => {
      const made = await createKey(makeDesk(db, settings), asked);
      say(made.key);
      process.stderr.write(`Key ${made.key_id} of project ${made.project}. It is not shown again.\n`);
    });
  },
  list: (values) =>
    withOwnStore('weir-cli', async (db) => {
      const rows = (await readEdited(db, 'keys')).filter((row) => (values.project ?? row.project) === row.project);
      sayTable([
        ['key', 'name', 'project', 'owner', 'role', 'state', 'may call'],
        ...rows.map((row) => lineOf(viewKey(row))),
      ]);
    }),
  show: (_, id) =>
    withOwnStore('weir-cli', async (db) => {
      const row = await readOne(db, 'keys', id);
      if (row === undefined) throw new Error(`There is no key ${id}.`);
      say(JSON.stringify(viewKey(row), null, 2));
    }),
  update: async (values, id) => {
    const fields = { ...fieldsOf(values), ...(values.enable ? { disabled: false } : {}) };
    const asked = parseOptions(keyChange, fields, options);
    await withOwnStore('weir-cli', async (db, settings) => {
      say(JSON.stringify(await changeKey(makeDesk(db, settings), id, asked), null, 2));
    });
  },
  rotate: async (values, id) => {
    const overlap = check(
      '--overlap',
      overlapSeconds,
      values.overlap === undefined ? undefined : Number(values.overlap),
    );
    await withOwnStore('weir-cli', async (db, settings) => {
      const made = await rotateKey(makeDesk(db, settings), id, overlap);
      say(made.key);
      const until = made.previous_until === null ? 'is not valid any more' : `is valid until ${made.previous_until}`;
      process.stderr.write(`The new text of ${id}, not shown again. The old one ${until}.\n`);
    });
  },
  disable: (_, id) =>
    withOwnStore('weir-cli', async (db, settings) => {
      await disableKey(makeDesk(db, settings), id);
      say(`${id} is disabled.`);
    }),
};

/** The fields that options name, as REST has them. */
function fieldsOf(values: Values): Record<string, unknown> {
  const list = (texts: string[] | undefined): string[] | undefined => (texts?.join() === 'all' ? [] : texts);
  const fields = {
    name: values.name,
    project: values.project,
    owner: values.owner,
    providers: list(values.provider),
    models: list(values.model),
    operations: list(values.operation),
    routes: list(values.route),
    limits: values.limits === undefined ? undefined : readLimits(values.limits),
    expires_at: values.expires === undefined ? undefined : momentOf(values.expires),
    properties: values.property === undefined ? undefined : Object.fromEntries(values.property.map(pairOf)),
    log_bodies: values['log-bodies'],
    role: values.role === 'none' ? '' : values.role,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function readLimits(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`--limits: ${path} cannot be read as JSON: ${error instanceof Error ? error.message : ''}.`);
  }
}

/** A day alone ends as it begins, in UTC. */
function momentOf(text: string): string | null {
  if (text === 'never') return null;
  return /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text;
}

function pairOf(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError('--property: expected NAME=VALUE.');
  return [text.slice(0, at).toLowerCase(), text.slice(at + 1)];
}

function lineOf(view: KeyView): string[] {
  const expired = view.expires_at !== null && Date.parse(view.expires_at) <= Date.now();
  const state = view.disabled
    ? 'disabled'
    : expired
      ? 'expired'
      : view.expires_at === null
        ? 'valid'
        : `until ${view.expires_at}`;
  const lists = [...view.providers, ...view.models, ...view.operations];
  return [view.key_id, view.name, view.project, view.owner, view.role, state, lists.join(' ') || 'everything'];
}
