/** One target of a Portkey config: who is asked, for which model, with which key. */
import { under, type Findings } from './notes.ts';
import type { PortkeyNode } from './portkey-config.ts';
import {
  isOwnHost,
  isPlace,
  needsPlace,
  originOf,
  providerInName,
  providerOf,
  targetText,
  upstreamVariable,
} from './target.ts';

export interface PortkeyOptions {
  /** What the route is called. */
  name: string;
  /** For targets that leave the model to the caller. */
  model?: string | undefined;
  /** Name of a virtual key or provider slug → provider and place. */
  providerOf?: Readonly<Record<string, { provider: string; place: string }>> | undefined;
  /** Weir's settings, to know where it sends calls. */
  environment?: Readonly<Record<string, string | undefined>> | undefined;
}

/** What the whole compilation carries with it. */
export interface Context {
  findings: Findings;
  options: PortkeyOptions;
}

type Parameters = NonNullable<PortkeyNode['override_params']>;

/** `target` is null where model and provider are those of the call. */
export interface Arm {
  field: string;
  target: string | null;
  weight: number;
  parameters: Parameters;
}

/** What a body asks, for whom: a route does not write those. */
const callersOwn = ['messages', 'contents', 'input', 'prompt', 'stream', 'system', 'systemInstruction'];

interface Where {
  provider: string;
  place: string;
  model?: string | undefined;
}

/** @param node with what it inherits. @returns undefined where it cannot be asked; the findings say why. */
export function armOf(node: PortkeyNode, field: string, context: Context): Arm | undefined {
  const { findings, options } = context;
  const { model: written, ...rest } = node.override_params ?? {};
  const asked = typeof written === 'string' ? written : undefined;
  const where = whereOf(node, asked, field, context);
  if (where === undefined) return undefined;
  const { provider, place } = where;
  const host = node.custom_host;
  if (host !== undefined && !isOwnHost(provider, host, options.environment ?? {})) {
    const origin = originOf(host) ?? 'that host';
    findings.lost(
      under(field, 'custom_host'),
      'a target goes to its provider’s own host; this one is left out',
      `set ${upstreamVariable(provider)}=${origin} where all calls to ${provider} go there, and import again; else call /custom with Weir-Target-Url`,
    );
    return undefined;
  }
  noteKey(node, where, field, findings);
  const arm = { field, weight: node.weight ?? 1, parameters: parametersOf(rest, field, findings) };
  const model = where.model ?? node.deployment_id ?? node.azure_deployment_id ?? asked ?? options.model;
  if (model === undefined) return { ...arm, target: null };
  const target = targetText(provider, place, model);
  if (target !== undefined) return { ...arm, target };
  findings.lost(
    under(field, 'override_params.model'),
    'is no name that a target can have; the target is left out',
    'name the model as the provider does',
  );
  return undefined;
}

/** The caller's own target serves alone: what is chosen between, or falls back to, has to be named. */
export function named(arms: readonly Arm[], { findings }: Context): Arm[] {
  return arms.filter(({ target, field }) => {
    if (target === null) {
      findings.lost(
        field,
        'names no model, and a target of Weir names one; it is left out',
        'give override_params.model, or import with --model NAME',
      );
    }
    return target !== null;
  });
}

function whereOf(node: PortkeyNode, model: string | undefined, field: string, context: Context): Where | undefined {
  const { findings } = context;
  const [, slugOfModel, modelInSlug] = /^@([^/]+)\/(.+)$/.exec(model ?? '') ?? [];
  const slug =
    slugOfModel ?? node.virtual_key ?? (node.provider?.startsWith('@') === true ? node.provider.slice(1) : undefined);
  const found = slug === undefined ? byName(node, field, findings) : bySlug(slug, node, field, context);
  if (found === undefined) return undefined;
  const { provider, place } = found;
  if ((needsPlace(provider) || place !== '') && !isPlace(provider, place)) {
    findings.lost(
      field === '' ? 'the config' : field,
      `${provider} needs to know where (${place === '' ? 'nothing is said' : 'what is said is no such place'}); the target is left out`,
      slug === undefined
        ? 'give resource_name, aws_region or vertex_region'
        : `import with --provider-of ${slug}=${provider}:PLACE`,
    );
    return undefined;
  }
  return { provider, place, ...(modelInSlug === undefined ? {} : { model: modelInSlug }) };
}

function byName(node: PortkeyNode, field: string, findings: Findings): { provider: string; place: string } | undefined {
  const provider = node.provider === undefined ? undefined : providerOf(node.provider);
  if (provider !== undefined) return { provider, place: placeOf(node, provider) };
  findings.lost(
    under(field, 'provider'),
    node.provider === undefined
      ? 'is not said; the target is left out'
      : `Weir has no provider ${node.provider}; the target is left out`,
    node.provider === undefined
      ? 'give provider or virtual_key'
      : 'call it through /custom with Weir-Target-Url where it speaks OpenAI’s API',
  );
  return undefined;
}

function bySlug(
  slug: string,
  node: PortkeyNode,
  field: string,
  { findings, options }: Context,
): { provider: string; place: string } | undefined {
  const told = Object.hasOwn(options.providerOf ?? {}, slug) ? options.providerOf?.[slug] : undefined;
  if (told !== undefined) return told;
  const said = node.provider?.startsWith('@') === true ? undefined : node.provider;
  const provider = said === undefined ? providerInName(slug) : providerOf(said);
  if (provider === undefined) {
    findings.lost(
      under(field, 'virtual_key'),
      `only Portkey knows whose key ${slug} is; the target is left out`,
      `import with --provider-of ${slug}=PROVIDER or ${slug}=PROVIDER:PLACE`,
    );
    return undefined;
  }
  if (said === undefined) {
    findings.differs(
      under(field, 'virtual_key'),
      `${slug} is taken for a key of ${provider}, from its name alone`,
      `if it is another’s, import with --provider-of ${slug}=PROVIDER`,
    );
  }
  return { provider, place: placeOf(node, provider) };
}

function placeOf(node: PortkeyNode, provider: string): string {
  if (!needsPlace(provider)) return '';
  return node.resource_name ?? node.azure_resource_name ?? node.aws_region ?? node.vertex_region ?? '';
}

/** Which key Weir must hold. Its text stays where it is. */
function noteKey(node: PortkeyNode, { provider, place }: Where, field: string, findings: Findings): void {
  if (node.api_key !== undefined) {
    findings.need({ provider, place, secret: { kind: 'literal', field: under(field, 'api_key') } });
  } else {
    const name = node.virtual_key === undefined ? 'whatever Portkey is given' : `virtual key ${node.virtual_key}`;
    findings.need({ provider, place, secret: { kind: 'elsewhere', name: `Portkey, ${name}` } });
  }
}

function parametersOf(all: Parameters, field: string, findings: Findings): Parameters {
  const kept = Object.entries(all).filter(([name]) => !callersOwn.includes(name));
  for (const name of Object.keys(all).filter((one) => callersOwn.includes(one))) {
    findings.lost(under(field, `override_params.${name}`), 'is the caller’s own in Weir', 'say it in the program');
  }
  return Object.fromEntries(kept);
}
