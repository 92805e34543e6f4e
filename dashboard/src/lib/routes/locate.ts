/** Where in a JSON text a field stands, so that what is wrong with it can be shown there. Pure. */

export interface Place {
  from: number;
  to: number;
  /** From 1. */
  line: number;
}

/** @param path as in `rules.0.split`. The nearest that is there: what is missing is shown where it should be. */
export function locate(json: string, path: string): Place | undefined {
  let [at, end] = [skip(json, 0), json.length];
  if (at >= json.length) return undefined;
  for (const part of path === '' ? [] : path.split('.')) {
    const child = childOf(json, at, part);
    if (child === undefined) break;
    [at, end] = child;
  }
  if (end === json.length) end = endOf(json, at);
  return { from: at, to: end, line: json.slice(0, at).split('\n').length };
}

/** Start and end of a member or an element. */
function childOf(json: string, at: number, part: string): [number, number] | undefined {
  const open = json[at];
  if (open !== '{' && open !== '[') return undefined;
  let next = skip(json, at + 1);
  for (let index = 0; next < json.length && json[next] !== '}' && json[next] !== ']'; index++) {
    let name = String(index);
    if (open === '{') {
      const end = endOf(json, next);
      name = unquote(json.slice(next, end));
      next = skip(json, skip(json, end) + 1);
    }
    const end = endOf(json, next);
    if (end <= next) return undefined;
    if (name === part) return [next, end];
    next = skip(json, end);
    if (json[next] === ',') next = skip(json, next + 1);
  }
  return undefined;
}

function endOf(json: string, at: number): number {
  let depth = 0;
  for (let next = at; next < json.length; next++) {
    const char = json[next];
    if (char === '"') {
      next++;
      while (next < json.length && json[next] !== '"') next += json[next] === '\\' ? 2 : 1;
      if (depth === 0) return Math.min(json.length, next + 1);
    } else if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') {
      if (depth === 0) return next;
      if (--depth === 0) return next + 1;
    } else if (depth === 0 && (char === ',' || char === ':' || /\s/.test(char ?? ''))) return next;
  }
  return json.length;
}

const skip = (json: string, at: number): number => {
  let next = at;
  while (next < json.length && /\s/.test(json[next] ?? '')) next++;
  return next;
};

function unquote(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}
