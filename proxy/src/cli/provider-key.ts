/** `weir provider-key`: provider keys that Weir holds. A secret comes from standard input or an environment variable, never as a word: words can be seen by others. */
import { text } from 'node:stream/consumers';
import { providerSecret } from '@weir/schema/settings/key';
import {
  addProviderKey,
  changeProviderKey,
  providerKeyChange,
  providerKeyInput,
  removeProviderKey,
  replaceSecret,
  rotateMasterSecret,
  viewProviderKey,
  type ProviderKeyView,
} from '../admin/provider-keys.ts';
import { readEdited } from '../edited.ts';
import { makeDesk, parseOptions, sayTable } from './desk.ts';
import { withOwnStore } from './own-store.ts';
import { say } from './start.ts';
import { check, parseWords, UsageError } from './usage.ts';

const usage = `Usage: npm run weir -- provider-key add --provider NAME [--place PLACE] [--host URL] [--name NAME] [--weight N]
                       provider-key list
                       provider-key update ID [--name NAME] [--weight N]
                       provider-key replace | enable | disable | remove ID
                       provider-key rotate-secret (from WEIR_SECRET to WEIR_NEW_SECRET)
The secret of add and replace comes on standard input, or from the variable that --secret-env NAME names.`;

export async function providerKey(words: string[]): Promise<void> {
  const { values, positionals } = parse(words);
  const [verb = '', id, ...rest] = positionals;
  const run = verbs[verb];
  const named = !['add', 'list', 'rotate-secret'].includes(verb);
  if (run === undefined || rest.length > 0 || named !== (id !== undefined)) throw new UsageError(usage);
  await run(values, id ?? '');
}

function parse(words: string[]) {
  const string = { type: 'string' } as const;
  const known = { provider: string, place: string, host: string, name: string, weight: string, 'secret-env': string };
  return parseWords({ args: words, allowPositionals: true, options: known }, usage);
}
type Values = ReturnType<typeof parse>['values'];

const verbs: Readonly<Record<string, (values: Values, id: string) => Promise<void>>> = {
  add: async (values) => {
    const { provider, place, host } = values;
    const given = { ...fieldsOf(values), provider, place, host, secret: await readSecret(values) };
    const asked = parseOptions(providerKeyInput, given);
    await withOwnStore('weir-cli', async (db, settings) => tell(await addProviderKey(makeDesk(db, settings), asked)));
  },
  list: () =>
    withOwnStore('weir-cli', async (db) => {
      const rows = (await readEdited(db, 'provider_keys')).filter(({ deleted }) => !deleted).map(viewProviderKey);
      const head = ['provider key', 'provider', 'place or host', 'name', 'weight', 'state', 'ends in', 'fingerprint'];
      sayTable([head, ...rows.map(lineOf)]);
    }),
  update: async (values, id) => {
    const asked = parseOptions(providerKeyChange, fieldsOf(values));
    await withOwnStore('weir-cli', async (db, settings) =>
      tell(await changeProviderKey(makeDesk(db, settings), id, asked)),
    );
  },
  replace: async (values, id) => {
    const secret = await readSecret(values);
    await withOwnStore('weir-cli', async (db, settings) =>
      tell(await replaceSecret(makeDesk(db, settings), id, secret)),
    );
  },
  enable: (_, id) => setEnabled(id, true),
  disable: (_, id) => setEnabled(id, false),
  remove: (_, id) =>
    withOwnStore('weir-cli', async (db, settings) => {
      await removeProviderKey(makeDesk(db, settings), id);
      say(`${id} is removed.`);
    }),
  'rotate-secret': () =>
    withOwnStore('weir-cli', async (db, settings) => {
      if (settings.WEIR_NEW_SECRET === undefined || settings.WEIR_SECRET === undefined) {
        throw new UsageError(
          'Set WEIR_SECRET to the secret that is in force, and WEIR_NEW_SECRET to the one that follows it.',
        );
      }
      const rows = await readEdited(db, 'provider_keys');
      const { rotated, before, unopened } = await rotateMasterSecret(
        makeDesk(db, settings),
        rows,
        settings.WEIR_NEW_SECRET,
      );
      say(`${rotated} provider keys are wrapped under the new secret${before > 0 ? `, ${before} were before` : ''}.`);
      for (const view of unopened)
        say(`${view.provider_key_id} (${view.provider}, ${view.fingerprint}) opens under neither: replace it.`);
      say(
        'Start every Weir again with WEIR_SECRET set to the new one. Until then they go on with what they have opened.',
      );
      if (unopened.length > 0) process.exitCode = 1;
    }),
};

function setEnabled(id: string, enabled: boolean): Promise<void> {
  return withOwnStore('weir-cli', async (db, settings) =>
    tell(await changeProviderKey(makeDesk(db, settings), id, { enabled })),
  );
}

function fieldsOf({ name, weight }: Values): Record<string, unknown> {
  return { ...(name === undefined ? {} : { name }), ...(weight === undefined ? {} : { weight: Number(weight) }) };
}

/** @throws UsageError that does not repeat it. */
async function readSecret(values: Values): Promise<string> {
  const variable = values['secret-env'];
  const given = variable === undefined ? await text(process.stdin) : process.env[variable];
  if (given === undefined) throw new UsageError(`--secret-env: ${variable ?? ''} is not set.`);
  return check('the secret', providerSecret, given.trim());
}

function tell(view: ProviderKeyView): void {
  const state = view.enabled ? 'enabled' : 'disabled';
  say(
    `${view.provider_key_id} for ${view.provider}${view.place === '' ? '' : `/${view.place}`}${view.host === '' ? '' : ` at ${view.host}`}: ${state}, weight ${view.weight}, ends in ${view.last4 || '…'}, fingerprint ${view.fingerprint}`,
  );
}

function lineOf(view: ProviderKeyView): string[] {
  const state = view.enabled ? 'enabled' : 'disabled';
  return [
    view.provider_key_id,
    view.provider,
    view.place || view.host,
    view.name,
    String(view.weight),
    state,
    view.last4,
    view.fingerprint,
  ];
}
