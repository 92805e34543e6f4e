/** What a call's headers say, as the rest of the proxy takes it. */
import type { LimitPolicy } from '@weir/schema/settings/limit';
import type { WeirError } from './errors.ts';
import type { BroughtPolicies } from './routing/plan.ts';
import type { Timeouts } from './timeouts.ts';

export interface Instructions {
  clientRequestId: string;
  user: string;
  sessionId: string;
  sessionName: string;
  sessionPath: string;
  properties: Record<string, string>;
  prompt: string;
  promptVersion: string;
  traceId: string;
  parentSpanId: string;
  clientRetry: number;
  /** Text of the `Weir-Key` header; keys in an SDK's own credential header are found elsewhere. */
  key: string | null;
  targetUrl: string | null;
  keepBodies: boolean;
  /** Ask a stream for its usage, and take the chunk that tells it out again. Undefined: as the settings say. */
  askUsage: boolean | undefined;
  redact: RedactKind[];
  /** Of `Weir-Limit`: they tighten what the key and the saved limits allow. */
  limits: LimitPolicy[];
  /** Null: the header sets no clock. */
  timeouts: Timeouts | null;
  /** Name of the saved route; null without one. */
  route: string | null;
  /** Of `Weir-Split`, `Weir-Fallback`, `Weir-Retry`: they stand before those of the route. */
  policies: BroughtPolicies;
  /** By which a call is recorded and priced, where the caller knows better than the body; '' where it does not say. */
  pricedAs: string;
  warnings: string[];
  /** Set when a policy cannot be carried out: the call is refused, and recorded with what is known of it. */
  refusal: WeirError | null;
}

export const redactKinds = ['email', 'card', 'phone'] as const;
export type RedactKind = (typeof redactKinds)[number];

/** Of a call without any header of Weir's. */
export function noInstructions(): Instructions {
  return {
    clientRequestId: '',
    user: '',
    sessionId: '',
    sessionName: '',
    sessionPath: '',
    properties: {},
    prompt: '',
    promptVersion: '',
    traceId: '',
    parentSpanId: '',
    clientRetry: 0,
    key: null,
    targetUrl: null,
    keepBodies: true,
    askUsage: undefined,
    redact: [],
    limits: [],
    timeouts: null,
    route: null,
    policies: {},
    pricedAs: '',
    warnings: [],
    refusal: null,
  };
}
