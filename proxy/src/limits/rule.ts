/** A limit as calls meet it: which of them it counts, and apart by what. */
import { createHash } from 'node:crypto';
import { matchesPattern } from '@weir/schema/settings/pattern';
import type { LimitPolicy } from '@weir/schema/settings/limit';
import type { Call } from '../call.ts';
import { counted } from './ledger.ts';
import { policyText } from './policy-text.ts';
import { framesOf, type Frame } from './window.ts';

export interface Rule {
  /** The same for as long as the same calls are counted in the same way, whatever the quota. */
  id: string;
  policy: LimitPolicy;
  /** `key`: of the Weir key `owner`. `route`: of the saved route `owner`. `saved`: of all calls. `header`: of the calls that bring it. */
  from: 'key' | 'route' | 'saved' | 'header';
  /** The key, or the route, whose calls are counted; '' for all. */
  owner: string;
  /** What follows from the policy, so that no call has to ask for it: the quota as it is counted; */
  quota: number;
  /** whether a call is refused where there is no room; */
  hard: boolean;
  /** the window as it stands at a moment, ms since 1970; */
  frame: (at: number) => Frame;
  /** what is written of it alike for every call of that time; */
  text: (at: number) => string;
  /** and what was written last of what is left of it; */
  left: { amount: number; text: string };
  /** whether every call counts; */
  everyCall: boolean;
  /** whether it counts calls at once; */
  atOnce: boolean;
  /** whether what a call may come to has to be known before; */
  estimates: boolean;
  /** and whether the call's body has to be read for it. */
  reads: boolean;
}

/** @param owner the key or route that a limit belongs to; '' for a saved one. */
export function makeRule(policy: LimitPolicy, from: Rule['from'], owner: string): Rule {
  const { name, unit, window, by, match, quota, action } = policy;
  const shape = JSON.stringify([from, owner, name, unit, window, by, match]);
  const frame = framesOf(window);
  const estimates = unit === 'tokens' || unit === 'usd';
  return {
    id: createHash('sha256').update(shape).digest('base64url').slice(0, 16),
    policy,
    from,
    owner,
    quota: counted(unit, quota),
    hard: action === 'refuse',
    frame,
    text: textsOf(policy, frame),
    left: { amount: 0, text: '0' },
    everyCall: Object.keys(match).length === 0,
    atOnce: unit === 'concurrent',
    estimates,
    reads: estimates || by.includes('user') || by.includes('model') || match.models !== undefined,
  };
}

/** Made once for each frame. */
function textsOf(policy: LimitPolicy, frameAt: (at: number) => Frame): (at: number) => string {
  let last: Frame | null = null;
  let text = '';
  return (at) => {
    const frame = frameAt(at);
    if (frame !== last) text = policyText(policy, frame);
    last = frame;
    return text;
  };
}

/** Whose call it is, for limits: what the call says, with the user that its body names where no header does. */
export interface Caller {
  call: Call;
  /** The end user. */
  user: string;
  /** Who is asked first, and for which model. */
  provider: string;
  model: string;
}

/** Whether a call counts. */
export function applies({ everyCall, policy: { match } }: Rule, { call, provider, model }: Caller): boolean {
  if (everyCall) return true;
  const { operation, project, keyId, instructions } = call;
  const among = (list: readonly string[] | undefined, value: string): boolean =>
    list === undefined || list.some((pattern) => matchesPattern(pattern, value));
  return (
    among(match.providers, provider) &&
    among(match.models, model) &&
    (match.operations === undefined || match.operations.includes(operation)) &&
    (match.projects === undefined || match.projects.includes(project)) &&
    (match.keys === undefined || match.keys.includes(keyId)) &&
    Object.entries(match.properties ?? {}).every(([name, value]) => propertyOf(instructions.properties, name) === value)
  );
}

/** What names the count of a call. Calls that do not say who they are for share one: leaving it out opens no door. */
export function countOf({ id, policy }: Rule, { call, user, provider, model }: Caller): string {
  if (policy.by.length === 0) return id;
  const parts = policy.by.map((by) => {
    switch (by) {
      case 'key':
        return call.keyId;
      case 'project':
        return call.project;
      case 'user':
        return user;
      case 'session':
        return call.instructions.sessionId;
      case 'model':
        return model;
      case 'provider':
        return provider;
      default:
        return propertyOf(call.instructions.properties, by.slice('property:'.length));
    }
  });
  return joinCount(id, parts);
}

/** The name of a count; `restore.ts` makes the same of rows. */
export function joinCount(id: string, parts: readonly string[]): string {
  if (parts.length === 0) return id;
  if (parts.length === 1 && parts[0] === '') return `${id} [""]`;
  return `${id} ${parts.every(isPlain) ? `["${parts.join('","')}"]` : JSON.stringify(parts)}`;
}

/** Whether a text stands in JSON as it is. */
function isPlain(text: string): boolean {
  return /^[ !#-[\]-~]*$/.test(text);
}

/** The id of the rule that a count belongs to. */
export function ruleIdOf(count: string): string {
  const end = count.indexOf(' ');
  return end === -1 ? count : count.slice(0, end);
}

function propertyOf(properties: Readonly<Record<string, string>>, name: string): string {
  return Object.hasOwn(properties, name) ? (properties[name] ?? '') : '';
}
