/** A Portkey config becomes the route that does the same; whatever it cannot say is a note. */
import { importPortkey } from '@weir/proxy/src/import/portkey.ts';
import type { Note } from '@weir/proxy/src/import/notes.ts';
import type { PortkeyOptions } from '@weir/proxy/src/import/portkey-target.ts';
import { describe, expect, it } from 'vitest';

const read = (config: unknown, options: Partial<PortkeyOptions> = {}) =>
  importPortkey(config, { name: 'chat', ...options });
/** The one route, without what is at its default. */
function route(config: unknown, options: Partial<PortkeyOptions> = {}) {
  const { routes, notes } = read(config, options);
  expect(routes).toHaveLength(1);
  const [made] = routes;
  const { name, description, ...rest } = made ?? { name: '', description: '' };
  expect([name, description]).toEqual(['chat', 'From a Portkey config.']);
  const set = Object.fromEntries(
    Object.entries(rest).filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0)),
  );
  return { set, notes: brief(notes) };
}
const brief = (notes: readonly Note[]): string[] => notes.map(({ kind, field }) => `${kind} ${field}`);

const gpt = { provider: 'openai', api_key: 'sk-1', override_params: { model: 'gpt-4o' } };
const claude = { provider: 'anthropic', api_key: 'sk-2', override_params: { model: 'claude-sonnet-4-5' } };
const conditions = [429, 'server-error', 'timeout', 'network'];

describe('strategies', () => {
  it('one target is the target', () => {
    expect(route({ ...gpt })).toEqual({ set: { target: 'openai/gpt-4o' }, notes: [] });
    expect(route({ strategy: { mode: 'single' }, targets: [claude] }).set).toEqual({
      target: 'anthropic/claude-sonnet-4-5',
    });
  });

  it('targets after the first one of a single strategy are said', () => {
    expect(route({ strategy: { mode: 'single' }, targets: [claude, gpt] })).toEqual({
      set: { target: 'anthropic/claude-sonnet-4-5' },
      notes: ['lost strategy'],
    });
  });

  it('a load balance keeps its shares, as whole numbers', () => {
    const config = {
      strategy: { mode: 'loadbalance' },
      targets: [
        { ...gpt, weight: 0.7 },
        { ...claude, weight: 0.3 },
      ],
    };
    expect(route(config)).toEqual({
      set: {
        balance: {
          by: 'weighted',
          unit: 'user',
          to: [
            { target: 'openai/gpt-4o', weight: 7 },
            { target: 'anthropic/claude-sonnet-4-5', weight: 3 },
          ],
        },
      },
      notes: [],
    });
  });

  it('one target with two keys is there once, with both shares', () => {
    const config = {
      strategy: { mode: 'loadbalance' },
      targets: [gpt, { ...gpt, api_key: 'sk-3', weight: 2 }, claude],
    };
    expect(route(config).set.balance).toMatchObject({
      to: [
        { target: 'openai/gpt-4o', weight: 3 },
        { target: 'anthropic/claude-sonnet-4-5', weight: 1 },
      ],
    });
  });

  it('a fallback asks the others in their order, and says when it asks less often', () => {
    expect(route({ strategy: { mode: 'fallback' }, targets: [gpt, claude] })).toEqual({
      set: { target: 'openai/gpt-4o', fallback: { to: ['anthropic/claude-sonnet-4-5'], on: conditions } },
      notes: ['differs strategy.on_status_codes'],
    });
  });

  it('statuses of a fallback stay; those that Portkey gives itself name what they mean; those of wrong calls are said', () => {
    const config = { strategy: { mode: 'fallback', on_status_codes: [429, 408, 503, 401] }, targets: [gpt, claude] };
    expect(route(config)).toEqual({
      set: {
        target: 'openai/gpt-4o',
        fallback: { to: ['anthropic/claude-sonnet-4-5'], on: [429, 408, 503, 'timeout', 'network'] },
      },
      notes: ['lost strategy.on_status_codes'],
    });
  });

  it('a fallback on statuses of wrong calls alone is left out, and said', () => {
    const config = { strategy: { mode: 'fallback', on_status_codes: [400] }, targets: [gpt, claude] };
    expect(route(config)).toEqual({ set: { target: 'openai/gpt-4o' }, notes: ['lost strategy.on_status_codes'] });
  });

  it('a balance within a fallback keeps its shares within it', () => {
    const config = {
      strategy: { mode: 'fallback', on_status_codes: [500] },
      targets: [
        {
          strategy: { mode: 'loadbalance' },
          targets: [
            gpt,
            {
              provider: 'azure-openai',
              resource_name: 'eu',
              deployment_id: 'four',
              api_version: '2024-10-21',
              api_key: 'k',
            },
          ],
        },
        claude,
      ],
    };
    expect(route(config)).toEqual({
      set: {
        balance: {
          by: 'weighted',
          unit: 'user',
          to: [
            { target: 'openai/gpt-4o', weight: 1 },
            { target: 'azure:eu/four', weight: 1 },
          ],
        },
        fallback: { to: ['anthropic/claude-sonnet-4-5'], on: [500, 'network'] },
      },
      notes: ['lost targets[0].targets[1].api_version'],
    });
  });

  it('fallbacks of balanced targets become one list, and that is said', () => {
    const inner = { strategy: { mode: 'fallback', on_status_codes: [429] }, targets: [gpt, claude], weight: 3 };
    const groq = { provider: 'groq', api_key: 'k', override_params: { model: 'llama-3.3-70b-versatile' } };
    expect(route({ strategy: { mode: 'loadbalance' }, targets: [inner, groq] })).toEqual({
      set: {
        balance: {
          by: 'weighted',
          unit: 'user',
          to: [
            { target: 'openai/gpt-4o', weight: 3 },
            { target: 'groq/llama-3.3-70b-versatile', weight: 1 },
          ],
        },
        fallback: { to: ['anthropic/claude-sonnet-4-5'], on: [429] },
      },
      notes: ['lost strategy'],
    });
  });

  it('a sticky session is a hash', () => {
    const sticky_session = { hash_fields: ['metadata.Team'], ttl: 3600 };
    const made = route({ strategy: { mode: 'loadbalance', sticky_session }, targets: [gpt, claude] });
    expect(made.set.balance).toMatchObject({ by: 'hash', unit: 'property:team' });
    expect(made.notes).toEqual(['differs strategy.sticky_session.ttl']);
  });
});

describe('parameters', () => {
  it('those of balanced targets make a split, whose variants set them', () => {
    const cool = { ...gpt, override_params: { model: 'gpt-4o', temperature: 0.2 } };
    expect(route({ strategy: { mode: 'loadbalance' }, targets: [cool, claude] })).toEqual({
      set: {
        split: {
          name: '',
          by: 'request',
          to: [
            { target: 'openai/gpt-4o', weight: 1, parameters: { temperature: 0.2 } },
            { target: 'anthropic/claude-sonnet-4-5', weight: 1 },
          ],
        },
      },
      notes: [],
    });
  });

  it('those around the targets are theirs too; those of a fallback, and the caller’s own, are said', () => {
    const config = {
      strategy: { mode: 'fallback', on_status_codes: [429] },
      override_params: { top_p: 0.5, stream: true },
      targets: [gpt, claude],
    };
    expect(route(config)).toEqual({
      set: {
        split: { name: '', by: 'request', to: [{ target: 'openai/gpt-4o', weight: 1, parameters: { top_p: 0.5 } }] },
        fallback: { to: ['anthropic/claude-sonnet-4-5'], on: [429] },
      },
      notes: [
        'lost targets[0].override_params.stream',
        'lost targets[1].override_params.stream',
        'lost targets[1].override_params.top_p',
      ],
    });
  });
});

describe('who is asked', () => {
  it('a virtual key is guessed by its name and the guess is said, or told', () => {
    const node = { virtual_key: 'openai-prod-3f2a', override_params: { model: 'gpt-4o' } };
    expect(route(node)).toEqual({ set: { target: 'openai/gpt-4o' }, notes: ['differs virtual_key'] });
    const providerOf = { 'openai-prod-3f2a': { provider: 'azure', place: 'eu' } };
    expect(route(node, { providerOf })).toEqual({ set: { target: 'azure:eu/gpt-4o' }, notes: [] });
    expect(read(node).keys).toEqual([
      { provider: 'openai', place: '', secret: { kind: 'elsewhere', name: 'Portkey, virtual key openai-prod-3f2a' } },
    ]);
  });

  it('a virtual key that says nothing is left out, with the word that would tell', () => {
    const { routes, notes } = read({ virtual_key: 'team-a', override_params: { model: 'gpt-4o' } });
    expect(routes[0]?.target).toBeNull();
    expect(notes).toEqual([
      {
        kind: 'lost',
        field: 'virtual_key',
        why: 'only Portkey knows whose key team-a is; the target is left out',
        todo: 'import with --provider-of team-a=PROVIDER or team-a=PROVIDER:PLACE',
      },
    ]);
  });

  it('a slug in the model names provider and model', () => {
    expect(route({ override_params: { model: '@openai-prod/gpt-4o-mini' } })).toEqual({
      set: { target: 'openai/gpt-4o-mini' },
      notes: ['differs virtual_key'],
    });
  });

  it('a target without a model is the caller’s own, or the one that is given', () => {
    const config = { provider: 'openai', api_key: 'sk-1' };
    expect(route(config)).toEqual({ set: {}, notes: ['differs provider'] });
    expect(route(config, { model: 'gpt-4o' })).toEqual({ set: { target: 'openai/gpt-4o' }, notes: [] });
  });

  it('one of several without a model is left out, and said', () => {
    const config = { strategy: { mode: 'loadbalance' }, targets: [gpt, { provider: 'groq', api_key: 'k' }] };
    expect(route(config)).toEqual({ set: { target: 'openai/gpt-4o' }, notes: ['lost targets[1]'] });
  });

  it('a host of one’s own is left out, unless Weir is set to go there', () => {
    const node = {
      provider: 'ollama',
      custom_host: 'http://llm:secret@10.0.0.5:11434/v1',
      override_params: { model: 'llama3' },
    };
    const left = read(node);
    expect(left.routes[0]?.target).toBeNull();
    expect(left.notes).toMatchObject([{ kind: 'lost', field: 'custom_host' }]);
    expect(JSON.stringify(left.notes)).toContain('WEIR_UPSTREAM_OLLAMA=http://10.0.0.5:11434 ');
    expect(JSON.stringify(left)).not.toContain('secret@');
    const environment = { WEIR_UPSTREAM_OLLAMA: 'http://10.0.0.5:11434' };
    expect(route(node, { environment })).toEqual({ set: { target: 'ollama/llama3' }, notes: [] });
  });

  it('what Weir does not have, and what does not say where, is left out and said', () => {
    expect(route({ provider: 'stability-ai', override_params: { model: 'x' } })).toEqual({
      set: {},
      notes: ['lost provider'],
    });
    expect(route({ provider: 'bedrock', override_params: { model: 'amazon.nova-lite-v1:0' } }).notes).toEqual([
      'lost the config',
    ]);
    expect(
      route({ provider: 'bedrock', aws_region: 'eu-west-1', override_params: { model: 'amazon.nova-lite-v1:0' } }).set,
    ).toEqual({
      target: 'bedrock:eu-west-1/amazon.nova-lite-v1:0',
    });
  });
});

describe('retries, clocks, the rest', () => {
  it('retries wait as Portkey’s do, and its statuses stay', () => {
    const retry = { attempts: 3, on_status_codes: [429, 502], use_retry_after_headers: true };
    expect(route({ ...gpt, retry })).toEqual({
      set: { target: 'openai/gpt-4o', retry: { retries: 3, on: [429, 502], min: 1000, max: 60000 } },
      notes: [],
    });
    expect(route({ ...gpt, retry: { attempts: 5 } })).toEqual({
      set: {
        target: 'openai/gpt-4o',
        retry: { retries: 5, on: [429, 500, 502, 503, 504, 'network'], min: 1000, max: 16000 },
      },
      notes: ['differs retry'],
    });
  });

  it('a clock is the one until the answer’s head; one of a target alone is said', () => {
    expect(route({ ...gpt, request_timeout: 10_000 }).set.timeout).toEqual({
      headers: 10000,
      idle: 0,
      total: 0,
      drain: 0,
    });
    const config = {
      strategy: { mode: 'fallback', on_status_codes: [408] },
      targets: [{ ...gpt, request_timeout: 2000 }, claude],
    };
    expect(route(config)).toEqual({
      set: {
        target: 'openai/gpt-4o',
        fallback: { to: ['anthropic/claude-sonnet-4-5'], on: [408, 'timeout'] },
        timeout: { headers: 2000, idle: 0, total: 0, drain: 0 },
      },
      notes: ['lost targets[1].request_timeout'],
    });
  });

  it('every field that no route carries is named', () => {
    const config = {
      ...gpt,
      cache: { mode: 'semantic', max_age: 60 },
      input_guardrails: ['gr-1'],
      forward_headers: ['x-team'],
      retry: { attempts: 1, use_retry_after_headers: true, jitter: true },
      something_new: 1,
    };
    expect(route(config).notes.sort()).toEqual([
      'differs forward_headers',
      'lost cache',
      'lost input_guardrails',
      'lost retry.jitter',
      'lost something_new',
    ]);
  });
});

describe('conditions', () => {
  const free = { name: 'free', ...gpt };
  const paid = { name: 'paid', ...claude };
  const conditional = (query: unknown, more: object = {}) => ({
    strategy: { mode: 'conditional', conditions: [{ query, then: 'paid' }], default: 'free', ...more },
    targets: [free, paid],
  });
  const rules = (query: unknown) => (route(conditional(query)).set.rules ?? []) as { when: unknown; target: string }[];
  const whens = (query: unknown) => rules(query).map(({ when }) => when);

  it('the first that holds decides; the default is the route itself', () => {
    const made = route(conditional({ 'metadata.user_plan': { $eq: 'paid' } }));
    expect(made.set).toMatchObject({
      target: 'openai/gpt-4o',
      rules: [{ when: { properties: { user_plan: 'paid' } }, target: 'anthropic/claude-sonnet-4-5' }],
    });
    expect(made.notes).toEqual([]);
  });

  it('alternatives become rules, models a list', () => {
    expect(whens({ 'metadata.Plan': { $in: ['paid', 'trial'] } })).toEqual([
      { properties: { plan: 'paid' } },
      { properties: { plan: 'trial' } },
    ]);
    expect(whens({ 'params.model': { $in: ['gpt-4', 'gpt-4o'] } })).toEqual([{ models: ['gpt-4', 'gpt-4o'] }]);
    expect(whens({ $or: [{ 'metadata.a': 'x' }, { 'metadata.b': { $eq: 'y' } }] })).toEqual([
      { properties: { a: 'x' } },
      { properties: { b: 'y' } },
    ]);
    expect(whens({ $and: [{ 'metadata.a': 'x' }, { 'params.model': 'm' }] })).toEqual([
      { properties: { a: 'x' }, models: ['m'] },
    ]);
    expect(whens({ 'url.pathname': { $eq: '/v1/embeddings' } })).toEqual([{ operations: ['embeddings'] }]);
  });

  it('an expression that a pattern can say becomes one', () => {
    expect(whens({ 'params.model': { $regex: '^gpt-4' } })).toEqual([{ models: ['gpt-4*'] }]);
    expect(whens({ 'params.model': { $regex: '^(gpt|o)-.*mini$' } })).toEqual([{ models: ['gpt-*mini', 'o-*mini'] }]);
    expect(whens({ 'metadata.mail': { $regex: '@acme\\.com$' } })).toEqual([{ properties: { mail: '*@acme.com' } }]);
  });

  it.each([
    ['an expression beyond patterns', { 'params.model': { $regex: '^gpt-[45]$' } }],
    ['a comparison', { 'metadata.age': { $gt: 18 } }],
    ['a parameter', { 'params.temperature': { $eq: 1 } }],
    ['a literal asterisk', { 'metadata.a': '*' }],
    ['two demands on one thing', { $and: [{ 'metadata.a': 'x' }, { 'metadata.a': { $regex: '^x' } }] }],
  ])('%s is said, and its calls go on to the next condition', (_, query) => {
    const made = route(conditional(query));
    expect(made.set).toEqual({ target: 'openai/gpt-4o' });
    expect(made.notes).toEqual(['lost strategy.conditions[0].query']);
  });

  it('what a value is not, as the last condition, is the other way about', () => {
    const made = route(conditional({ 'metadata.plan': { $ne: 'free' } }));
    expect(made.set).toMatchObject({
      target: 'anthropic/claude-sonnet-4-5',
      rules: [{ when: { properties: { plan: 'free' } }, target: 'openai/gpt-4o' }],
    });
    expect(made.notes).toEqual([]);
  });

  it('a fallback of the default does not become that of a condition', () => {
    const made = route({
      strategy: { mode: 'conditional', conditions: [{ query: { 'metadata.a': 'x' }, then: 'paid' }], default: 'both' },
      targets: [{ name: 'both', strategy: { mode: 'fallback', on_status_codes: [429] }, targets: [gpt, claude] }, paid],
    });
    expect(made.set.fallback).toBeUndefined();
    expect(made.set.rules).toMatchObject([
      { when: { properties: { a: 'x' } }, target: 'anthropic/claude-sonnet-4-5', fallback: null },
      { when: {}, target: 'openai/gpt-4o', fallback: { to: ['anthropic/claude-sonnet-4-5'], on: [429] } },
    ]);
  });

  it('a name that no target has is said', () => {
    expect(route(conditional({ 'metadata.a': 'x' }, { default: 'gone' })).notes).toEqual(['lost strategy.default']);
  });
});

it.each([
  [
    { strategy: { mode: 'random' }, targets: [] },
    'This is no Portkey config: strategy.mode: expected single, loadbalance, fallback or conditional.',
  ],
  [
    { strategy: { mode: 'single' }, targets: [{ weight: 'much' }] },
    'This is no Portkey config: targets[0].weight: expected a number.',
  ],
  [
    { targets: [{ targets: [{ api_key: 7 }] }] },
    'This is no Portkey config: targets[0].targets[0].api_key: expected a text.',
  ],
])('a wrong file is one sentence that names the field', (config, sentence) => {
  expect(() => read(config)).toThrow(sentence);
});

it('keys are told by where they are, never by their text', () => {
  const made = read({ strategy: { mode: 'fallback' }, targets: [{ ...gpt, api_key: 'sk-very-secret' }, claude] });
  expect(made.keys).toEqual([
    { provider: 'openai', place: '', secret: { kind: 'literal', field: 'targets[0].api_key' } },
    { provider: 'anthropic', place: '', secret: { kind: 'literal', field: 'targets[1].api_key' } },
  ]);
  expect(JSON.stringify(made)).not.toContain('sk-');
});
