/** Says every field of LiteLLM's config that no route carries: by its name alone, for its value may be a secret. */
import { readFields, type LiteLlmConfig } from './litellm-config.ts';
import { secretNames, secretPlace } from './litellm-target.ts';
import type { Findings } from './notes.ts';

type Words = readonly [why: string, todo: string];

const cache: Words = ['routes do not cache yet', 'leave it out; the log tells what it would have saved'];
const logging: Words = ['Weir records every call by itself', 'ask its tables, or its metrics'];
const prices: Words = ['prices are Weir’s own', 'npm run weir -- prices set FILE, where the list is wrong'];
const cooling: Words = ['a key that its provider refuses rests by itself; a target does not', 'nothing to set'];
const budget: Words = ['is no part of a route', 'npm run weir -- limit add --unit usd …'];

const lost: Readonly<Record<string, Words>> = {
  cache,
  cache_params: cache,
  cache_responses: cache,
  drop_params: ['nothing is taken out of a body', 'send what the model knows'],
  modify_params: ['nothing in a body is changed', 'send what the model knows'],
  content_policy_fallbacks: ['what a provider refuses is not asked elsewhere', 'decide it in the program'],
  api_version: ['a target names no API version', 'say it in the call (?api-version=)'],
  vertex_project: ['a target names region and model, no project', 'store a service account of that project'],
  allowed_fails: cooling,
  cooldown_time: cooling,
  allowed_fails_policy: cooling,
  disable_cooldowns: cooling,
  max_budget: budget,
  budget_duration: budget,
  max_parallel_requests: ['is no part of a route', 'npm run weir -- limit add --unit concurrent …'],
  max_retries: ['retries are the route’s', 'set retry.retries'],
  input_cost_per_token: prices,
  output_cost_per_token: prices,
  temperature: ['a balance sets no parameters', 'say it in the program, or make a split with parameters'],
  max_tokens: ['a balance sets no parameters', 'say it in the program, or make a split with parameters'],
  litellm_credential_name: ['the key is under another name in the file', 'store it: npm run weir -- provider-key add'],
  credential_list: ['keys are stored apart from routes', 'npm run weir -- provider-key add'],
  redis_host: ['shared limits are a setting', 'set REDIS_URL'],
  redis_port: ['shared limits are a setting', 'set REDIS_URL'],
  redis_password: ['shared limits are a setting', 'set REDIS_URL'],
  include: ['other files are not read', 'put them into one file, and import again'],
};

const differs: Readonly<Record<string, Words>> = {
  model_info: [
    'describes the model for LiteLLM; prices are Weir’s own',
    'npm run weir -- prices set FILE, where the list is wrong',
  ],
  success_callback: logging,
  failure_callback: logging,
  callbacks: logging,
  set_verbose: logging,
  json_logs: logging,
  database_url: ['Weir keeps keys and calls in its own store', 'nothing'],
  store_model_in_db: ['Weir keeps routes in its own store', 'nothing'],
};

export function noteUnread(config: LiteLlmConfig, findings: Findings): void {
  const say = (section: object | undefined, prefix: string, known: ReadonlySet<string>): void => {
    for (const name of Object.keys(section ?? {})) {
      if (known.has(name)) continue;
      const mild = differs[name];
      if (mild !== undefined) findings.differs(`${prefix}${name}`, ...mild);
      else
        findings.lost(`${prefix}${name}`, ...(lost[name] ?? ['routes have nothing like it', 'see docs/migrating.md']));
    }
  };
  say(config, '', readFields.config);
  for (const [index, deployment] of config.model_list.entries()) {
    const field = `model_list[${index}].`;
    say(deployment, field, readFields.model);
    say(deployment.litellm_params, `${field}litellm_params.`, new Set([...readFields.parameters, ...secretNames]));
  }
  say(config.router_settings, 'router_settings.', readFields.router);
  say(config.litellm_settings, 'litellm_settings.', readFields.settings);
  say(config.general_settings, 'general_settings.', readFields.general);
  noteMasterKey(config, findings);
  for (const name of Object.keys(config.environment_variables ?? {})) {
    findings.differs(
      `environment_variables.${name}`,
      'Weir reads its own environment, and provider keys under their vendors’ names',
      `set ${name} where Weir is started, if it needs it`,
    );
  }
}

function noteMasterKey({ general_settings: general }: LiteLlmConfig, findings: Findings): void {
  if (general?.master_key === undefined) return;
  const place = secretPlace(general.master_key, 'general_settings.master_key');
  const where = place.kind === 'environment' ? `in ${place.variable}` : 'a literal in the file';
  findings.differs(
    'general_settings.master_key',
    `(${where}) administers LiteLLM; Weir made a key of its own at its first start`,
    'npm run weir -- key create, for each program that had a virtual key',
  );
}
