/** A call from its first byte to its last: who calls, where it may go, what is done when it fails. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { makeCall, readCalled } from './begin.ts';
import { WeirError } from './errors.ts';
import { Chunks, holdWhole, peekModel, readBody, type RequestBody } from './body.ts';
import type { Call } from './call.ts';
import { identify } from './credentials.ts';
import { finish, type EndingOptions, type Flight } from './ending.ts';
import type { Settings } from './env.ts';
import { checkBeside, checkModel, checkOperation } from './keys/access.ts';
import type { KeyHolder } from './keys/holder.ts';
import type { Keys } from './keys/keys.ts';
import type { Limiter } from './limits/limiter.ts';
import { checkOrigin } from './origin.ts';
import { modelList } from './model-list.ts';
import { isModelList, isServed, UNIFIED } from './providers/unified.ts';
import { answerWith, refuse, unreachable, type RefusalOptions } from './refusal.ts';
import type { SplitPath } from './route.ts';
import { Leg, type LegContext } from './routing/legs.ts';
import { isRouted, routeCall, type RoutingOptions } from './routing/routing.ts';
import type { Signer } from './signing/signer.ts';
import { fallback } from './stages/fallback.ts';
import type { Decide } from './stages/failure.ts';
import { nextKey } from './stages/next-key.ts';
import { makeAttempt, Pipeline } from './stages/pipeline.ts';
import { retry } from './stages/retry.ts';
import { wantsUsage, withUsageAsked } from './stages/stream-usage.ts';
import type { SendRequest } from './upstream/exchange.ts';
import type { Upstream } from './upstream/upstream.ts';
import type { HeldKeys } from './vault/vault.ts';

export interface PassthroughOptions extends EndingOptions, RefusalOptions, RoutingOptions {
  settings: Settings;
  keys: Keys;
  held: HeldKeys;
  upstream: Upstream;
  signer: Signer;
  isOwnAddress: (host: string, port: number) => boolean;
}

/** @throws WeirError `unknown_provider`: such a call is answered, but not recorded. */
export async function passThrough(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  options: PassthroughOptions,
): Promise<void> {
  const { settings, capture, limiter } = options;
  const called = readCalled(incoming);
  const call = makeCall(incoming, outgoing, called, settings);
  const flight: Flight = { started: false, pipeline: null, ended: null };
  outgoing.on('error', () => undefined);
  outgoing.on('close', () => finish(call, flight, options));
  const begin = (kept: string[], next?: () => void): void => {
    if (flight.started) return;
    flight.started = true;
    capture.start(call, kept, next);
  };
  try {
    checkOrigin(incoming, settings);
    const context = admit(call, called.split, options);
    if (call.provider === UNIFIED && isModelList(call.method, call.path)) {
      const list = modelList(call, options.held, options.prices.book);
      begin([]);
      return answerWith(call, list, capture);
    }
    // What can be refused before a byte of the body is read, is.
    const direct = isRouted(call) ? null : new Leg(0, asSaid, context);
    // What is read before the call's start is marked waits for it.
    const early: { chunks: Chunks | null } = { chunks: null };
    const { body: arriving, first } = await readBody(incoming, settings.WEIR_REPLAY_LIMIT, (chunk) => {
      if (flight.started) capture.requestBytes(call, chunk);
      else (early.chunks ??= new Chunks()).push(chunk);
    });
    call.requestModel = peekModel(first) ?? call.requestModel;
    const ways = direct === null ? await routed(context, arriving, options) : await native(direct, arriving, options);
    let { body } = ways;
    let legs = ways.legs;
    if (limiter.inForce(call)) {
      const within = withinLimits(call, ways, limiter);
      ({ body, legs } = within instanceof Promise ? await within : within);
    }
    const [leg] = legs;
    // The client left meanwhile: its start was marked without what has been taken, and nobody will tell of it.
    if (flight.started) limiter.release(call);
    if (outgoing.destroyed) return;
    if (wantsUsage(call, settings.WEIR_STREAM_USAGE)) body = await withUsageAsked(call, body);
    const made = leg.request(body);
    const request: SendRequest = made instanceof Promise ? await made : made;
    if (outgoing.destroyed) return;
    const course = {
      call,
      stages: ways.stages,
      onOverflow: ways.onOverflow,
      ended: () => flight.ended?.(),
      unreachable: (error: unknown) => unreachable(call, error, capture),
      refuse: (error: unknown) => refuse(call, error, options),
    };
    const pipeline = new Pipeline(options, course, body);
    flight.pipeline = pipeline;
    const instead = legs.length < ways.legs.length;
    const why = instead ? asLimited : asFirst;
    call.attempts.push(makeAttempt(leg, 0, why));
    begin(leg.kept, () => pipeline.start(leg, request));
    if (first !== null) capture.requestBytes(call, first);
    for (const chunk of early.chunks?.list ?? []) capture.requestBytes(call, chunk);
    early.chunks = null;
  } catch (error) {
    begin([]);
    refuse(call, error, options);
  }
}

const asFirst = { reason: 'first', trigger: '', waitMs: 0 } as const;
/** A limit had no room for the way before. */
const asLimited = { reason: 'fallback', trigger: 'limit', waitMs: 0 } as const;

type Allowed = Pick<Ways, 'legs' | 'body'>;

/**
 * The first way for which all limits have room, where the fallback is for that; else the first. Answers at once where nothing
 * has to be waited for. @throws WeirError as `admit`.
 */
function withinLimits(call: Call, ways: Ways, limiter: Limiter): Allowed | Promise<Allowed> {
  const { legs, body, shares } = ways;
  const further = (error: unknown): Allowed | Promise<Allowed> => {
    const [, next, ...rest] = legs;
    const full = error instanceof WeirError && error.code === 'limit_exceeded';
    if (!full || !ways.onLimit || next === undefined) throw error;
    return withinLimits(call, { ...ways, legs: [next, ...rest] }, limiter);
  };
  try {
    const admitted = limiter.admit(call, body, legs, shares);
    if (!(admitted instanceof Promise)) return { legs, body: admitted };
    return admitted.then((rest) => ({ legs, body: rest }), further);
  } catch (error) {
    return further(error);
  }
}

const asSaid = { target: null, variant: null, why: 'as the path says' };

/** Everything that can be said of a call by its head. */
export function admit(
  call: Call,
  split: SplitPath,
  { settings, keys, held, signer, isOwnAddress }: PassthroughOptions,
): LegContext {
  const { incoming, provider, instructions } = call;
  if (instructions.refusal !== null) throw instructions.refusal;
  const credentialOptions = { keys, requireKey: settings.requireKey };
  const credentials = identify(provider, incoming.rawHeaders, split.query, instructions, credentialOptions);
  if (credentials.holder !== null) takeHolder(call, credentials.holder);
  checkOperation(call);
  if (provider === UNIFIED && !isServed(call.method, call.path) && !isModelList(call.method, call.path)) {
    throw new WeirError(
      'not_found',
      `The unified API has no ${call.method.slice(0, 16)} ${call.path.slice(0, 128)}: it has POST /v1/chat/completions, /v1/messages, /v1/responses and /v1/embeddings, and GET /v1/models.`,
    );
  }
  return { call, split, credentials, settings, held, signer, isOwnAddress, streamed: false };
}

/** Whose call it is, and what the key says of it: its properties stand under the call's own. */
function takeHolder(call: Call, holder: KeyHolder): void {
  const { instructions } = call;
  call.holder = holder;
  call.project = holder.project;
  call.keyId = holder.keyId;
  if (holder.log_bodies === 'none') instructions.keepBodies = false;
  instructions.properties = { ...holder.properties, ...instructions.properties };
}

/** Where a call may go, and what is done when that fails. */
interface Ways {
  legs: [Leg, ...Leg[]];
  body: RequestBody;
  stages: Decide[];
  onOverflow: boolean;
  /** A target for which a limit has no room is passed over. */
  onLimit: boolean;
  /** Attempts that may all be billed. */
  shares: number;
}

/** A call that goes where its path says. Only where Weir holds several keys for that, there is something to be done. */
async function native(leg: Leg, arriving: RequestBody, { settings }: PassthroughOptions): Promise<Ways> {
  const { call } = leg;
  const body = await checkModel(call, arriving, settings.WEIR_REPLAY_LIMIT);
  const one: Ways = { legs: [leg], body, stages: [], onOverflow: false, onLimit: false, shares: 1 };
  if (leg.heldKeys < 2 || body === null) return leg.heldKeys < 2 ? one : { ...one, stages: [nextKey] };
  const { whole, body: rest } = await holdWhole(body, settings.WEIR_REPLAY_LIMIT);
  return { ...one, body: rest, stages: whole === null ? [] : [nextKey] };
}

/** A call that brings policies, or names a route. */
async function routed(context: LegContext, arriving: RequestBody, options: PassthroughOptions): Promise<Ways> {
  const { call, settings } = { ...context, ...options };
  const limit = settings.WEIR_REPLAY_LIMIT;
  const { whole, body: rest } = arriving === null ? { whole: null, body: null } : await holdWhole(arriving, limit);
  const once = arriving !== null && whole === null;
  const routing = routeCall(call, rest, options);
  call.routing = routing;
  const { plan, policies } = routing;
  call.timeouts = call.instructions.timeouts ?? policies.timeout;
  for (const target of plan.leftAlone) call.warnings.push(`circuit_open:${target}`);
  const streaming = { ...context, streamed: routing.streamed };
  const [first, ...others] = plan.targets.map((planned, index) => new Leg(index, planned, streaming));
  if (first === undefined) throw new Error('a plan has a target');
  // The body's own model counts where it is sent.
  const asked = [first, ...others].some(({ target }) => target === null);
  const body = asked ? await checkModel(call, rest, limit) : rest;
  if (!asked) checkBeside(call, rest);
  if (once) {
    call.warnings.push('body_not_replayable');
    return { legs: [first], body, stages: [], onOverflow: false, onLimit: false, shares: 1 };
  }
  const legs: Ways['legs'] = [first, ...others];
  const starting = legs.find(({ target }) => target === null || options.live.admits(target, Date.now())) ?? first;
  const stages = [
    nextKey,
    ...(plan.retry === null ? [] : [retry(plan.retry, call, Math.random)]),
    ...(plan.fallback === null ? [] : [fallback(plan.fallback, legs, call, options.live)]),
  ];
  return {
    legs: [starting, ...legs.filter((leg) => leg !== starting)],
    body,
    stages,
    onOverflow: plan.fallback?.on.includes('context-overflow') ?? false,
    onLimit: plan.fallback?.on.includes('limit') ?? false,
    shares: Math.min(mostShares, legs.length * (1 + (plan.retry?.retries ?? 0))),
  };
}

/** More attempts than this are not taken for: they would keep everybody else from a limit. */
const mostShares = 8;
