/**
 * Whose credential goes where (CONTRACT.md §4). The caller's own goes only to the provider that its path names; a value
 * that begins with `wk_` is Weir's own and goes nowhere; a key that Weir holds is used for a valid Weir key that brings no
 * credential of its own.
 */
import { WeirError } from './errors.ts';
import { connectionNames, isHopByHop, isOwnHeader, type Instructions } from './headers.ts';
import { keyPrefix, type KeyHolder, type Keys } from './keys.ts';
import type { Provider } from './providers/provider.ts';

export interface Credentials {
  holder: KeyHolder | null;
  /** The caller brought the provider's own credential. */
  own: boolean;
}

export interface CredentialOptions {
  keys: Keys;
  requireKey: boolean;
  providerKeys: ReadonlyMap<string, string>;
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
  for (const value of credentialValues(provider, raw, query)) {
    if (value.startsWith(keyPrefix)) texts.push(value);
    else if (value !== '') own = true;
  }
  const text = texts[0];
  if (text === undefined) {
    if (options.requireKey) throw new WeirError('unauthorized', 'This Weir needs a key: send Weir-Key: wk_….');
    return { holder: null, own };
  }
  const holder = options.keys.find(text);
  if (holder === null) throw new WeirError('unauthorized', 'This Weir key is not known here, or is disabled.');
  return { holder, own };
}

function* credentialValues(provider: Provider, raw: readonly string[], query: string): Generator<string> {
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase();
    if (provider.credentialHeaders.includes(name) || isKeyHeader(name)) {
      yield (raw[index + 1] as string).replace(/^Bearer\s+/i, '').trim();
    }
  }
  if (query.length > 1) {
    const parameters = new URLSearchParams(query);
    for (const name of provider.credentialQuery) yield* parameters.getAll(name);
  }
}

/** Where SDKs put keys, whatever the provider: a Weir key is taken from all of these and forwarded in none. */
function isKeyHeader(name: string): boolean {
  return name === 'authorization' || name === 'x-api-key' || name === 'x-goog-api-key' || name === 'api-key';
}

/** Header names whose values are never kept: they are, or contain, credentials. */
const secretName = /auth|cookie|token|secret|password|signature|credential|api-?key|(^|-)key$/i;

export interface ForwardedHeaders {
  /** To send: raw, in the client's order and spelling. */
  forwarded: string[];
  /** To keep: the same, credentials replaced. */
  kept: string[];
}

/** The request headers that go on, and what is kept of them. */
export function forwardHeaders(
  provider: Provider,
  raw: readonly string[],
  connection: string | undefined,
  credentials: Credentials,
  options: Pick<CredentialOptions, 'providerKeys'>,
): ForwardedHeaders {
  const dropped = connectionNames(connection);
  const forwarded: string[] = [];
  const kept: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] as string;
    const value = raw[index + 1] as string;
    const lower = name.toLowerCase();
    if (lower === 'host' || isHopByHop(lower, dropped)) continue;
    const secret = secretName.test(lower) || provider.credentialHeaders.includes(lower);
    kept.push(name, secret ? '[removed]' : value);
    if (isOwnHeader(lower)) continue;
    if (
      isKeyHeader(lower) &&
      value
        .replace(/^Bearer\s+/i, '')
        .trim()
        .startsWith(keyPrefix)
    )
      continue;
    forwarded.push(name, value);
  }
  if (!credentials.own && credentials.holder !== null)
    forwarded.push(...heldCredential(provider, options.providerKeys));
  return { forwarded, kept };
}

/** The header by which Weir presents the key that it holds for a provider. */
function heldCredential(provider: Provider, held: ReadonlyMap<string, string>): [string, string] {
  const key = held.get(provider.name);
  const header = provider.credentialHeaders[0];
  if (key === undefined || header === undefined) {
    const where = provider.keyEnvironment ?? 'its environment variable';
    throw new WeirError(
      'unauthorized',
      `Weir holds no key for ${provider.name}: set ${where}, or send the provider's own.`,
    );
  }
  return [header, header === 'authorization' ? `Bearer ${key}` : key];
}

/** The query without parameters that hold a Weir key; everything else stays as it came. */
export function forwardQuery(provider: Provider, query: string): string {
  if (!query.includes(keyPrefix)) return query;
  const rest = query
    .slice(1)
    .split('&')
    .filter((pair) => {
      const [name = '', value = ''] = pair.split('=', 2);
      return !(provider.credentialQuery.includes(name) && value.startsWith(keyPrefix));
    });
  return rest.length === 0 ? '' : `?${rest.join('&')}`;
}
