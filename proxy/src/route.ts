/** From a request's raw target and instructions to the place it goes. */
import type { Target } from './call.ts';
import { WeirError } from './errors.ts';
import { parseTargetUrl } from './guard.ts';
import type { Instructions } from './instructions.ts';
import type { Provider } from './providers/provider.ts';
import { providers, readerOf } from './providers/registry.ts';
import { UNIFIED, unifiedRoots } from './providers/unified.ts';

/** The parts of `/{provider}[/{place}]/rest?query`, untouched: nothing is decoded, merged or normalised. Of the unified API the path is whole. */
export interface SplitPath {
  provider: string;
  /** Azure resource, AWS or Vertex region; '' for a provider without places, or when there is none. */
  place: string;
  /** With its leading slash. */
  path: string;
  /** With its `?`, or ''. */
  query: string;
}

/** Splits a raw request target (RFC 9112 §3.2). An absolute-form target counts by its path. */
export function splitPath(rawTarget: string): SplitPath {
  const target = rawTarget.startsWith('/') ? rawTarget : rawTarget.replace(/^[a-z]+:\/\/[^/?]*/i, '') || '/';
  const mark = target.indexOf('?');
  const whole = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? '' : target.slice(mark);
  const [provider, rest] = firstSegment(whole);
  if (unifiedRoots.has(provider)) return { provider: UNIFIED.name, place: '', path: whole, query };
  const [place, path] = providers.get(provider)?.place === undefined ? ['', rest] : firstSegment(rest);
  return {
    provider,
    place,
    path,
    query,
  };
}

function firstSegment(path: string): [string, string] {
  const slash = path.indexOf('/', 1);
  return slash === -1 ? [path.slice(1), '/'] : [path.slice(1, slash), path.slice(slash)];
}

/** @throws WeirError `unknown_provider`, listing those that are known. */
export function findProvider(name: string): Provider {
  const provider = readerOf(name);
  if (provider === undefined) {
    const known = [...providers.keys()].join(', ');
    throw new WeirError(
      'unknown_provider',
      `No provider is called ${JSON.stringify(name.slice(0, 64))}; known: ${known}.`,
    );
  }
  return provider;
}

export interface RouteOptions {
  upstreams: ReadonlyMap<string, string>;
  allowTargets: readonly string[];
  isOwnAddress: (host: string, port: number) => boolean;
}

/** The vendor's own host. @throws WeirError `unknown_provider` when a place is needed and none is named. */
function vendorHost(provider: Provider, split: SplitPath): string | null {
  if (provider.place === undefined) return provider.host;
  const host = provider.place.hostOf(split.place, split.path);
  if (host !== null) return host;
  const { noun, example } = provider.place;
  throw new WeirError(
    'unknown_provider',
    `/${provider.name}/ is followed by a ${noun}, as in /${provider.name}/${example}/…; ` +
      `${JSON.stringify(split.place.slice(0, 64))} cannot be one.`,
  );
}

/** Where a native call goes: the provider's host (or its replacement) and the rest of the path as it came. */
export function routeNative(
  provider: Provider,
  split: SplitPath,
  instructions: Instructions,
  options: RouteOptions,
): Target {
  const replaced = options.upstreams.get(provider.name);
  const host = vendorHost(provider, split);
  if (host === null && replaced === undefined) {
    const origin = parseTargetUrl(instructions.targetUrl, options);
    return { provider, ...origin, path: origin.basePath + split.path + split.query, guarded: true };
  }
  if (instructions.targetUrl !== null && host !== null) {
    throw new WeirError('bad_header', 'weir-target-url: only calls to /custom/… may name their target.');
  }
  return {
    provider,
    origin: replaced ?? host ?? '',
    path: split.path + split.query,
    guarded: false,
  };
}
