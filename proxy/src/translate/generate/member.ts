import type { JsonObject } from '../../json/value.ts';

/** A member by its name in `camelCase`, or in `snake_case`: Google's APIs take both. */
export function member(object: JsonObject | null | undefined, name: string): unknown {
  return object?.[name] ?? object?.[snake(name)];
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Both spellings of these names. */
export function both(...names: readonly string[]): ReadonlySet<string> {
  return new Set(names.flatMap((name) => [name, snake(name)]));
}
