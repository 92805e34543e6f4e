/** One deployment of LiteLLM: who is asked, for which model, with which key. */
import type { Deployment } from './litellm-config.ts';
import type { Findings, SecretPlace } from './notes.ts';
import {
  azureResource,
  isOwnHost,
  isPlace,
  keyVariable,
  needsPlace,
  originOf,
  providerOf,
  targetText,
  upstreamVariable,
} from './target.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

interface Asked {
  deployment: Deployment;
  field: string;
  environment: Environment;
  findings: Findings;
}

/** The target of a deployment; undefined where it cannot be asked, and the findings say why. */
export function targetOf(asked: Asked): string | undefined {
  const { deployment, field, findings } = asked;
  const { model } = deployment.litellm_params;
  const at = `${field}.litellm_params`;
  const named = nameOf(model);
  if (named === undefined) {
    findings.lost(
      `${at}.model`,
      `Weir has no provider for ${model}; the deployment is left out`,
      'call it through /custom with Weir-Target-Url where it speaks OpenAI’s API',
    );
    return undefined;
  }
  const { provider } = named;
  if (named.model.includes('*')) {
    findings.differs(`${at}.model`, 'any model: that needs no route', `call /${provider}/… with the model’s own name`);
    return undefined;
  }
  const place = placeOf(asked, provider);
  if (place === undefined || !isReachable(asked, provider)) return undefined;
  noteKeys(asked, provider, place);
  const target = targetText(provider, place, named.model);
  if (target === undefined)
    findings.lost(
      `${at}.model`,
      `${model} is no name that a target can have; the deployment is left out`,
      'name the model as the provider does',
    );
  return target;
}

/** `azure/gpt-4o` → azure, gpt-4o. What has no provider before it is OpenAI's or Anthropic's by its name, as LiteLLM has it. */
function nameOf(model: string): { provider: string; model: string } | undefined {
  const slash = model.indexOf('/');
  if (slash === -1) {
    if (/^(gpt-|chatgpt-|o\d|text-embedding-|dall-e|whisper-|tts-|omni-moderation)/.test(model))
      return { provider: 'openai', model };
    return model.startsWith('claude-') ? { provider: 'anthropic', model } : undefined;
  }
  const provider = providerOf(model.slice(0, slash));
  if (provider === undefined) return undefined;
  // Which of a vendor's own paths is meant: bedrock/converse/…, azure/responses/…
  const rest = model.slice(slash + 1).replace(/^(converse|invoke|converse_like|responses|chat)\//, '');
  return { provider, model: rest };
}

function placeOf({ deployment, field, environment, findings }: Asked, provider: string): string | undefined {
  if (!needsPlace(provider)) return '';
  const { api_base, aws_region_name, vertex_location } = deployment.litellm_params;
  const [name, written] =
    aws_region_name !== undefined
      ? ['aws_region_name', aws_region_name]
      : vertex_location !== undefined
        ? ['vertex_location', vertex_location]
        : ['api_base', api_base];
  const value = written === undefined ? undefined : resolved(written, environment);
  const place = name === 'api_base' ? azureResource(value ?? '') : value;
  if (place !== undefined && place !== '' && isPlace(provider, place)) return place;
  const variable = written === undefined ? undefined : variableOf(written);
  findings.lost(
    `${field}.litellm_params${written === undefined ? '' : `.${name}`}`,
    `${provider} needs to know where, and ${variable === undefined ? 'this does not say it' : `${variable} is not set here, or says no such place`}; the deployment is left out`,
    variable === undefined ? 'give api_base, aws_region_name or vertex_location' : `set ${variable} and import again`,
  );
  return undefined;
}

/** A provider with one host of its own, or one that a setting names. */
function isReachable({ deployment, field, environment, findings }: Asked, provider: string): boolean {
  const written = deployment.litellm_params.api_base;
  if (written === undefined || needsPlace(provider)) return true;
  const value = resolved(written, environment);
  if (value !== undefined && isOwnHost(provider, value, environment)) return true;
  const variable = variableOf(written);
  const origin = originOf(value ?? '') ?? 'SCHEME://HOST:PORT';
  findings.lost(
    `${field}.litellm_params.api_base`,
    value === undefined
      ? `${variable ?? 'it'} is not set here: where it points is not known; the deployment is left out`
      : 'a target goes to its provider’s own host; the deployment is left out',
    `set ${upstreamVariable(provider)}=${origin} where all calls to ${provider} go there, and import again; else call /custom with Weir-Target-Url`,
  );
  return false;
}

/** What signs calls instead of a key: Weir has its own, from its environment. */
const signing: Readonly<Record<string, string>> = {
  aws_access_key_id: 'set AWS_ACCESS_KEY_ID where Weir is started',
  aws_secret_access_key: 'set AWS_SECRET_ACCESS_KEY where Weir is started',
  aws_session_token: 'set AWS_SESSION_TOKEN where Weir is started',
  vertex_credentials: 'set GOOGLE_APPLICATION_CREDENTIALS, the file of the service account, where Weir is started',
  azure_ad_token: 'store an api-key of the resource: npm run weir -- provider-key add --provider azure',
};

function noteKeys({ deployment, field, findings }: Asked, provider: string, place: string): void {
  const parameters: Record<string, unknown> = deployment.litellm_params;
  let found = false;
  for (const [name, todo] of Object.entries(signing)) {
    const value = parameters[name];
    if (value === undefined || value === null) continue;
    found = true;
    const at = `${field}.litellm_params.${name}`;
    const where = secretPlace(value, at);
    const said = where.kind === 'environment' ? `(in ${where.variable})` : `(literal in ${field})`;
    findings.differs(at, `${said} is not a key that Weir stores`, todo);
  }
  const key = deployment.litellm_params.api_key;
  const variable = keyVariable(provider);
  if (key !== undefined) {
    findings.need({ provider, place, secret: secretPlace(key, field) });
  } else if (!found && variable !== null) {
    findings.need({ provider, place, secret: { kind: 'environment', variable } });
  }
}

/** Where a value is; never the value. */
export function secretPlace(value: unknown, field: string): SecretPlace {
  const variable = typeof value === 'string' ? variableOf(value) : undefined;
  return variable === undefined ? { kind: 'literal', field } : { kind: 'environment', variable };
}

function variableOf(text: string): string | undefined {
  return /^os\.environ\/([A-Za-z_][A-Za-z0-9_]*)$/.exec(text)?.[1];
}

function resolved(text: string, environment: Environment): string | undefined {
  const variable = variableOf(text);
  return variable === undefined ? text : environment[variable];
}

export const secretNames: ReadonlySet<string> = new Set(['api_key', ...Object.keys(signing)]);
