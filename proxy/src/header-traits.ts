/**
 * What the name of a header says, whatever its value: found out once for each spelling. Programs send the same few names with
 * every call, and to look each up in a dozen lists and patterns cost more than everything else that is done with a head.
 */
export interface HeaderTraits {
  /** The name in lower case. */
  readonly lower: string;
  /** It ends at the next hop, whatever `Connection` says (RFC 9110 §7.6.1), with `expect`, which Weir answers itself. */
  readonly hopByHop: boolean;
  /** It is told to Weir, or to a gateway that stood in its place: it stays here. */
  readonly own: boolean;
  /** Its values are never kept: they are, or contain, credentials. */
  readonly secret: boolean;
  /** In an answer its values are never kept. */
  readonly secretInAnswer: boolean;
  /** In an answer it is Weir's to say, and not the provider's. */
  readonly weirs: boolean;
  /** Where SDKs put keys, whatever the provider: a Weir key is taken from all of these and forwarded in none. */
  readonly key: boolean;
}

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
  'expect',
]);
const ownPrefixes = ['weir-', 'helicone-', 'x-portkey-', 'cf-aig-'];
const secretName = /auth|cookie|token|secret|password|signature|credential|api-?key|(^|-)key$/i;
const secretInAnswer = /^(set-cookie|www-authenticate)$|api-?key|token$/i;
const keyHeaders = new Set(['authorization', 'x-api-key', 'x-goog-api-key', 'api-key']);

/** Anybody may send any name: of too many, all are forgotten. */
const known = new Map<string, HeaderTraits>();
const mostKnown = 1024;
const longestKnown = 128;

export function headerTraits(name: string): HeaderTraits {
  const before = known.get(name);
  if (before !== undefined) return before;
  const lower = name.toLowerCase();
  const traits = {
    lower,
    hopByHop: hopByHop.has(lower),
    own: ownPrefixes.some((prefix) => lower.startsWith(prefix)),
    secret: secretName.test(lower),
    secretInAnswer: secretInAnswer.test(lower),
    weirs: lower.startsWith('weir-') || lower.startsWith('access-control-'),
    key: keyHeaders.has(lower),
  };
  if (known.size >= mostKnown) known.clear();
  if (name.length <= longestKnown) known.set(name, traits);
  return traits;
}
