/** LiteLLM's retries, clocks and limits as Weir's policies. */
import type { Condition } from '@weir/schema/settings/route';
import type { Deployment, LiteLlmConfig, LiteLlmRetryPolicy } from './litellm-config.ts';
import type { Findings, WrittenRoute } from './notes.ts';

/** A deployment with its place in the file and the target that it became. */
export interface Placed {
  field: string;
  deployment: Deployment;
  target: string;
}

/** What LiteLLM's router does when nothing is said. */
const defaultRetries = 2;
const most = 10;

export function retryOf(group: string, config: LiteLlmConfig, findings: Findings): Pick<WrittenRoute, 'retry'> {
  const { router_settings: router, litellm_settings: settings } = config;
  const base = router?.num_retries ?? settings?.num_retries ?? defaultRetries;
  const ofGroup = router?.model_group_retry_policy?.[group];
  const policy = ofGroup ?? router?.retry_policy;
  const field =
    ofGroup === undefined ? 'router_settings.retry_policy' : `router_settings.model_group_retry_policy.${group}`;
  const counts = countsOf(policy, base, field, findings);
  const retries = Math.max(...counts.map(([, count]) => count));
  const on = counts.filter(([, count]) => count > 0).flatMap(([conditions]) => conditions);
  const counted = counts.map(([, count]) => count).filter((count) => count > 0);
  if (new Set(counted).size > 1)
    findings.differs(
      field,
      `errors are retried ${[...new Set(counted)].join(' or ')} times by their kind; Weir has one number, the largest`,
      'set retry.retries',
    );
  if (retries > most)
    findings.lost(
      policy === undefined ? 'num_retries' : field,
      `${retries} retries, and Weir makes ${most} at most`,
      'nothing',
    );
  return retries === 0 ? {} : { retry: { retries: Math.min(retries, most), on } };
}

/** Without a policy of its own LiteLLM retries 408, 409, 429, 5xx, clocks and connections alike. */
function countsOf(
  policy: LiteLlmRetryPolicy | undefined,
  base: number,
  field: string,
  findings: Findings,
): [Condition[], number][] {
  for (const name of [
    'BadRequestErrorRetries',
    'AuthenticationErrorRetries',
    'ContentPolicyViolationErrorRetries',
  ] as const) {
    if ((policy?.[name] ?? 0) > 0)
      findings.lost(
        `${field}.${name}`,
        'the same call would fail again: Weir does not retry those',
        'mend the call, or the key',
      );
  }
  return [
    [[429], policy?.RateLimitErrorRetries ?? base],
    [['server-error'], policy?.InternalServerErrorRetries ?? base],
    [['timeout', 408], policy?.TimeoutErrorRetries ?? base],
    [['network', 409], base],
  ];
}

/** Seconds become milliseconds. A stream's clock is the one until the answer's head. */
export function timeoutOf(
  members: readonly Placed[],
  config: LiteLlmConfig,
  findings: Findings,
): Pick<WrittenRoute, 'timeout'> {
  const { router_settings: router, litellm_settings: settings } = config;
  const total = oneOf(members, 'timeout', router?.timeout ?? settings?.request_timeout, findings);
  const stream = oneOf(members, 'stream_timeout', router?.stream_timeout, findings);
  if (stream !== undefined)
    findings.differs(
      `${sourceOf(members, 'stream_timeout')}`,
      'LiteLLM starts this clock for streams alone; headers runs for every call',
      'set timeout.headers',
    );
  const clocks = {
    ...(total ? { total: milliseconds(total) } : {}),
    ...(stream ? { headers: milliseconds(stream) } : {}),
  };
  return Object.keys(clocks).length === 0 ? {} : { timeout: clocks };
}

function oneOf(
  members: readonly Placed[],
  name: 'timeout' | 'stream_timeout',
  otherwise: number | undefined,
  findings: Findings,
): number | undefined {
  const values = members.map(({ deployment }) => deployment.litellm_params[name] ?? otherwise);
  const longest = Math.max(...values.map((value) => value ?? 0));
  if (new Set(values).size > 1)
    findings.differs(
      sourceOf(members, name),
      'its deployments have clocks of their own; a route has one, the longest',
      `set timeout`,
    );
  return longest === 0 || values.some((value) => value === undefined) ? undefined : longest;
}

function sourceOf(members: readonly Placed[], name: 'timeout' | 'stream_timeout'): string {
  const own = members.find(({ deployment }) => deployment.litellm_params[name] !== undefined);
  return own === undefined ? `router_settings.${name}` : `${own.field}.litellm_params.${name}`;
}

function milliseconds(seconds: number): number {
  return Math.min(86_400_000, Math.max(1, Math.round(seconds * 1000)));
}

const units = { rpm: 'requests', tpm: 'tokens' } as const;

/**
 * rpm and tpm are limits where LiteLLM holds them; by simple-shuffle they are weights. A route's limit counts the group as a whole:
 * all its deployments together.
 */
export function limitsOf(
  members: readonly Placed[],
  config: LiteLlmConfig,
  findings: Findings,
): Pick<WrittenRoute, 'limits'> {
  const holds = areHeld(config);
  const limits = (['rpm', 'tpm'] as const).flatMap((name) => {
    const quotas = members.map(({ deployment }) => deployment.litellm_params[name]);
    const given = quotas.filter((quota) => quota !== undefined);
    const first = members[quotas.findIndex((quota) => quota !== undefined)];
    if (first === undefined) return [];
    const field = `${first.field}.litellm_params.${name}`;
    if (!holds) {
      findings.differs(
        field,
        'LiteLLM holds nobody to it without pre-call checks; here too it is no limit',
        'npm run weir -- limit add, or limits of the route, where it is meant as one',
      );
      return [];
    }
    if (given.length < members.length) {
      findings.lost(
        field,
        'only some deployments of the group have it: the group as a whole is not limited',
        'npm run weir -- limit add --model …',
      );
      return [];
    }
    if (members.length > 1)
      findings.differs(
        field,
        'a route’s limit counts the group: the sum of its deployments',
        'nothing; a deployment that answers 429 is retried or left as the route says',
      );
    const quota = given.reduce((sum, one) => sum + one, 0);
    return [{ name, unit: units[name], quota: Math.round(quota), window: { seconds: 60 } }];
  });
  return limits.length === 0 ? {} : { limits };
}

function areHeld({ router_settings: router }: LiteLlmConfig): boolean {
  const checks = router?.optional_pre_call_checks;
  const enforced = Array.isArray(checks) && checks.includes('enforce_model_rate_limits');
  return (
    router?.routing_strategy?.startsWith('usage-based-routing') === true ||
    router?.enable_pre_call_checks === true ||
    enforced
  );
}
