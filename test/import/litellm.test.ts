/** LiteLLM's config.yaml becomes a route for every model group; whatever no route says is a note, and no secret is in any. */
import { importLiteLlm } from '@weir/proxy/src/import/litellm.ts';
import type { Imported } from '@weir/proxy/src/import/notes.ts';
import { readYaml } from '@weir/proxy/src/import/read-file.ts';
import { describe, expect, it } from 'vitest';

const read = (yaml: string, environment: Record<string, string> = {}): Imported =>
  importLiteLlm(readYaml(yaml), environment);
const brief = ({ notes }: Imported): string[] => notes.map(({ kind, field }) => `${kind} ${field}`);
const retry = { retries: 2, on: [429, 'server-error', 'timeout', 408, 'network', 409], min: 500, max: 8000 };
const nothing = { target: null, split: null, balance: null, fallback: null, timeout: null, rules: [], limits: [] };
const described = (group: string) => ({
  ...nothing,
  name: group,
  description: `LiteLLM’s model group ${group}.`,
  retry,
});
const withTwo = (more = '', parameters = ''): string => `
model_list:
  - model_name: gpt-4o
    litellm_params: {model: azure/gpt-4o-eu, api_base: "https://eu.openai.azure.com/", api_key: os.environ/AZURE_EU${parameters}}
  - model_name: gpt-4o
    litellm_params: {model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY}
  - model_name: claude
    litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: os.environ/ANTHROPIC_API_KEY}
${more}`;
const first = (imported: Imported) => imported.routes[0];

describe('model groups', () => {
  it('a group of one is a target, a group of several a balance, with retries as LiteLLM makes them', () => {
    const made = read(withTwo());
    expect(made.routes).toEqual([
      {
        ...described('gpt-4o'),
        balance: {
          by: 'weighted',
          unit: 'user',
          to: [
            { target: 'azure:eu/gpt-4o-eu', weight: 1 },
            { target: 'openai/gpt-4o', weight: 1 },
          ],
        },
      },
      { ...described('claude'), target: 'anthropic/claude-sonnet-4-5' },
    ]);
    expect(made.notes).toEqual([]);
    expect(made.keys).toEqual([
      { provider: 'azure', place: 'eu', secret: { kind: 'environment', variable: 'AZURE_EU' } },
      { provider: 'openai', place: '', secret: { kind: 'environment', variable: 'OPENAI_API_KEY' } },
      { provider: 'anthropic', place: '', secret: { kind: 'environment', variable: 'ANTHROPIC_API_KEY' } },
    ]);
  });

  it.each([
    ['simple-shuffle', 'weighted', []],
    ['least-busy', 'least-busy', []],
    ['latency-based-routing', 'lowest-latency', []],
    ['cost-based-routing', 'cheapest', []],
    ['usage-based-routing-v2', 'weighted', ['lost router_settings.routing_strategy']],
  ])('%s balances %s', (strategy, by, notes) => {
    const made = read(withTwo(`router_settings: {routing_strategy: ${strategy}}`));
    expect(first(made)?.balance?.by).toBe(by);
    expect(brief(made)).toEqual(notes);
  });

  it('shares are by weight, else by rpm of the first', () => {
    const shares = (parameters: string) =>
      first(read(withTwo('', parameters)))?.balance?.to.map(({ weight }) => weight);
    expect(shares(', weight: 3')).toEqual([3, 0]);
    expect(shares(', rpm: 900')).toEqual([900, 0]);
    expect(shares('')).toEqual([1, 1]);
  });

  it('the same target with two keys is one target with both shares', () => {
    const made = read(`
model_list:
  - {model_name: m, litellm_params: {model: gpt-4o, api_key: os.environ/ONE, weight: 2}}
  - {model_name: m, litellm_params: {model: openai/gpt-4o, api_key: os.environ/TWO, weight: 1}}
  - {model_name: m, litellm_params: {model: groq/llama-3.3-70b-versatile, weight: 1}}
`);
    expect(first(made)?.balance?.to).toEqual([
      { target: 'openai/gpt-4o', weight: 3 },
      { target: 'groq/llama-3.3-70b-versatile', weight: 1 },
    ]);
    expect(brief(made)).toEqual(['differs model_list[1]']);
  });

  it('deployments of a later order are fallbacks', () => {
    const made = read(withTwo('', ', order: 1'));
    expect(first(made)).toMatchObject({
      target: 'azure:eu/gpt-4o-eu',
      fallback: { to: ['openai/gpt-4o'], on: [429, 'server-error', 'timeout', 'network'] },
    });
    expect(brief(made)).toEqual(['differs fallbacks']);
  });

  it('a name that no route can have is another, and said', () => {
    const made = read('model_list: [{model_name: "openai/gpt 4o", litellm_params: {model: gpt-4o}}]');
    expect(first(made)?.name).toBe('openai-gpt-4o');
    expect(made.notes).toEqual([
      {
        kind: 'differs',
        field: 'model group openai/gpt 4o',
        why: 'a route cannot be called so; it is openai-gpt-4o',
        todo: 'send Weir-Route: openai-gpt-4o',
      },
    ]);
  });

  it('an alias is a route with the same policies', () => {
    const made = read(
      withTwo('router_settings: {model_group_alias: {gpt-4: gpt-4o, best: {model: claude, hidden: true}, gone: x}}'),
    );
    const [group, claude, gpt4, best] = made.routes;
    expect(gpt4).toEqual({ ...group, name: 'gpt-4', description: 'LiteLLM’s alias gpt-4 of gpt-4o.' });
    expect(best).toEqual({ ...claude, name: 'best', description: 'LiteLLM’s alias best of claude.' });
    expect(brief(made)).toEqual(['lost router_settings.model_group_alias.gone']);
  });

  it.each([
    ['gpt-4o', {}, 'openai/gpt-4o'],
    ['claude-haiku-4-5', {}, 'anthropic/claude-haiku-4-5'],
    ['gemini/gemini-2.5-flash', {}, 'google/gemini-2.5-flash'],
    ['vertex_ai/gemini-2.5-pro', { vertex_location: 'europe-west4' }, 'vertex:europe-west4/gemini-2.5-pro'],
    [
      'bedrock/converse/amazon.nova-lite-v1:0',
      { aws_region_name: 'us-east-1' },
      'bedrock:us-east-1/amazon.nova-lite-v1:0',
    ],
    ['azure_ai/grok-3', { api_base: 'https://hub.services.ai.azure.com/models' }, 'azure:hub.services.ai/grok-3'],
    ['together_ai/meta-llama/Llama-3-8b', {}, 'together/meta-llama/Llama-3-8b'],
    ['openai/gpt-4o', { api_base: 'https://api.openai.com/v1' }, 'openai/gpt-4o'],
  ])('%s is %o %s', (model, parameters, target) => {
    const made = importLiteLlm({ model_list: [{ model_name: 'm', litellm_params: { model, ...parameters } }] });
    expect(first(made)?.target).toBe(target);
    expect(made.notes).toEqual([]);
  });

  it.each([
    ['sagemaker/x', {}, 'lost model_list[0].litellm_params.model'],
    ['mystery', {}, 'lost model_list[0].litellm_params.model'],
    ['openai/*', {}, 'differs model_list[0].litellm_params.model'],
    ['azure/x', {}, 'lost model_list[0].litellm_params'],
    ['azure/x', { api_base: 'https://proxy.example.com' }, 'lost model_list[0].litellm_params.api_base'],
    ['openai/llama3', { api_base: 'http://10.0.0.5:8000/v1' }, 'lost model_list[0].litellm_params.api_base'],
  ])('%s with %o is left out, and said', (model, parameters, note) => {
    const made = importLiteLlm({ model_list: [{ model_name: 'm', litellm_params: { model, ...parameters } }] });
    expect(made.routes).toEqual([]);
    expect(brief(made)).toEqual([note]);
  });

  it('an address in the environment is looked up; one of a provider’s own goes where Weir is set to go', () => {
    const azure =
      'model_list: [{model_name: m, litellm_params: {model: azure/x, api_base: os.environ/AZURE_API_BASE}}]';
    expect(read(azure).notes).toMatchObject([{ kind: 'lost', todo: 'set AZURE_API_BASE and import again' }]);
    expect(first(read(azure, { AZURE_API_BASE: 'https://eu.openai.azure.com' }))?.target).toBe('azure:eu/x');
    const ollama =
      'model_list: [{model_name: m, litellm_params: {model: ollama/llama3, api_base: "http://localhost:11434"}}]';
    expect(read(ollama).notes).toMatchObject([
      { kind: 'lost', todo: expect.stringMatching(/^set WEIR_UPSTREAM_OLLAMA=http:\/\/localhost:11434 /) as string },
    ]);
    expect(first(read(ollama, { WEIR_UPSTREAM_OLLAMA: 'http://localhost:11434' }))?.target).toBe('ollama/llama3');
  });
});

describe('fallbacks', () => {
  it('go to the deployments of the other group', () => {
    const made = read(withTwo('litellm_settings: {fallbacks: [{claude: [gpt-4o]}]}'));
    expect(made.routes[1]?.fallback).toEqual({
      to: ['azure:eu/gpt-4o-eu', 'openai/gpt-4o'],
      on: [429, 'server-error', 'timeout', 'network'],
    });
    expect(made.routes[0]?.fallback).toBeNull();
    expect(brief(made)).toEqual(['differs fallbacks (gpt-4o)', 'differs fallbacks']);
  });

  it('for a question that is too long are asked then alone', () => {
    const made = read(withTwo('router_settings: {context_window_fallbacks: [{gpt-4o: [claude]}]}'));
    expect(made.routes[0]?.fallback).toEqual({ to: ['anthropic/claude-sonnet-4-5'], on: ['context-overflow'] });
    expect(made.notes).toEqual([]);
  });

  it('of both kinds are one list', () => {
    const made = read(
      withTwo('router_settings: {fallbacks: [{gpt-4o: [claude]}], context_window_fallbacks: [{gpt-4o: [claude]}]}'),
    );
    expect(made.routes[0]?.fallback).toEqual({
      to: ['anthropic/claude-sonnet-4-5'],
      on: [429, 'server-error', 'timeout', 'network', 'context-overflow'],
    });
    expect(brief(made)).toEqual(['differs fallbacks']);
  });

  it('by default are for groups that have none, and never to the group itself', () => {
    const made = read(withTwo('litellm_settings: {default_fallbacks: [claude]}'));
    expect(made.routes.map(({ fallback }) => fallback?.to ?? null)).toEqual([['anthropic/claude-sonnet-4-5'], null]);
  });

  it('to a group that is not there are said', () => {
    const made = read(withTwo('litellm_settings: {fallbacks: [{claude: [gpt-5]}]}'));
    expect(made.routes[1]?.fallback).toBeNull();
    expect(made.notes).toMatchObject([
      { kind: 'lost', field: 'fallbacks', why: 'gpt-5 is no model group that can be asked; it is left out' },
    ]);
  });
});

describe('retries, clocks, limits', () => {
  it('num_retries and timeouts, in seconds, are the route’s; a deployment’s own clock counts', () => {
    const made = read(withTwo('router_settings: {num_retries: 4, timeout: 30, stream_timeout: 2.5}'));
    expect(first(made)).toMatchObject({ retry: { retries: 4 }, timeout: { total: 30_000, headers: 2_500, idle: 0 } });
    expect(brief(made)).toEqual(['differs router_settings.stream_timeout']);
    const own = read(withTwo('litellm_settings: {request_timeout: 60, num_retries: 0}', ', timeout: 90'));
    expect(own.routes[0]).toMatchObject({ retry: null, timeout: { total: 90_000 } });
    expect(own.routes[1]).toMatchObject({ retry: null, timeout: { total: 60_000 } });
    expect(brief(own)).toEqual(['differs model_list[0].litellm_params.timeout']);
  });

  it('a retry policy says what is retried; wrong calls are not, and that is said', () => {
    const made = read(
      withTwo(
        'router_settings: {num_retries: 0, retry_policy: {RateLimitErrorRetries: 3, TimeoutErrorRetries: 3, InternalServerErrorRetries: 0, AuthenticationErrorRetries: 1}}',
      ),
    );
    expect(first(made)?.retry).toEqual({ retries: 3, on: [429, 'timeout', 408], min: 500, max: 8000 });
    expect(brief(made)).toEqual(['lost router_settings.retry_policy.AuthenticationErrorRetries']);
  });

  it('a policy of one group is that group’s; numbers that differ become the largest', () => {
    const made = read(withTwo('router_settings: {model_group_retry_policy: {claude: {RateLimitErrorRetries: 5}}}'));
    expect(made.routes.map((route) => route.retry?.retries)).toEqual([2, 5]);
    expect(brief(made)).toEqual(['differs router_settings.model_group_retry_policy.claude']);
  });

  it('rpm and tpm are limits of the group where LiteLLM holds them, and else none', () => {
    const list = `
model_list:
  - {model_name: m, litellm_params: {model: gpt-4o, rpm: 60, tpm: 100000}}
  - {model_name: m, litellm_params: {model: groq/llama3, rpm: "40"}}
`;
    const held = read(`${list}router_settings: {enable_pre_call_checks: true}`);
    expect(first(held)?.limits).toEqual([
      { name: 'rpm', unit: 'requests', quota: 100, window: { seconds: 60 }, by: [], match: {}, action: 'refuse' },
    ]);
    expect(brief(held)).toEqual(['differs model_list[0].litellm_params.rpm', 'lost model_list[0].litellm_params.tpm']);
    const loose = read(list);
    expect(first(loose)).toMatchObject({ limits: [], balance: { to: [{ weight: 60 }, { weight: 40 }] } });
    expect(brief(loose)).toEqual([
      'differs model_list[0].litellm_params.rpm',
      'differs model_list[0].litellm_params.tpm',
    ]);
  });
});

it('every field that no route carries is named', () => {
  const made = read(
    withTwo(
      `
litellm_settings: {drop_params: true, cache: true, success_callback: [langfuse], brand_new: 1}
router_settings: {allowed_fails: 3, cooldown_time: 30}
general_settings: {master_key: os.environ/MASTER, database_url: "postgres://u:p@h/d"}
environment_variables: {LANGFUSE_SECRET_KEY: sk-lf-1}
credential_list: []
`,
      ', api_version: "2024-10-21", temperature: 0.1',
    ),
  );
  expect(brief(made).sort()).toEqual([
    'differs environment_variables.LANGFUSE_SECRET_KEY',
    'differs general_settings.database_url',
    'differs general_settings.master_key',
    'differs litellm_settings.success_callback',
    'lost credential_list',
    'lost litellm_settings.brand_new',
    'lost litellm_settings.cache',
    'lost litellm_settings.drop_params',
    'lost model_list[0].litellm_params.api_version',
    'lost model_list[0].litellm_params.temperature',
    'lost router_settings.allowed_fails',
    'lost router_settings.cooldown_time',
  ]);
});

it.each([
  ['model_list: []', 'This is no LiteLLM config: model_list: expected a deployment.'],
  [
    'model_list: [{model_name: m}]',
    'This is no LiteLLM config: model_list[0].litellm_params: expected an object with model.',
  ],
  [
    'model_list: [{model_name: m, litellm_params: {model: x, rpm: many}}]',
    'This is no LiteLLM config: model_list[0].litellm_params.rpm: expected a number.',
  ],
  ['model_list:\n  - model_name: "m\n', 'The file is not YAML: look at line 3.'],
])('a wrong file is one sentence that names the field or the line: %s', (yaml, sentence) => {
  expect(() => read(yaml)).toThrow(sentence);
});
