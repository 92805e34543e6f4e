/** The form of a key: read as it was typed, told to the proxy as its REST takes it, and filled from a key as it is. */
import { zoneOffset } from '@weir/schema/time';
import { z } from 'zod';
import type { KeyValues, LimitValues } from '../keys/values.ts';
import { fromLimit, readLimits, toLimit } from './limit-form.ts';
import type { FieldErrors } from './administration/ask.ts';
import type { Key } from './administration/keys.ts';
import { parseForm } from './parse-form.ts';

const words = z.string().max(20_000);
const names = z.array(z.string().max(200)).max(300);
const shape = z.object({
  name: words,
  project: words,
  owner: words,
  role: words,
  providers: names,
  models: words,
  operations: names,
  routes: words,
  properties: words,
  expires: words,
  log_bodies: words,
});

/** @throws 400 where it is none of ours. */
export function readKeyForm(form: FormData, zone: string): KeyValues {
  const text = (name: string): unknown => form.get(name) ?? '';
  return {
    ...parseForm(shape, {
      ...Object.fromEntries(Object.keys(shape.shape).map((name) => [name, text(name)])),
      providers: form.getAll('providers'),
      operations: form.getAll('operations'),
    }),
    limits: readLimits(form, zone),
  };
}

/** What the REST is asked for, and what cannot be told to it. Rows of limits that were left empty are none. */
export function toKey(values: KeyValues, zone: string): { body: object; fields: FieldErrors } {
  const fields: FieldErrors = {};
  const limits = values.limits.map((limit, index) => toLimit(limit, `limits.${index}`, fields));
  const expires_at = toInstant(values.expires, zone);
  if (expires_at === undefined) fields['expires_at'] = 'expected a day and a time';
  const { name, project, owner, role, providers, operations, log_bodies } = values;
  const properties = toProperties(values.properties);
  if (properties === undefined) fields['properties'] = 'expected name=value, with commas between';
  const body = {
    ...{ name, project, owner, role, providers, operations, log_bodies, properties, limits, expires_at },
    models: toList(values.models),
    routes: toList(values.routes),
  };
  return { body, fields };
}

/** A key as its form shows it. */
export function fromKey(key: Key, zone: string): KeyValues {
  const { name, project, owner, role, providers, operations, log_bodies } = key;
  return {
    ...{ name, project, owner, role, providers, operations, log_bodies },
    models: key.models.join(', '),
    routes: key.routes.join(', '),
    properties: Object.entries(key.properties)
      .map(([property, value]) => `${property}=${value}`)
      .join(', '),
    expires: key.expires_at === null ? '' : fromInstant(key.expires_at, zone),
    limits: key.limits.map((limit): LimitValues => fromLimit(limit, zone)),
  };
}

const toList = (text: string): string[] =>
  text
    .split(/[,\n]/)
    .map((one) => one.trim())
    .filter((one) => one !== '');

export function toProperties(text: string): Record<string, string> | undefined {
  const entries = toList(text).map((one) => /^([^=]+)=(.*)$/s.exec(one));
  if (entries.includes(null)) return undefined;
  return Object.fromEntries(entries.map((one) => [(one?.[1] ?? '').trim().toLowerCase(), (one?.[2] ?? '').trim()]));
}

/** What the reader's clock shows, as an instant; null for none, undefined for what is no time. */
export function toInstant(text: string, zone: string): string | null | undefined {
  if (text === '') return null;
  const wall = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(text) ? Date.parse(`${text}Z`) : Number.NaN;
  if (Number.isNaN(wall)) return undefined;
  // The offset is that of the instant, which is not known before it: asked twice it is right but for the hour that is skipped.
  const near = wall - zoneOffset(wall, zone);
  return new Date(wall - zoneOffset(near, zone)).toISOString();
}

function fromInstant(iso: string, zone: string): string {
  const at = Date.parse(iso);
  // As short as it may be: a browser refuses seconds where it did not expect any.
  return new Date(at + zoneOffset(at, zone)).toISOString().replace(/(:00)?(\.000)?Z$/, '');
}
