/** `weir limit`: saved limits, on the store itself. A proxy takes a change within two seconds. */
import type { LimitPolicy } from '@weir/schema/settings/limit';
import { addLimit, changeLimit, limitInput, removeLimit, viewLimit, type LimitView } from '../admin/limits.ts';
import { readEdited } from '../edited.ts';
import { makeDesk, parseOptions, sayTable } from './desk.ts';
import { withOwnStore } from './own-store.ts';
import { say } from './start.ts';
import { parseWords, UsageError } from './usage.ts';

const usage = `Usage: npm run weir -- limit add --name NAME --quota N [--unit requests | tokens | usd | concurrent]
                             [--seconds N | --calendar day | week | month [--zone ZONE]] [--by PARTITION]… [MATCH]… [--warn]
                       limit list
                       limit enable | disable | remove ID
PARTITION is key, project, user, session, model, provider or property:NAME. MATCH is --provider, --model, --operation, --project
or --key with a name, each as often as wanted (providers, models and keys may have *), or --property NAME=VALUE.`;

export async function limit(words: string[]): Promise<void> {
  const { values, positionals } = parse(words);
  const [verb = '', id, ...rest] = positionals;
  const run = verbs[verb];
  const named = verb !== 'add' && verb !== 'list';
  if (run === undefined || rest.length > 0 || named !== (id !== undefined)) throw new UsageError(usage);
  await run(values, id ?? '');
}

function parse(words: string[]) {
  const text = { type: 'string' } as const;
  const texts = { type: 'string', multiple: true } as const;
  const known = {
    ...{ name: text, unit: text, quota: text, seconds: text, calendar: text, zone: text, by: texts },
    ...{ provider: texts, model: texts, operation: texts, project: texts, key: texts, property: texts },
    warn: { type: 'boolean', default: false } as const,
  };
  return parseWords({ args: words, allowPositionals: true, options: known }, usage);
}
type Values = ReturnType<typeof parse>['values'];

const verbs: Readonly<Record<string, (values: Values, id: string) => Promise<void>>> = {
  add: async (values) => {
    const asked = parseOptions(limitInput, policyOf(values), { window: 'seconds or --calendar', match: 'MATCH' });
    await withOwnStore('weir-cli', async (db, settings) => tell(await addLimit(makeDesk(db, settings), asked)));
  },
  list: () =>
    withOwnStore('weir-cli', async (db) => {
      const rows = (await readEdited(db, 'limits')).filter(({ deleted }) => !deleted).map(viewLimit);
      sayTable([['limit', 'name', 'quota', 'for each', 'counts', 'at the limit', 'state'], ...rows.map(lineOf)]);
    }),
  enable: (_, id) => setEnabled(id, true),
  disable: (_, id) => setEnabled(id, false),
  remove: (_, id) =>
    withOwnStore('weir-cli', async (db, settings) => {
      await removeLimit(makeDesk(db, settings), id);
      say(`${id} is removed.`);
    }),
};

function setEnabled(id: string, enabled: boolean): Promise<void> {
  return withOwnStore('weir-cli', async (db, settings) =>
    tell(await changeLimit(makeDesk(db, settings), id, { enabled })),
  );
}

/** As REST takes it. */
function policyOf(values: Values): Record<string, unknown> {
  const { name, unit, quota, seconds, calendar, zone, by, provider, model, operation, project, key, property } = values;
  const window = calendar === undefined ? seconds && { seconds: Number(seconds) } : { calendar, ...(zone && { zone }) };
  const lists = { providers: provider, models: model, operations: operation, projects: project, keys: key };
  const pairs = property?.map((pair): [string, string] => {
    const at = pair.indexOf('=');
    if (at < 1) throw new UsageError('--property: expected NAME=VALUE.');
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const match = Object.fromEntries(Object.entries(lists).filter(([, list]) => list !== undefined));
  return {
    name,
    ...(unit === undefined ? {} : { unit }),
    quota: Number(quota),
    window: window ?? null,
    ...(by === undefined ? {} : { by }),
    match: pairs === undefined ? match : { ...match, properties: Object.fromEntries(pairs) },
    action: values.warn ? 'warn' : 'refuse',
  };
}

function tell(view: LimitView): void {
  say(`${view.limit_id}: ${lineOf(view).slice(1).join(', ')}`);
}

function lineOf({ limit_id, policy, enabled }: LimitView): string[] {
  if (policy === null) return [limit_id, '?', 'written by another version of Weir', '', '', '', 'not in force'];
  const { name, by, match, action } = policy;
  return [
    limit_id,
    name,
    quotaText(policy),
    by.length === 0 ? 'all together' : by.join(' and '),
    Object.keys(match).length === 0 ? 'every call' : JSON.stringify(match),
    action,
    enabled ? 'enabled' : 'disabled',
  ];
}

/** `5 usd per day (Europe/Berlin)`. */
function quotaText({ quota, unit, window }: LimitPolicy): string {
  if (window === null) return `${quota} calls at once`;
  if ('seconds' in window) return `${quota} ${unit} in ${window.seconds} s`;
  return `${quota} ${unit} a ${window.calendar} (${window.zone})`;
}
