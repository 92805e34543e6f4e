/**
 * The one filter of all pages: conditions that all must hold. A condition has a text form (`provider is openai`), which
 * is also its form in the URL (`?f=provider+is+openai`, one `f` each), and an SQL form with bound values.
 */
import { z } from 'zod';
import { join, param, type Sql, sql } from './sql.ts';
import { outcomes } from './records.ts';
import { within } from './time.ts';

const textFields = {
  provider: sql`provider`,
  model: sql`if(response_model != '', response_model, request_model)`,
  request_model: sql`request_model`,
  response_model: sql`response_model`,
  operation: sql`operation`,
  outcome: sql`outcome`,
  user: sql`user_id`,
  session: sql`session_id`,
  key: sql`key_id`,
  project: sql`project`,
  error: sql`error_type`,
  path: sql`path`,
  host: sql`host`,
  route: sql`route`,
  split: sql`split`,
  variant: sql`variant`,
  prompt: sql`prompt`,
  cache: sql`cache`,
  usage: sql`usage_source`,
  trace: sql`trace_id`,
  price: sql`price_id`,
} as const;

const numberFields = {
  status: { sql: sql`status`, unit: '' },
  cost: { sql: sql`cost_usd`, unit: 'usd' },
  duration: { sql: sql`duration_ms`, unit: 'ms' },
  first_token: { sql: sql`ttft_ms`, unit: 'ms' },
  tokens: { sql: sql`(input_tokens + output_tokens)`, unit: '' },
  input: { sql: sql`input_tokens`, unit: '' },
  output: { sql: sql`output_tokens`, unit: '' },
  attempts: { sql: sql`attempts`, unit: '' },
} as const;

export type TextField = keyof typeof textFields;
export type NumberField = keyof typeof numberFields;
export const textFieldNames = Object.keys(textFields) as TextField[];
export const numberFieldNames = Object.keys(numberFields) as NumberField[];
/** Values that the program knows without asking the data. */
export const knownValues: Partial<Record<string, readonly string[]>> = {
  outcome: outcomes,
  cache: ['hit', 'semantic_hit', 'miss'],
  usage: ['provider', 'estimated', 'none'],
  streamed: ['yes', 'no'],
};

// Control characters never belong into a filter.
const printable = z
  .string()
  .max(500)
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'no control characters');
const values = z.array(printable).min(1).max(20);
const decimal = z.string().regex(/^-?\d{1,9}(\.\d{1,9})?$/, 'a number');
const propertyName = z.string().regex(/^[^\s"\u0000-\u001f\u007f]{1,100}$/);

export const condition = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('text'),
    field: z.enum(textFieldNames as [TextField, ...TextField[]]),
    op: z.enum(['is', 'is not', 'contains']),
    values,
  }),
  z.object({ kind: z.literal('property'), name: propertyName, op: z.enum(['is', 'is not', 'contains']), values }),
  z.object({
    kind: z.literal('number'),
    field: z.enum(numberFieldNames as [NumberField, ...NumberField[]]),
    op: z.enum(['=', '!=', '>', '>=', '<', '<=']),
    value: decimal,
  }),
  z.object({
    kind: z.literal('unknown'),
    field: z.enum(numberFieldNames as [NumberField, ...NumberField[]]),
    not: z.boolean(),
  }),
  z.object({ kind: z.literal('streamed'), value: z.boolean() }),
  z.object({ kind: z.literal('body'), text: printable.min(1) }),
]);
export type Condition = z.infer<typeof condition>;

export const filters = z.array(condition).max(20);
export type Filters = z.infer<typeof filters>;

/** At most so many requests are looked up by the text of their bodies; the page says so. */
export const BODY_MATCHES = 10_000;

// ---------- text ----------

const QUOTED = /^"((?:[^"\\]|\\.)*)"/;
const unquote = (text: string): string => text.replace(/\\(.)/g, '$1');
const needsQuotes = (text: string): boolean =>
  text === '' || /[",\\]|^\s|\s$|\s(or|and)\s|^(or|and|not|unknown|empty)$/i.test(text);
const writeValue = (text: string): string =>
  needsQuotes(text) ? `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"` : text;

/** One condition as a person types it. */
export function writeCondition(item: Condition): string {
  if (item.kind === 'body') return `text contains ${writeValue(item.text)}`;
  if (item.kind === 'streamed') return `streamed is ${item.value ? 'yes' : 'no'}`;
  if (item.kind === 'unknown') return `${item.field} is ${item.not ? 'not ' : ''}unknown`;
  if (item.kind === 'number') return `${item.field} ${item.op} ${item.value}`;
  const field = item.kind === 'property' ? `property.${item.name}` : item.field;
  return `${field} ${item.op} ${item.values.map(writeValue).join(' or ')}`;
}

/** The three parts that a chip shows. */
export function conditionParts(item: Condition): { field: string; op: string; value: string } {
  if (item.kind === 'body') return { field: 'text', op: 'contains', value: item.text };
  const text = writeCondition(item);
  const match = /^(\S+) (is not|is|contains|[<>!=]+) (.*)$/s.exec(text);
  return { field: match?.[1] ?? text, op: match?.[2] ?? '', value: match?.[3] ?? '' };
}

export type Parsed = { ok: true; condition: Condition } | { ok: false; reason: string };

const refuse = (reason: string): Parsed => ({ ok: false, reason });

function accept(candidate: unknown, text: string): Parsed {
  const result = condition.safeParse(candidate);
  return result.success
    ? { ok: true, condition: result.data }
    : refuse(`“${text}”: ${result.error.issues[0]?.message ?? 'not understood'}`);
}

function readValues(text: string): string[] | undefined {
  const found: string[] = [];
  let rest = text.trim();
  for (;;) {
    const quoted = QUOTED.exec(rest);
    if (quoted) {
      found.push(unquote(quoted[1] ?? ''));
      rest = rest.slice(quoted[0].length);
    } else {
      const end = rest.search(/\s+or\s+/i);
      const plain = (end < 0 ? rest : rest.slice(0, end)).trim();
      if (plain === '') return undefined;
      found.push(plain);
      rest = end < 0 ? '' : rest.slice(end);
    }
    if (rest.trim() === '') return found;
    const next = /^\s*or\s+/i.exec(rest);
    if (!next) return undefined;
    rest = rest.slice(next[0].length);
  }
}

const aliases: Record<string, string> = {
  ttft: 'first_token',
  user_id: 'user',
  session_id: 'session',
  latency: 'duration',
  usd: 'cost',
};

/** `2s`, `500 ms`, `$0.10`, `1,200`, `3k` as the number that the column holds. */
function readNumber(field: NumberField, text: string): string | undefined {
  const match = /^\$?\s*(-?[\d,]+(?:\.\d+)?)\s*(ms|s|m|min|k|usd|\$)?$/i.exec(text.trim());
  if (!match) return undefined;
  const digits = (match[1] ?? '').replaceAll(',', '');
  const unit = (match[2] ?? '').toLowerCase();
  const factor = { s: 1000, m: 60_000, min: 60_000, k: 1000 }[unit] ?? 1;
  if (['ms', 's', 'm', 'min'].includes(unit) && numberFields[field].unit !== 'ms') return undefined;
  return factor === 1 ? digits : String(Math.round(Number(digits) * factor * 1e6) / 1e6);
}

export function parseCondition(source: string): Parsed {
  const text = source.trim();
  if (text === '') return refuse('an empty filter');
  const match = /^([\w.:/@-]+)\s*(is\s+not|is|contains|>=|<=|!=|=|>|<)\s*(.*)$/is.exec(text);
  const name = (match?.[1] ?? '').toLowerCase();
  const field = Object.hasOwn(aliases, name) ? (aliases[name] ?? name) : name;
  const known =
    field === 'text' ||
    field === 'streamed' ||
    field.startsWith('property.') ||
    Object.hasOwn(textFields, field) ||
    Object.hasOwn(numberFields, field);
  // Words that name no field are text to look for.
  if (!match || !known) {
    const quoted = QUOTED.exec(text);
    const whole = quoted && quoted[0].length === text.length ? unquote(quoted[1] ?? '') : text;
    return accept({ kind: 'body', text: whole }, text);
  }
  const op = (match[2] ?? '').toLowerCase().replace(/\s+/g, ' ');
  const rest = match[3] ?? '';
  if (Object.hasOwn(numberFields, field)) return parseNumber(field as NumberField, op, rest, text);
  const list = readValues(rest);
  if (!list) return refuse(`“${text}” has no value`);
  if (field === 'text') return accept({ kind: 'body', text: list.join(' or ') }, text);
  if (field === 'streamed') {
    const yes = /^(yes|true|1)$/i.test(list[0] ?? '');
    return accept({ kind: 'streamed', value: op === 'is not' || op === '!=' ? !yes : yes }, text);
  }
  const verb = op === '=' ? 'is' : op === '!=' ? 'is not' : op;
  if (!['is', 'is not', 'contains'].includes(verb))
    return refuse(`“${text}”: ${field} is text; use is, is not or contains`);
  if (field.startsWith('property.'))
    return accept({ kind: 'property', name: field.slice('property.'.length), op: verb, values: list }, text);
  return accept({ kind: 'text', field, op: verb, values: list }, text);
}

function parseNumber(field: NumberField, op: string, rest: string, text: string): Parsed {
  if (/^unknown$/i.test(rest.trim()) && (op === 'is' || op === 'is not'))
    return accept({ kind: 'unknown', field, not: op === 'is not' }, text);
  const value = readNumber(field, rest);
  if (value === undefined) return refuse(`“${text}”: ${field} needs a number`);
  const sign = op === 'is' ? '=' : op === 'is not' ? '!=' : op;
  return accept({ kind: 'number', field, op: sign, value }, text);
}

/** Several conditions typed at once, parted by commas or “and” outside quotes. */
export function parseFilterText(source: string): Parsed[] {
  const parts: string[] = [];
  let part = '';
  let quoted = false;
  for (let index = 0; index < source.length; index += 1) {
    const char = source[index] ?? '';
    if (char === '\\' && quoted) {
      part += char + (source[index + 1] ?? '');
      index += 1;
      continue;
    }
    if (char === '"') quoted = !quoted;
    const and = !quoted ? /^\s+and\s+(?=\S+\s*(is|contains|[<>!=]))/i.exec(source.slice(index)) : null;
    // A comma between digits belongs to a number: `tokens > 1,000`.
    const comma =
      char === ',' && !quoted && !(/\d/.test(source[index - 1] ?? '') && /^\d{3}(?!\d)/.test(source.slice(index + 1)));
    if (and || comma) {
      parts.push(part);
      part = '';
      index += and ? and[0].length - 1 : 0;
    } else {
      part += char;
    }
  }
  return [...parts, part].filter((item) => item.trim() !== '').map(parseCondition);
}

// ---------- URL ----------

export function filtersFromUrl(params: URLSearchParams): { filters: Filters; problems: string[] } {
  const parsed = params.getAll('f').slice(0, 20).map(parseCondition);
  return {
    filters: parsed.flatMap((item) => (item.ok ? [item.condition] : [])),
    problems: parsed.flatMap((item) => (item.ok ? [] : [item.reason])),
  };
}

export function filtersToUrl(list: Filters, params: URLSearchParams): URLSearchParams {
  const next = new URLSearchParams(params);
  next.delete('f');
  for (const item of list) next.append('f', writeCondition(item));
  return next;
}

// ---------- SQL ----------

const comparisons: Record<'=' | '!=' | '>' | '>=' | '<' | '<=', Sql> = {
  '=': sql`=`,
  '!=': sql`!=`,
  '>': sql`>`,
  '>=': sql`>=`,
  '<': sql`<`,
  '<=': sql`<=`,
};

function matches(expression: Sql, op: 'is' | 'is not' | 'contains', list: readonly string[]): Sql {
  if (op === 'contains') {
    return sql`(${join(
      list.map((value) => sql`positionCaseInsensitiveUTF8(${expression}, ${value}) > 0`),
      sql` OR `,
    )})`;
  }
  const [only, ...more] = list;
  if (more.length === 0) return op === 'is' ? sql`${expression} = ${only ?? ''}` : sql`${expression} != ${only ?? ''}`;
  return op === 'is' ? sql`${expression} IN ${list}` : sql`${expression} NOT IN ${list}`;
}

function conditionSql(item: Condition, range: { from: number; to: number }): Sql {
  switch (item.kind) {
    case 'text':
      return matches(textFields[item.field], item.op, item.values);
    case 'property':
      return matches(sql`properties[${item.name}]`, item.op, item.values);
    case 'number':
      return sql`${numberFields[item.field].sql} ${comparisons[item.op]} ${param(item.value, 'Decimal(18, 9)')}`;
    case 'unknown':
      return item.not ? sql`${numberFields[item.field].sql} IS NOT NULL` : sql`${numberFields[item.field].sql} IS NULL`;
    case 'streamed':
      return item.value ? sql`streamed` : sql`NOT streamed`;
    case 'body':
      return sql`request_id IN (
    SELECT request_id FROM bodies
    WHERE ${within(range)}
      AND (positionCaseInsensitiveUTF8(request, ${item.text}) > 0 OR positionCaseInsensitiveUTF8(response, ${item.text}) > 0)
    ORDER BY started_at DESC LIMIT ${BODY_MATCHES})`;
  }
}

/** The time range and all conditions, ready to stand after WHERE. */
export function where(range: { from: number; to: number }, list: Filters): Sql {
  return join(
    [within(range), ...list.map((item) => conditionSql(item, range))],
    sql`
  AND `,
  );
}

/** What a field is compared by, for questions about its values. */
export const fieldSql = (field: TextField): Sql => textFields[field];
