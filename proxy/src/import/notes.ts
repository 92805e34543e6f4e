/** What an import has to say: nothing of a configuration is dropped without a note, and no secret of it is ever in one. */
import { routeSettings, type RouteSettings } from '@weir/schema/settings/route';
import type { z } from 'zod';

/** `lost`: is not in the routes. `differs`: is, but does something else than it did. */
export type NoteKind = 'lost' | 'differs';

export interface Note {
  kind: NoteKind;
  /** The field, as in `targets[1].custom_host`. */
  field: string;
  why: string;
  todo: string;
}

/** Where a secret is. Its text is never carried. */
export type SecretPlace =
  | { kind: 'environment'; variable: string }
  /** Stands in the file itself. */
  | { kind: 'literal'; field: string }
  /** Held by the other gateway, under a name. */
  | { kind: 'elsewhere'; name: string };

/** A provider key that calls will need. */
export interface NeededKey {
  provider: string;
  place: string;
  secret: SecretPlace;
}

/** A route before its defaults are filled in. */
export type WrittenRoute = z.input<typeof routeSettings>;

export interface Imported {
  routes: RouteSettings[];
  keys: NeededKey[];
  notes: Note[];
}

/** Gathers what is said while a configuration is read: equal things once. */
export class Findings {
  readonly notes: Note[] = [];
  readonly keys: NeededKey[] = [];

  lost(field: string, why: string, todo: string): void {
    this.#note({ kind: 'lost', field, why, todo });
  }

  differs(field: string, why: string, todo: string): void {
    this.#note({ kind: 'differs', field, why, todo });
  }

  need(key: NeededKey): void {
    if (!this.keys.some((other) => JSON.stringify(other) === JSON.stringify(key))) this.keys.push(key);
  }

  /** A route as it would be saved; one that Weir would refuse is said, and left out. */
  finish(written: readonly { field: string; route: WrittenRoute }[]): Imported {
    const routes = written.flatMap(({ field, route }) => {
      const parsed = routeSettings.safeParse(route);
      if (parsed.success) return [parsed.data];
      const [issue] = parsed.error.issues;
      const where = issue?.path.join('.') ?? '';
      this.lost(field, `the route would be refused at ${where}: ${issue?.message ?? 'unreadable'}`, 'change it there');
      return [];
    });
    return { routes, keys: this.keys, notes: this.notes };
  }

  #note(note: Note): void {
    if (!this.notes.some((other) => JSON.stringify(other) === JSON.stringify(note))) this.notes.push(note);
  }
}

/** The file does not have the shape that its gateway documents. */
export class ImportError extends Error {
  override name = 'ImportError';
}

/** @param file what kind of file it is. @throws ImportError with a sentence that names the field. */
export function parseConfig<T extends z.ZodType>(schema: T, value: unknown, file: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = deepest(result.error.issues[0]);
  const field = fieldText(issue?.path ?? []);
  throw new ImportError(
    `This is no ${file}: ${field === '' ? 'the whole' : field}: ${issue?.message ?? 'unreadable'}.`,
  );
}

/** Of a union, what its nearest member complains of. */
function deepest(issue: z.core.$ZodIssue | undefined): z.core.$ZodIssue | undefined {
  if (issue?.code !== 'invalid_union') return issue;
  const inner = issue.errors.flat().sort((one, other) => other.path.length - one.path.length)[0];
  if (inner === undefined || inner.path.length === 0) return issue;
  return deepest({ ...inner, path: [...issue.path, ...inner.path] });
}

/** `['targets', 0, 'weight']` → `targets[0].weight`. */
export function fieldText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

/** A field of a node, of which '' is the whole file. */
export function under(field: string, name: string): string {
  return field === '' ? name : `${field}.${name}`;
}

/** Shares of any size as whole numbers that stand in the same proportion, 1,000,000 at most. */
export function wholeWeights(weights: readonly number[]): number[] {
  const most = Math.max(...weights);
  if (weights.every(Number.isInteger) && most <= 1_000_000) return [...weights];
  const digits = [1, 2, 3, 4, 5, 6].find((n) => weights.every((weight) => isWhole(weight * 10 ** n)));
  const scaled =
    digits === undefined || most * 10 ** digits > 1e15
      ? weights.map((weight) => Math.round((weight / most) * 1_000_000))
      : weights.map((weight) => Math.round(weight * 10 ** digits));
  const divisor = scaled.reduce(greatestDivisor, 0) || 1;
  const smallest = scaled.map((weight) => weight / divisor);
  const top = Math.max(...smallest);
  return top <= 1_000_000 ? smallest : smallest.map((weight) => Math.round((weight / top) * 1_000_000));
}

function isWhole(value: number): boolean {
  return Math.abs(value - Math.round(value)) < 1e-6;
}

function greatestDivisor(one: number, other: number): number {
  return other === 0 ? one : greatestDivisor(other, one % other);
}

/** A name that a route may have. @param taken those of others; the new one is added. */
export function routeName(text: string, taken: Set<string>): string {
  const base =
    text
      .replace(/[^A-Za-z0-9_.-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+|-+$/g, '')
      .slice(0, 60) || 'route';
  let name = base;
  for (let n = 2; taken.has(name); n++) name = `${base}-${n}`;
  taken.add(name);
  return name;
}
