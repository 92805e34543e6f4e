import type { JsonObject } from '../../json/value.ts';
import { asText } from '../../json/value.ts';

/** Characters of arguments, and places among them, that are kept of one call. */
const LIMIT = 4_194_304;
const DEPTH = 32;

/**
 * Arguments that come in pieces, each with its place as a JSON path
 * (cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc): text at one place adds up.
 */
export class PartialArguments {
  readonly value: Record<string, unknown> = {};
  #size = 0;

  add(piece: JsonObject | null): void {
    const path = asText(piece?.['jsonPath']);
    if (piece === null || path === null) return;
    const steps = stepsOf(path);
    this.#size += path.length + (asText(piece['stringValue'])?.length ?? 0);
    if (steps.length === 0 || steps.length > DEPTH || this.#size > LIMIT) return;
    set(this.value, steps, piece);
  }
}

/** `$.a.b[0]['c']` as its steps. */
function stepsOf(path: string): (string | number)[] {
  const steps: (string | number)[] = [];
  for (const [, name, index, quoted] of path.matchAll(/\.([^.[\]]+)|\[(\d{1,4})\]|\[['"]([^'"]*)['"]\]/g))
    steps.push(index === undefined ? (name ?? quoted ?? '') : Number(index));
  return steps.includes('__proto__') ? [] : steps;
}

type Holder = Record<string | number, unknown>;

function set(root: Record<string, unknown>, steps: readonly (string | number)[], piece: JsonObject): void {
  let holder = root as Holder;
  steps.slice(0, -1).forEach((step, at) => {
    const next = holder[step];
    if (typeof next !== 'object' || next === null) holder[step] = typeof steps[at + 1] === 'number' ? [] : {};
    holder = holder[step] as Holder;
  });
  const last = steps.at(-1) ?? '';
  const before = holder[last];
  const text = piece['stringValue'];
  if (typeof text === 'string') holder[last] = typeof before === 'string' ? before + text : text;
  else if (typeof piece['numberValue'] === 'number') holder[last] = piece['numberValue'];
  else if (typeof piece['boolValue'] === 'boolean') holder[last] = piece['boolValue'];
  else if ('nullValue' in piece) holder[last] = null;
}
