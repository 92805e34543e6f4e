/** `weir import` as a user runs it: a dry run that changes nothing, files, the routes saved, and secrets that stay where they are. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { routeSettings } from '@weir/schema/settings/route';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runCli } from '../support/cli.ts';
import { json, startProvider, type ScriptedProvider } from '../support/provider.ts';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'weir-import-'));
  writeFileSync(join(directory, 'key'), 'wk_test');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const write = (name: string, text: string): string => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};
async function run(words: string[], environment: Record<string, string> = {}) {
  const { code, stdout, stderr } = await runCli(['import', ...words], { WEIR_DATA_DIR: directory, ...environment });
  return { code, stdout: stdout.toString(), stderr };
}
const routesIn = (text: string) => z.array(routeSettings).parse(JSON.parse(text));

const litellm = `
model_list:
  - model_name: gpt-4o
    litellm_params: {model: azure/four, api_base: "https://user:sk-in-address@eu.openai.azure.com", api_key: sk-in-params}
  - model_name: bed
    litellm_params: {model: bedrock/amazon.nova-lite-v1:0, aws_region_name: us-east-1, aws_secret_access_key: sk-in-aws}
  - model_name: own
    litellm_params: {model: openai/own, api_base: "http://user:sk-in-base@10.0.0.5:8000/v1?key=sk-in-query", api_key: sk-in-own}
  - model_name: groq
    litellm_params: {model: groq/llama3, api_key: os.environ/MY_GROQ}
litellm_settings: {cache: true, cache_params: {password: sk-in-cache}, unknown: sk-in-unknown}
general_settings: {master_key: sk-in-master, database_url: "postgres://u:sk-in-database@h/d"}
environment_variables: {LANGFUSE_SECRET_KEY: sk-in-variables}
`;
const portkey = JSON.stringify({
  provider: 'openai',
  api_key: 'sk-in-portkey',
  override_params: { model: 'gpt-4o' },
  aws_secret_access_key: 'sk-in-unknown',
  custom_host: 'https://api.openai.com/v1',
});

describe('a dry run', () => {
  it('prints routes that can be saved, and beside them what to do', async () => {
    const { code, stdout, stderr } = await run(['litellm', write('config.yaml', litellm)]);
    expect(code).toBe(0);
    expect(routesIn(stdout).map(({ name, target }) => [name, target])).toEqual([
      ['gpt-4o', 'azure:eu/four'],
      ['bed', 'bedrock:us-east-1/amazon.nova-lite-v1:0'],
      ['groq', 'groq/llama3'],
    ]);
    const lines = stderr.split('\n').map((line) => line.trim());
    expect(lines).toContain(
      'azure/eu: a literal in model_list[0]. npm run weir -- provider-key add --provider azure --place eu, with the secret on standard input.',
    );
    expect(lines).toContain(
      'groq: the environment variable MY_GROQ. npm run weir -- provider-key add --provider groq --secret-env MY_GROQ',
    );
    expect(lines).toContain('litellm_settings.unknown: routes have nothing like it. To do: see docs/migrating.md.');
    expect(lines).toContain('A dry run: nothing is changed in Weir. --apply saves 3 routes.');
  });

  it('says no secret of the file, wherever it stands', async () => {
    const out = join(directory, 'secrets.json');
    const runs = [
      await run(['litellm', write('config.yaml', litellm), '--out', out]),
      await run(['litellm', write('config.yaml', litellm), '--strict']),
      await run(['litellm', write('broken.yaml', `${litellm}\n  - "sk-in-broken\n bad: [`)]),
      await run([
        'litellm',
        write('wrong.yaml', 'model_list: [{model_name: m, litellm_params: {model: x, api_key: [sk-in-list]}}]'),
      ]),
      await run(['portkey', write('config.json', portkey)]),
      await run(['portkey', write('broken.json', '{"api_key": sk-in-broken}')]),
      await run(['portkey', write('wrong.json', '{"api_key": ["sk-in-list"]}')]),
    ];
    expect(runs.map(({ code }) => code)).toEqual([0, 1, 1, 1, 0, 1, 1]);
    const said = runs.map(({ stdout, stderr }) => stdout + stderr).join('\n') + readFileSync(out, 'utf8');
    expect(said).toContain('general_settings.master_key: (a literal in the file)');
    expect(said.match(/sk-in-\w*/g)).toBeNull();
  });

  it('--out writes the routes; --strict writes nothing when something is lost', async () => {
    const out = join(directory, 'out.json');
    const config = write(
      'plain.json',
      JSON.stringify({ provider: 'openai', api_key: 'k', override_params: { model: 'gpt-4o' } }),
    );
    const { code, stdout } = await run(['portkey', config, '--name', 'chat', '--strict', '--out', out]);
    expect(code).toBe(0);
    expect(readFileSync(out, 'utf8')).toBe(stdout);
    expect(routesIn(stdout)).toMatchObject([{ name: 'chat', target: 'openai/gpt-4o' }]);

    const lossy = write(
      'lossy.json',
      JSON.stringify({ provider: 'openai', cache: { mode: 'simple' }, override_params: { model: 'gpt-4o' } }),
    );
    const not = join(directory, 'not.json');
    const strict = await run(['portkey', lossy, '--strict', '--out', not]);
    expect(strict.code).toBe(1);
    expect(strict.stderr).toContain('1 field is not carried over (--strict)');
    expect(() => readFileSync(not)).toThrow('ENOENT');
  });
});

describe('--apply', () => {
  let weir: ScriptedProvider;
  const saved = new Set(['groq']);
  beforeAll(async () => {
    weir = await startProvider((seen, response) => {
      const name = seen.url.split('/').pop() ?? '';
      if (seen.method === 'POST') json(response, {}, 201);
      else if (saved.has(name)) json(response, {});
      else json(response, { error: { message: `There is no route ${name}.`, code: 'not_found' } }, 404);
    });
  });
  afterAll(() => weir.close());

  it('changes the route that is there and makes the others, with the first key', async () => {
    const { code, stdout, stderr } = await run([
      'litellm',
      write('config.yaml', litellm),
      '--apply',
      '--weir',
      weir.url,
    ]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/gpt-4o is made\.\nbed is made\.\ngroq is changed\.\n$/);
    const asked = weir.seen.map(({ method, url }) => `${method} ${url}`);
    expect(asked).toEqual([
      'PATCH /weir/routes/gpt-4o',
      'POST /weir/routes',
      'PATCH /weir/routes/bed',
      'POST /weir/routes',
      'PATCH /weir/routes/groq',
    ]);
    expect(weir.seen.every(({ headers }) => headers.includes('wk_test'))).toBe(true);
    const sent = weir.seen.map(({ body }) => JSON.parse(body.toString()) as { settings?: unknown });
    const routes = routesIn(stdout);
    expect([sent[1], sent[3], sent[4]?.settings]).toEqual(routes);
    expect([sent[0]?.settings, sent[2]?.settings]).toEqual(routes.slice(0, 2));
  });

  it('says Weir’s own words when it refuses, and ends with 1', async () => {
    weir.script = (_, response) => json(response, { error: { message: 'You may not do that.' } }, 403);
    const { code, stderr } = await run(['litellm', write('config.yaml', litellm), '--apply'], {
      WEIR_PUBLIC_PROXY_URL: weir.url,
      WEIR_KEY: 'wk_other',
    });
    expect(code).toBe(1);
    expect(stderr).toContain(`${weir.url} does not save the route gpt-4o: You may not do that.`);
    expect(weir.seen.at(-1)?.headers).toContain('wk_other');
  });
});

it.each([
  [['helicone', 'x'], 2, 'Helicone has no file to import: Weir understands its headers'],
  [['langfuse', 'x'], 2, 'Usage: npm run weir -- import portkey FILE'],
  [['litellm', '/nowhere.yaml'], 1, '/nowhere.yaml cannot be read (ENOENT).'],
])('what is asked wrongly is one sentence: %o', async (words, code, sentence) => {
  const ended = await run(words);
  expect(ended.code).toBe(code);
  expect(ended.stderr).toContain(sentence);
  expect(ended.stdout).toBe('');
});

it('options of the other gateway, and unknown providers, are refused', async () => {
  const other = await run(['litellm', write('config.yaml', litellm), '--name', 'y']);
  expect([other.code, other.stderr.split('\n')[0]]).toEqual([2, '--name is for portkey.']);
  const nobody = await run(['portkey', write('config.json', portkey), '--provider-of', 'a=nobody']);
  expect(nobody.code).toBe(2);
  expect(nobody.stderr).toContain('--provider-of: expected NAME=PROVIDER');
});
