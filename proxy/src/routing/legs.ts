/**
 * One way that a call may go: where to, with whose credential, and with which body. All ways of a call are made before its
 * first attempt, so that what may not be done is refused before anything is sent (CONTRACT.md §4, "Whose credential goes where").
 */
import type { RequestBody } from '../body.ts';
import type { Call, Target } from '../call.ts';
import { forwardHeaders, forwardQuery, type Credentials } from '../credentials.ts';
import type { Settings } from '../env.ts';
import { WeirError } from '../errors.ts';
import { allowModel, allowProvider } from '../keys/access.ts';
import { memberValues } from '../json/members.ts';
import { Memo } from '../memo.ts';
import { asObject, parseJson } from '../json/value.ts';
import { withModelInPath } from '../providers/operations.ts';
import type { PathQuestion } from '../providers/paths.ts';
import type { Operation, Provider, Signing } from '../providers/provider.ts';
import { isTranslated, spokenBy, UNIFIED } from '../providers/unified.ts';
import { rawHeader } from '../relay.ts';
import { routeNative, type RouteOptions, type SplitPath } from '../route.ts';
import type { SendRequest } from '../upstream/exchange.ts';
import type { Signer } from '../signing/signer.ts';
import { translateRequest, type ReplyTranslator, type TranslatedRequest } from '../translate/translate.ts';
import type { HeldKeys } from '../vault/vault.ts';
import type { PlannedTarget } from './plan.ts';
import { rewriteBody } from './rewrite.ts';
import { parseTarget } from './target.ts';

export interface LegContext {
  call: Call;
  split: SplitPath;
  credentials: Credentials;
  settings: Settings;
  held: HeldKeys;
  signer: Signer;
  isOwnAddress: (host: string, port: number) => boolean;
  /** The answer is asked for as a stream. */
  streamed: boolean;
}

/** Where a way leads, without its credential. */
interface Destination {
  provider: Provider;
  place: string;
  /** Without query. */
  path: string;
  /** Of the target; '' where the call's own stays. */
  model: string;
  /** It goes where the path says: the caller's own credential may go along. */
  own: boolean;
  url: Target;
  /** As its provider has it. */
  operation: Operation;
}

export class Leg {
  /** Of a call that is asked in another dialect than the client's: how its replies come back. */
  #translation: TranslatedRequest | null = null;
  readonly #destination: Destination;
  readonly #headers: readonly string[];
  readonly #secret: string | null;
  /** Request headers as they are kept: credentials replaced. */
  readonly kept: string[];
  /** The key of Weir's that it carries; null for any other credential. */
  readonly heldKey: string | null;
  readonly signing: Signing | null;

  /**
   * @param index in the plan. @param tried keys of Weir's that are not to be taken.
   * @throws WeirError when the caller may not go there, or nothing is there to go with.
   */
  constructor(
    readonly index: number,
    private readonly planned: PlannedTarget,
    private readonly context: LegContext,
    private readonly tried: readonly string[] = [],
  ) {
    const { call, credentials, held, signer } = context;
    const destination = planned.target === null ? asThePathSays(context) : targeted(planned.target, context);
    this.#destination = destination;
    const { provider, own, place, path } = destination;
    if (!own && credentials.holder === null) {
      throw new WeirError(
        'unauthorized',
        `The target ${planned.target ?? provider.name} is asked with a key that Weir holds: send a valid Weir-Key that allows it.`,
      );
    }
    const { forwarded, kept, signing, heldKey, secret } = forwardHeaders(call.incoming.rawHeaders, {
      destination: { provider, place, path, named: this.#named },
      connection: call.incoming.headers.connection,
      credentials: own ? credentials : { ...credentials, own: false },
      leavesCredentials: !own,
      held,
      signer,
      tried,
    });
    this.#headers = forwarded;
    this.kept = kept;
    this.signing = signing;
    this.heldKey = heldKey;
    this.#secret = secret;
  }

  get call(): Call {
    return this.context.call;
  }

  /** How many keys Weir holds for where it goes; 0 where it carries none of them. */
  get heldKeys(): number {
    if (this.heldKey === null) return 0;
    const { provider, place, path } = this.#destination;
    return this.context.held.count({ provider, place, path, named: this.#named });
  }

  get provider(): Provider {
    return this.#destination.provider;
  }

  /** The target's; '' where the call's own stays. */
  get model(): string {
    return this.#destination.model;
  }

  get url(): Target {
    return this.#destination.url;
  }

  get host(): string {
    return hostOf(this.#destination.url.origin);
  }

  /** As its provider reads it, without query. */
  get path(): string {
    return this.#destination.path;
  }

  /** As its provider has it. */
  get operation(): Operation {
    return this.#destination.operation;
  }

  /** Reads one reply as the client's dialect has it; null where it passes as it is. */
  translator(status: number, contentType: string): ReplyTranslator | null {
    return this.#translation?.reply(status, contentType) ?? null;
  }

  /** What it changes in the body beside the model. */
  get variant(): PlannedTarget['variant'] {
    return this.planned.variant;
  }

  /** What it is followed by while the process runs; null for a call that goes where its path says. */
  get target(): string | null {
    return this.planned.target;
  }

  get headers(): readonly string[] {
    return this.#headers;
  }

  /** What is sent; signed, where that is how Weir presents itself. @param body of the call. @throws WeirError as `rewriteBody`. */
  request(body: RequestBody): SendRequest | Promise<SendRequest> {
    const { call, signer } = this.context;
    const { url, place } = this.#destination;
    const changed = this.#changed(body);
    const plain = call.usageAsked || this.#translation !== null;
    const headers = changed === body && !plain ? [...this.#headers] : changedHeaders(this.#headers, changed, plain);
    // A call to the provider's own path says it itself.
    for (const [name, value] of call.provider === this.provider ? [] : (this.provider.neededHeaders ?? [])) {
      if (rawHeader(headers, name) === undefined) headers.push(name, value);
    }
    const request = { method: call.method, target: url, headers, body: changed };
    if (this.signing === null) return request;
    return signer.sign(this.signing, { ...request, place }).then((signed) => ({ ...request, ...signed }));
  }

  /** The same way once more, with whichever key is well now; null where the last one was taken away meanwhile. */
  again(): Leg | null {
    if (this.heldKey === null) return this;
    const { provider, place, path } = this.#destination;
    const key = this.context.held.choose({ provider, place, path, named: this.#named });
    return key === null ? null : new Leg(this.index, this.planned, this.context);
  }

  /** What a provider said, in case it quotes the key of Weir's that it was sent. */
  withoutSecret(text: string): string {
    return this.#secret === null ? text : text.replaceAll(this.#secret, '[removed]');
  }

  /** The same way with a key that has not been tried yet; null where there is none. */
  withNextKey(): Leg | null {
    if (this.heldKey === null) return null;
    const tried = [...this.tried, this.heldKey];
    const { provider, place, path } = this.#destination;
    const next = this.context.held.choose({ provider, place, path, named: this.#named }, tried);
    return next === null ? null : new Leg(this.index, this.planned, this.context, tried);
  }

  #translated(body: Buffer): Buffer {
    const { call, streamed } = this.context;
    const [from, to] = [call.operation, this.operation];
    const root = asObject(parseJson(body.toString())?.value);
    if (root === null) throw new WeirError('bad_request', 'the body: expected a JSON object.');
    if (!isTranslated(from) || !isTranslated(to)) throw new Error(`${from} cannot be asked as ${to}`);
    const translation = translateRequest({
      from,
      to,
      body: root,
      streamed,
      model: this.model,
      askedModel: call.requestModel,
    });
    this.#translation = translation;
    for (const warning of translation.warnings) if (!call.warnings.includes(warning)) call.warnings.push(warning);
    return translation.body;
  }

  get #named(): string | null {
    const { url } = this.#destination;
    return url.guarded ? url.origin : null;
  }

  #changed(body: RequestBody): RequestBody {
    const { model, path, provider } = this.#destination;
    if (model === '' || body === null) return body;
    const { operation, incoming } = this.context.call;
    const { variant } = this.planned;
    if (!Buffer.isBuffer(body)) throw tooLong(this.context.settings.WEIR_REPLAY_LIMIT);
    const { 'content-encoding': encoding = 'identity' } = incoming.headers;
    const plain = encoding.toLowerCase() === 'identity';
    // Where the path names the model, a body that does not goes on without.
    const inPath = operation === this.operation && provider.dialect.modelInPath(path) !== null;
    const inBody = plain && memberValues(body, ['model'])?.has('model') === true;
    if (inPath && !inBody && variant?.parameters === undefined && variant?.system === undefined) return body;
    if (!plain)
      throw new WeirError(
        'bad_request',
        `the body: a split, a fallback or /v1/… changes it, and cannot while it is compressed (${encoding}).`,
      );
    if (operation !== this.operation) return this.#translated(rewriteBody(body, { operation, model: null, variant }));
    return rewriteBody(body, { operation, model: inPath && !inBody ? null : model, variant });
  }
}

/** Of the few origins that are called: to parse one takes microseconds. */
const hosts = new Memo<string>(1_024, 512);

function hostOf(origin: string): string {
  let host = hosts.get(origin);
  if (host === undefined) {
    host = new URL(origin).host;
    hosts.set(origin, host);
  }
  return host;
}

function tooLong(limit: number): WeirError {
  return new WeirError(
    'bad_request',
    `A body over ${limit} bytes (WEIR_REPLAY_LIMIT) is sent as it comes: its model cannot be changed.`,
  );
}

function routeOptions({ settings, isOwnAddress }: LegContext): RouteOptions {
  return { upstreams: settings.upstreams, allowTargets: settings.WEIR_ALLOW_TARGETS, isOwnAddress };
}

function asThePathSays(context: LegContext): Destination {
  const { call, split } = context;
  const { provider, instructions } = call;
  allowProvider(call, provider);
  const query = forwardQuery(provider, split.query);
  const url = routeNative(provider, { ...split, query }, instructions, routeOptions(context));
  return { provider, place: split.place, path: split.path, model: '', own: true, url, operation: call.operation };
}

function targeted(text: string, context: LegContext): Destination {
  const { call, split } = context;
  const { provider, place, model } = parseTarget(text);
  allowProvider(call, provider);
  allowModel(call, model);
  const same = provider === call.provider;
  const operation = call.provider === UNIFIED ? spokenBy(provider, call.operation, model) : call.operation;
  const own = same && place === split.place;
  const [path = '', query = ''] = same
    ? [withModelInPath(split.path, model), forwardQuery(provider, split.query, own)]
    : pathAt(provider, { operation, model, streamed: context.streamed }, call);
  const url = routeNative(
    provider,
    { provider: provider.name, place, path, query },
    call.instructions,
    routeOptions(context),
  );
  return { provider, place, path, model, own, url, operation };
}

/** @returns path, and query with its `?`. @throws WeirError `bad_header` for a provider that does not speak the call's dialect. */
function pathAt(provider: Provider, question: PathQuestion, call: Call): [string, string] {
  const found = provider.pathOf?.(question) ?? null;
  if (found === null) {
    const unified = call.provider === UNIFIED;
    throw new WeirError(
      unified ? 'bad_request' : 'bad_header',
      unified
        ? `model: ${provider.name} has no ${call.operation}; name another target.`
        : `${provider.name} has no ${call.operation} of this dialect: call it through /v1/…, where Weir translates, or name another target.`,
    );
  }
  const mark = found.indexOf('?');
  return mark === -1 ? [found, ''] : [found.slice(0, mark), found.slice(mark)];
}

/** A body that was changed has another length. @param plain a chunk has to be found in the reply: it must not be compressed. */
function changedHeaders(raw: readonly string[], body: RequestBody, plain: boolean): string[] {
  const headers: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] as string;
    const lower = name.toLowerCase();
    if (lower === 'content-length' || lower === 'transfer-encoding' || (plain && lower === 'accept-encoding')) continue;
    headers.push(name, raw[index + 1] as string);
  }
  if (plain) headers.push('accept-encoding', 'identity');
  return Buffer.isBuffer(body) ? [...headers, 'content-length', String(body.length)] : headers;
}
