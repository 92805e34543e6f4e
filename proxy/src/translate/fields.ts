/** Reading a client's request: what is wrong is refused by the field's name, what is lost is noted. */
import { WeirError } from '../errors.ts';
import type { JsonObject } from '../json/value.ts';
import { asObject } from '../json/value.ts';

/** Refuses the request: `why` ends the sentence that begins with the field. */
export function refuse(field: string, why: string): never {
  throw new WeirError('bad_request', `${field}: ${why}.`, [{ field, message: why }]);
}

/** The losses that do no harm, each once: they become the row's `warnings`. */
export class Notes {
  readonly #tokens = new Set<string>();

  /** A field that the target has no place for. */
  drop(field: string): void {
    this.note('dropped', field);
  }

  note(what: string, field: string): void {
    // A client chooses its fields' names: they are cut, and only so many are told.
    if (this.#tokens.size < 64) this.#tokens.add(`${what}:${field.slice(0, 64)}`);
  }

  /** Members that are neither known nor empty. */
  dropOthers(object: JsonObject, known: ReadonlySet<string>, prefix = ''): void {
    for (const [name, value] of Object.entries(object)) {
      if (!known.has(name) && present(value)) this.drop(prefix + name);
    }
  }

  get list(): string[] {
    return [...this.#tokens];
  }
}

/** Whether a member says anything: `null` is what absent is. */
export function present(value: unknown): boolean {
  return value !== undefined && value !== null;
}

export function numberAt(value: unknown, field: string): number | null {
  if (!present(value)) return null;
  if (typeof value !== 'number' || !Number.isFinite(value)) refuse(field, 'expected a number');
  return value;
}

export function booleanAt(value: unknown, field: string): boolean | null {
  if (!present(value)) return null;
  if (typeof value !== 'boolean') refuse(field, 'expected true or false');
  return value;
}

export function textAt(value: unknown, field: string): string | null {
  if (!present(value)) return null;
  if (typeof value !== 'string') refuse(field, 'expected text');
  return value;
}

/** Text that must be there. */
export function neededText(value: unknown, field: string): string {
  const text = textAt(value, field);
  if (text === null || text === '') refuse(field, 'is missing');
  return text;
}

export function listAt(value: unknown, field: string): readonly unknown[] {
  if (!present(value)) return [];
  if (!Array.isArray(value)) refuse(field, 'expected a list');
  return value;
}

export function objectAt(value: unknown, field: string): JsonObject {
  const object = asObject(value);
  if (object === null) refuse(field, 'expected an object');
  return object;
}

/** The same of a member that may be absent. */
export function maybeObjectAt(value: unknown, field: string): JsonObject | null {
  return present(value) ? objectAt(value, field) : null;
}

export function textsAt(value: unknown, field: string): string[] {
  return listAt(value, field).map((item, index) => textAt(item, `${field}[${index}]`) ?? '');
}

/** An object without its members that are undefined. */
export function compact(object: JsonObject): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

/** `{name: value}`, or nothing where there is no value: to be spread. */
export function maybe(name: string, value: unknown): JsonObject {
  return present(value) ? { [name]: value } : {};
}
