/** One of Weir's own paths: who may use it, what it takes, what it answers. What is checked is checked here, for all of them. */
import type { Context } from 'hono';
import { z } from 'zod';
import type { Role } from '@weir/schema/records';
import type { Bindings } from '../app.ts';
import { holdWhole, readBody } from '../body.ts';
import { fieldsError, WeirError } from '../errors.ts';
import { parseInstructions } from '../headers.ts';
import type { KeyHolder } from '../keys/holder.ts';
import { keyPrefix } from '../keys/text.ts';
import type { ApiOptions } from './api.ts';

/** `nobody`: needs no key. `caller`: a key, wherever calls need one. Else the least role of the key. */
export type Needs = 'nobody' | 'caller' | Exclude<Role, ''>;

export interface Asked<Query, Body> {
  api: ApiOptions;
  /** Whose key was sent; null where none is needed and none was. */
  caller: KeyHolder | null;
  /** For whom the caller says to ask: `Weir-User`. */
  user: string;
  /** The path's `{id}`; '' where it has none. */
  id: string;
  query: Query;
  body: Body;
}

export type Answer = { status?: 200 | 201; json: unknown } | { type: string; text: string };

export interface Endpoint<Query extends z.ZodType = z.ZodType, Body extends z.ZodType = z.ZodType> {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** After `/weir`, with `{id}` for a name. */
  path: string;
  needs: Needs;
  summary: string;
  query?: Query;
  /** Of a write; absent: an empty object. */
  body?: Body;
  /** Of the answer; null where it is no JSON. */
  reply: z.ZodType | null;
  replies: string;
  run(asked: Asked<z.output<Query>, z.output<Body>>): Answer | Promise<Answer>;
}

/** An endpoint whose parts fit each other, as one that can stand in a list. */
export function endpoint<Query extends z.ZodType, Body extends z.ZodType>(made: Endpoint<Query, Body>): Endpoint {
  // `run` gets what its own schemas have parsed, and nothing else: `answer` below is its only caller.
  return made as unknown as Endpoint;
}

/** From least to most. */
const order: readonly Role[] = ['', 'viewer', 'editor', 'admin'];

/** Whether a key of this role is enough. @param role null: no key. */
export function isEnough(needs: Needs, role: Role | null, keyRequired: boolean): boolean {
  if (needs === 'nobody') return true;
  if (needs === 'caller') return role !== null || !keyRequired;
  return role !== null && order.indexOf(role) >= order.indexOf(needs);
}

const nothing = z.strictObject({});

/** Checks who asks, then what, then runs. @throws WeirError */
export async function answer(
  c: Context<Bindings>,
  { needs, method, query, body, run }: Endpoint,
  api: ApiOptions,
): Promise<Response> {
  const caller = identify(c, needs, api);
  const answered = await run({
    api,
    caller,
    user: parseInstructions(c.env.incoming.rawHeaders).user,
    id: c.req.param('id') ?? '',
    query: query === undefined ? {} : parse(query, c.req.query(), 'query'),
    body: method === 'GET' ? {} : parse(body ?? nothing, await readJson(c), 'body'),
  });
  // What administration answers is for whoever asked: no cache keeps it.
  c.header('Cache-Control', 'no-store');
  if ('text' in answered) return c.body(answered.text, 200, { 'Content-Type': answered.type });
  return c.json(answered.json, answered.status ?? 200);
}

function identify(c: Context<Bindings>, needs: Needs, { settings, keys }: ApiOptions): KeyHolder | null {
  if (needs === 'nobody') return null;
  const text = (c.req.header('weir-key') ?? c.req.header('authorization') ?? '').replace(/^Bearer\s+/i, '').trim();
  const sent = text.startsWith(keyPrefix);
  const holder = sent ? keys.find(text) : null;
  if (sent && holder === null) throw new WeirError('unauthorized', keys.whyNot(text));
  const enough = isEnough(needs, holder?.role ?? null, settings.requireKey);
  if (enough) return holder;
  if (holder === null) throw new WeirError('unauthorized', 'Send a Weir key: Weir-Key: wk_….');
  const role = holder.role === '' ? 'only calls' : `has the role ${holder.role}`;
  throw new WeirError('forbidden_role', `This takes a key of the role ${needs}; yours ${role}.`);
}

const mostBytes = 1024 ** 2;

/** A page of another origin cannot send this type without asking first, and is refused when it asks (CONTRACT.md §4). */
async function readJson(c: Context<Bindings>): Promise<unknown> {
  const type = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new WeirError('bad_request', 'Expected Content-Type: application/json.');
  // Not by hono's reader: node-server's request is none that Node's own `Request` takes a copy of.
  const { body } = await readBody(c.env.incoming, mostBytes, () => undefined);
  const { whole } = body === null ? { whole: Buffer.alloc(0) } : await holdWhole(body, mostBytes);
  if (whole === null) throw new WeirError('bad_request', `The body is larger than ${mostBytes} bytes.`);
  const text = whole.toString().trim();
  if (text === '') return {};
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new WeirError('bad_request', 'The body is not JSON.');
  }
}

/** @throws WeirError `bad_request` that names each field and what was expected; nothing that was sent is repeated. */
function parse<T extends z.ZodType>(schema: T, value: unknown, what: 'query' | 'body'): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const complaints = result.error.issues.slice(0, 8).map((issue) => {
    const message = issue.code === 'unrecognized_keys' ? unknownField(schema, issue.path.length === 0) : issue.message;
    return { field: issue.path.join('.') || `the ${what}`, message };
  });
  throw fieldsError('bad_request', complaints);
}

/** Its name is not said: what was sent by mistake may be a secret. */
function unknownField(schema: z.ZodType, here: boolean): string {
  const known = here && schema instanceof z.ZodObject ? Object.keys(schema.shape).join(', ') : '';
  return `has a field that is not known${known === '' ? '' : `; known are ${known}`}`;
}
