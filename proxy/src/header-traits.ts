/**
 * What the name of a header says, whatever its value: found out once for each spelling. Programs send the same few names with
 * every call, and to look each up in a dozen lists and patterns took several microseconds of it.
 */
import { Memo } from './memo.ts';

export interface HeaderTraits {
  /** The name in lower case. */
  readonly lower: string;
  /** It can be the name of a header (RFC 9110 §5.6.2). */
  readonly isName: boolean;
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

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
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

const known = new Memo<HeaderTraits>(1_024, 128);

export function headerTraits(name: string): HeaderTraits {
  const before = known.get(name);
  if (before !== undefined) return before;
  const lower = name.toLowerCase();
  const traits = {
    lower,
    isName: token.test(name),
    hopByHop: hopByHop.has(lower),
    own: ownPrefixes.some((prefix) => lower.startsWith(prefix)),
    secret: secretName.test(lower),
    secretInAnswer: secretInAnswer.test(lower),
    weirs: lower.startsWith('weir-') || lower.startsWith('access-control-'),
    key: keyHeaders.has(lower),
  };
  known.set(name, traits);
  return traits;
}
