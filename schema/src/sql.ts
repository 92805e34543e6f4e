/**
 * SQL as a value. A fragment is text from our own source plus bound parameters; nothing else can get in:
 * whatever is interpolated is either another fragment or becomes a server-side parameter `{p0:String}`.
 */

const brand: unique symbol = Symbol('sql');

export type ParamType =
  | 'String'
  | 'Array(String)'
  | 'Int64'
  | 'UInt64'
  | 'Float64'
  | 'Bool'
  | 'UUID'
  | 'Decimal(18, 9)'
  | "DateTime64(6, 'UTC')";

export interface Param {
  readonly value: string | number | boolean | readonly string[];
  readonly type: ParamType;
}

export interface Sql {
  readonly [brand]: true;
  /** One more than `params`: the text around them. */
  readonly strings: readonly string[];
  readonly params: readonly Param[];
}

export type Interpolated = Sql | TypedParam | string | number | boolean | readonly string[];

interface TypedParam extends Param {
  readonly [brand]: 'param';
}

const isFragment = (value: unknown): value is Sql =>
  typeof value === 'object' && value !== null && (value as Partial<Sql>)[brand] === true;

const isTyped = (value: unknown): value is TypedParam =>
  typeof value === 'object' && value !== null && (value as Partial<TypedParam>)[brand] === 'param';

function toParam(value: Exclude<Interpolated, Sql>): Param {
  if (isTyped(value)) return { value: value.value, type: value.type };
  if (typeof value === 'string') return { value, type: 'String' };
  if (typeof value === 'boolean') return { value, type: 'Bool' };
  if (typeof value === 'number') return { value, type: Number.isInteger(value) ? 'Int64' : 'Float64' };
  return { value: value as readonly string[], type: 'Array(String)' };
}

/** A value with a type other than the one its JavaScript type suggests. */
export const param = (value: Param['value'], type: ParamType): TypedParam => ({ [brand]: 'param', value, type });

export function sql(texts: TemplateStringsArray, ...values: readonly Interpolated[]): Sql {
  const strings: string[] = [texts[0] ?? ''];
  const params: Param[] = [];
  values.forEach((value, index) => {
    const after = texts[index + 1] ?? '';
    if (isFragment(value)) {
      strings[strings.length - 1] += value.strings[0] ?? '';
      params.push(...value.params);
      strings.push(...value.strings.slice(1));
      strings[strings.length - 1] += after;
    } else {
      params.push(toParam(value));
      strings.push(after);
    }
  });
  return { [brand]: true, strings, params };
}

export const empty: Sql = sql``;

/** Fragments one after the other. The separator is a fragment too, so that it cannot carry a value. */
export function join(fragments: readonly Sql[], separator: Sql): Sql {
  return fragments.reduce((all, next, index) => (index === 0 ? next : sql`${all}${separator}${next}`), empty);
}

export interface Bound {
  query: string;
  query_params: Record<string, Param['value']>;
}

/** What the server gets: text with placeholders, and the values apart from it. */
export function bind(fragment: Sql): Bound {
  let query = fragment.strings[0] ?? '';
  const query_params: Bound['query_params'] = {};
  fragment.params.forEach((item, index) => {
    query += `{p${index}:${item.type}}${fragment.strings[index + 1] ?? ''}`;
    query_params[`p${index}`] = item.value;
  });
  return { query: tidy(query), query_params };
}

/** What a person reads, copies and runs: the same text with its parameters as literals. Never executed by us. */
export function display(fragment: Sql): string {
  let text = fragment.strings[0] ?? '';
  fragment.params.forEach((item, index) => {
    text += literal(item) + (fragment.strings[index + 1] ?? '');
  });
  return tidy(text);
}

const quote = (value: string): string =>
  `'${value
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "\\'")
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replaceAll('\0', '\\0')}'`;

export function literal({ value, type }: Param): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return `[${value.map(quote).join(', ')}]`;
  if (type === 'UUID') return `toUUID(${quote(value)})`;
  if (type === 'Decimal(18, 9)') return `toDecimal64(${quote(value)}, 9)`;
  if (type === "DateTime64(6, 'UTC')") return `toDateTime64(${quote(value.replace(/\.0+$/, ''))}, 6, 'UTC')`;
  return quote(value);
}

/** Drops the indentation that a template has from its place in our source, and blank lines. */
function tidy(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const first = lines[0];
  const rest = text.startsWith('\n') ? lines : lines.slice(1);
  const indent = Math.min(...rest.map((line) => line.length - line.trimStart().length), Infinity);
  return lines
    .map((line) => (line === first && !text.startsWith('\n') ? line : line.slice(Number.isFinite(indent) ? indent : 0)))
    .join('\n')
    .trimEnd();
}
