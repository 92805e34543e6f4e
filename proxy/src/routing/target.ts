/** A target as headers and routes write it: `provider[:place]/model` (CONTRACT.md §4). */
import { WeirError, type ErrorCode } from '../errors.ts';
import type { Provider } from '../providers/provider.ts';
import { providers } from '../providers/registry.ts';

/** Of a target, characters: as the schema of routes has it. */
const longest = 300;

export interface RouteTarget {
  /** As it was written. */
  text: string;
  provider: Provider;
  /** Azure resource, AWS or Vertex region; '' for a provider without places. */
  place: string;
  model: string;
}

/** @throws WeirError that says what of it is wrong. @param code `bad_header` for one of a header, `bad_request` for a saved one. */
export function parseTarget(text: string, code: ErrorCode = 'bad_header'): RouteTarget {
  const quoted = JSON.stringify(text.slice(0, 128));
  const parts = text.length > longest ? null : /^([a-z0-9-]+)(?::([a-z0-9.-]+))?\/(\S+)$/.exec(text);
  if (parts === null) {
    throw new WeirError(code, `${quoted} is no target: expected provider/model or provider:place/model.`);
  }
  const [, name = '', place = '', model = ''] = parts;
  const provider = providers.get(name);
  if (provider === undefined || provider.pathOf === undefined) {
    const known = [...providers.values()].filter(({ pathOf }) => pathOf !== undefined).map(({ name: one }) => one);
    throw new WeirError(code, `${quoted}: no target is at ${JSON.stringify(name)}; known: ${known.join(', ')}.`);
  }
  if (provider.place === undefined && place !== '') {
    throw new WeirError(code, `${quoted}: ${name} has no places; expected ${name}/${model}.`);
  }
  if (provider.place !== undefined && provider.place.hostOf(place, '/') === null) {
    const { noun, example } = provider.place;
    throw new WeirError(code, `${quoted}: expected a ${noun}, as in ${name}:${example}/${model}.`);
  }
  return { text, provider, place, model };
}
