/**
 * Whose credential goes where (CONTRACT.md §4). The caller's own goes only to the provider that its path names; a value
 * that begins with `wk_` is Weir's own and goes nowhere; a key that Weir holds is used for a valid Weir key that brings no
 * credential of its own. A caller's AWS signature is no such credential: it covers the host that it was made for.
 */
import { WeirError } from './errors.ts';
import { headerTraits } from './header-traits.ts';
import { connectionNames, endsHere } from './headers.ts';
import type { Instructions } from './instructions.ts';
import type { KeyHolder } from './keys/holder.ts';
import type { Keys } from './keys/keys.ts';
import { keyPrefix } from './keys/text.ts';
import type { Provider, Signing } from './providers/provider.ts';
import { isForOthers } from './providers/vendor-headers.ts';
import type { Destination, HeldKeys } from './vault/vault.ts';

export interface Credentials {
  holder: KeyHolder | null;
  /** The caller brought the provider's own credential. */
  own: boolean;
}

/** What Weir holds besides keys: `Signer`, as far as it is asked here. */
export interface CanSign {
  can(signing: Signing): boolean;
}

export interface CredentialOptions {
  keys: Keys;
  requireKey: boolean;
}

/**
 * Finds who calls.
 * @throws WeirError `unauthorized` when a Weir key is needed, or one is given that is not valid.
 */
export function identify(
  provider: Provider,
  raw: readonly string[],
  query: string,
  instructions: Instructions,
  options: CredentialOptions,
): Credentials {
  const texts = instructions.key === null ? [] : [instructions.key];
  let own = false;
  let signed = isPresigned(provider, query);
  for (const value of credentialValues(provider, raw, query)) {
    const signer = signatureKey(provider, value);
    if (signer !== null) {
      signed = true;
      if (signer.startsWith(keyPrefix)) texts.push(signer);
    } else if (value.startsWith(keyPrefix)) texts.push(value);
    else if (value !== '') own = true;
  }
  const text = texts[0];
  if (text === undefined) {
    if (signed) throw new WeirError('unauthorized', signatureSentence);
    if (options.requireKey) throw new WeirError('unauthorized', 'This Weir needs a key: send Weir-Key: wk_….');
    return { holder: null, own };
  }
  const holder = options.keys.find(text);
  if (holder === null) throw new WeirError('unauthorized', options.keys.whyNot(text));
  return { holder, own: own && !signed };
}

const signatureSentence =
  'An AWS signature covers the host it was made for and cannot pass through Weir: send a Bedrock API key ' +
  '(Authorization: Bearer …), or Weir-Key: wk_…, for which Weir signs with AWS credentials of its own.';

/** The access key of an AWS signature (SigV4, SigV4a); `null` for any other credential. */
function signatureKey(provider: Provider, value: string): string | null {
  if (provider.signing !== 'aws-sigv4' || !value.startsWith('AWS4-')) return null;
  return /Credential=([^/,\s]+)/.exec(value)?.[1] ?? '';
}

function isPresigned(provider: Provider, query: string): boolean {
  return provider.signing === 'aws-sigv4' && /[?&]x-amz-signature=/i.test(query);
}

/** Headers that belong to a signature, and go where it goes: nowhere. */
const signatureHeaders = new Set(['x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token']);

function* credentialValues(provider: Provider, raw: readonly string[], query: string): Generator<string> {
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const { lower: name, key } = headerTraits(raw[index] as string);
    if (key || provider.credentialHeaders.includes(name)) {
      yield withoutScheme(raw[index + 1] as string);
    } else if (name === protocolHeader) {
      for (const protocol of protocolsOf(raw[index + 1] as string)) {
        if (protocol.startsWith(protocolKey)) yield protocol.slice(protocolKey.length);
      }
    }
  }
  if (query.length > 1) {
    const parameters = new URLSearchParams(query);
    for (const name of provider.credentialQuery) yield* parameters.getAll(name);
  }
}

/** What stands behind `Bearer`, mostly written so. */
function withoutScheme(value: string): string {
  return (value.startsWith('Bearer ') ? value.slice(7) : value.replace(/^Bearer\s+/i, '')).trim();
}

/**
 * A browser can give a WebSocket no header: its key comes as a protocol of its own
 * (platform.openai.com/docs/guides/realtime-websocket).
 */
const protocolHeader = 'sec-websocket-protocol';
const protocolKey = 'openai-insecure-api-key.';

function protocolsOf(value: string): string[] {
  return value.split(',').map((protocol) => protocol.trim());
}

export interface ForwardedHeaders {
  /** To send: raw, in the client's order and spelling. */
  forwarded: string[];
  /** To keep: the same, credentials replaced. */
  kept: string[];
  /** How Weir must sign the call; null when the headers are all it needs. */
  signing: Signing | null;
  /** The held key that they carry; null for any other. */
  heldKey: string | null;
  /** That key itself. */
  secret: string | null;
}

export interface ForwardOptions {
  destination: Destination;
  /** Of the caller's own connection. */
  connection: string | undefined;
  credentials: Credentials;
  /** It goes to another provider than the caller meant: whatever may be a credential stays behind, or another vendor's own. */
  leavesCredentials?: boolean;
  held: HeldKeys;
  signer: CanSign;
  /** Keys of Weir's that are not to be taken. */
  tried?: readonly string[];
}

/** The request headers that go on, and what is kept of them. */
export function forwardHeaders(raw: readonly string[], options: ForwardOptions): ForwardedHeaders {
  const { destination, connection, credentials, tried = [] } = options;
  const { provider } = destination;
  const dropped = connectionNames(connection);
  const forwarded: string[] = [];
  const kept: string[] = [];
  const resigned = provider.signing === 'aws-sigv4' && !credentials.own && credentials.holder !== null;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] as string;
    const value = raw[index + 1] as string;
    const traits = headerTraits(name);
    const { lower } = traits;
    if (lower === 'host' || endsHere(traits, dropped)) continue;
    if (lower === protocolHeader && value.includes(protocolKey)) {
      const protocols = protocolsOf(value);
      const masked = protocols.map((one) => (one.startsWith(protocolKey) ? `${protocolKey}[removed]` : one));
      kept.push(name, masked.join(', '));
      const passed = protocols.filter((one) => !one.startsWith(protocolKey + keyPrefix));
      if (passed.length === protocols.length) forwarded.push(name, value);
      else if (passed.length > 0) forwarded.push(name, passed.join(', '));
      continue;
    }
    const ours = holdsOurKey(value);
    const secret = ours || traits.secret || provider.credentialHeaders.includes(lower);
    kept.push(name, secret ? '[removed]' : value);
    if (traits.own) continue;
    if (options.leavesCredentials === true && (secret || traits.key || isForOthers(lower, provider))) continue;
    if (ours) continue;
    if (resigned && (signatureHeaders.has(lower) || signatureKey(provider, value) !== null)) continue;
    forwarded.push(name, value);
  }
  if (credentials.own || credentials.holder === null)
    return { forwarded, kept, signing: null, heldKey: null, secret: null };
  const held = heldCredential(destination, options.held, tried);
  if (held !== null) {
    const { id: heldKey, secret, header } = held;
    return { forwarded: [...forwarded, ...header], kept, signing: null, heldKey, secret };
  }
  if (provider.signing !== undefined && options.signer.can(provider.signing)) {
    return { forwarded, kept, signing: provider.signing, heldKey: null, secret: null };
  }
  throw new WeirError(
    'unauthorized',
    `Weir holds no key for ${provider.name}${destination.named === null ? '' : ` at ${destination.named}`}: ` +
      `set ${whatToSet(provider)}, store one (npm run weir -- provider-key add), or send the provider's own.`,
  );
}

const signingSettings: Readonly<Record<Signing, string>> = {
  'aws-sigv4': 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  'google-service-account': 'GOOGLE_APPLICATION_CREDENTIALS',
};

function whatToSet({ keyEnvironment, signing }: Provider): string {
  const names = [keyEnvironment, signing === undefined ? null : signingSettings[signing]];
  return names.filter((name) => name !== null).join(', or ') || 'its environment variable';
}

/** The header by which Weir presents the key that it holds for a destination; null when it holds none. */
function heldCredential(
  destination: Destination,
  held: HeldKeys,
  tried: readonly string[],
): { id: string; secret: string; header: [string, string] } | null {
  const name = destination.provider.credentialHeaders[0];
  const key = name === undefined ? null : held.choose(destination, tried);
  if (key === null || name === undefined) return null;
  return { ...key, header: [name, name === 'authorization' ? `Bearer ${key.secret}` : key.secret] };
}

function holdsOurKey(value: string): boolean {
  if (!value.includes(keyPrefix)) return false;
  return value
    .replace(/^Bearer\s+/i, '')
    .trim()
    .startsWith(keyPrefix);
}

/**
 * The query without parameters that hold a Weir key or an AWS signature; everything else stays as it came. @param own it goes
 * where the caller meant: elsewhere its credential stays behind.
 */
export function forwardQuery(provider: Provider, query: string, own = true): string {
  if (query === '') return query;
  const presigned = isPresigned(provider, query);
  const rest = query
    .slice(1)
    .split('&')
    .filter((pair) => {
      const [[name, value] = ['', '']] = new URLSearchParams(pair);
      if (presigned && /^x-amz-/i.test(name)) return false;
      return !value.startsWith(keyPrefix) && (own || !provider.credentialQuery.includes(name));
    });
  return rest.length === 0 ? '' : `?${rest.join('&')}`;
}
