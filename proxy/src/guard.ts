/**
 * May this URL be called? A caller names a host only through `Weir-Target-Url`; it must be on the operator's list, and the
 * address it resolves to is checked when the connection is made, so that a name cannot change its meaning in between (DNS
 * rebinding).
 */
import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import { isLoopbackName } from './env.ts';
import { WeirError } from './errors.ts';

/** Addresses that a listed *name* may not turn out to be; a listed address may be anything. */
const neverByName = new BlockList();
neverByName.addSubnet('0.0.0.0', 8, 'ipv4');
neverByName.addSubnet('127.0.0.0', 8, 'ipv4');
neverByName.addSubnet('169.254.0.0', 16, 'ipv4'); // link-local: cloud metadata
neverByName.addSubnet('224.0.0.0', 3, 'ipv4');
neverByName.addAddress('::', 'ipv6');
neverByName.addAddress('::1', 'ipv6');
neverByName.addSubnet('fe80::', 10, 'ipv6');
neverByName.addSubnet('ff00::', 8, 'ipv6');
neverByName.addSubnet('::ffff:0:0', 96, 'ipv6'); // IPv4 in IPv6 clothes
neverByName.addAddress('fd00:ec2::254', 'ipv6'); // AWS metadata

export interface GuardOptions {
  /** `host`, `host:port` or `host:*`, lower case. */
  allowTargets: readonly string[];
  isOwnAddress: (host: string, port: number) => boolean;
}

/**
 * Reads `Weir-Target-Url`.
 * @throws WeirError `bad_header` when it is no URL, `forbidden_target` when the operator does not allow it.
 */
export function parseTargetUrl(text: string | null, options: GuardOptions): { origin: string; basePath: string } {
  if (text === null) {
    throw new WeirError('bad_header', 'weir-target-url: /custom/… needs it, e.g. https://llm.internal:8443.');
  }
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new WeirError('bad_header', 'weir-target-url: expected a URL such as https://llm.internal:8443.');
  }
  const plain = (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '' && url.password === '';
  if (!plain || url.search !== '' || url.hash !== '') {
    throw new WeirError('bad_header', 'weir-target-url: expected http(s)://host[:port][/path] and nothing else.');
  }
  const host = url.hostname.toLowerCase();
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  if (!options.allowTargets.some((entry) => matchesEntry(entry, host, port, url.port === ''))) {
    throw new WeirError('forbidden_target', `${host}:${port} is not in WEIR_ALLOW_TARGETS.`);
  }
  if (options.isOwnAddress(host, port)) {
    throw new WeirError('forbidden_target', `${host}:${port} is Weir itself.`);
  }
  return { origin: url.origin, basePath: url.pathname === '/' ? '' : url.pathname.replace(/\/$/, '') };
}

function matchesEntry(entry: string, host: string, port: number, defaultPort: boolean): boolean {
  const split = /^(\[[^\]]*\]|[^:]*)(?::(\*|\d+))?$/.exec(entry);
  if (split === null || split[1] !== host) return false;
  return split[2] === undefined ? defaultPort : split[2] === '*' || Number(split[2]) === port;
}

type LookupCallback = (error: NodeJS.ErrnoException | null, address: LookupAddress[] | string, family: number) => void;

/** `lookup` for connections to guarded targets: refuses a name that resolves to this machine or to a link-local address. */
export function guardedLookup(hostname: string, options: LookupOptions, callback: LookupCallback): void {
  if (isIP(hostname) !== 0 || isLoopbackName(hostname)) {
    systemLookup(hostname, options, callback);
    return;
  }
  systemLookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, [], 0);
    const allowed = addresses.filter(
      ({ address, family }) => !neverByName.check(address, family === 6 ? 'ipv6' : 'ipv4'),
    );
    const first = allowed[0];
    if (first === undefined) {
      return callback(Object.assign(new Error('address not allowed'), { code: 'WEIR_FORBIDDEN_ADDRESS' }), [], 0);
    }
    if (options.all === true) callback(null, allowed, 0);
    else callback(null, first.address, first.family);
  });
}
