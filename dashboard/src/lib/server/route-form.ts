/** The form of a route: read as it was typed, and told to the proxy as its REST takes it. */
import { routeSettings, type RouteSettings } from '@weir/schema/settings/route';
import { z } from 'zod';
import type { EditorView, SampleValues } from '../routes/answer.ts';
import { emptySample } from '../routes/sample.ts';
import { emptyArm, toSettings, ways, type FieldErrors, type RouteValues } from '../routes/values.ts';
import { toInstant, toProperties } from './key-form.ts';
import { parseForm } from './parse-form.ts';

const MOST = 32;
const words = z.string().max(2_000);
const long = z.string().max(1_000_000);
const list = z.array(words).max(MOST);
const shape = z.object({
  ...{ name: words, description: words, way: z.enum(ways), target: words, fallback: list },
  split: z.object({ name: words, by: words, property: words }),
  balance: z.object({ kind: words, by: words, property: words }),
  arms: z.array(z.object({ target: words, weight: words, name: words, was: words })),
  fallbackOn: list,
  retry: z.object({ retries: words, min: words, max: words }),
  retryOn: list,
  timeout: z.object({ headers: words, idle: words, total: words, drain: words }),
});

export interface RouteForm {
  view: EditorView;
  values: RouteValues;
  json: string;
  sample: SampleValues;
  /** The version that was looked at; undefined for a new route. */
  version: number | undefined;
  /** As the REST takes it; null where it cannot be told: then `errors` says why. */
  settings: Record<string, unknown> | null;
  errors: FieldErrors;
}

/** @throws 400 where it is none of ours. */
export function readRouteForm(form: FormData): RouteForm {
  const view: EditorView = form.get('view') === 'json' ? 'json' : 'form';
  const json = parseForm(long, form.get('json') ?? '');
  const values = readValues(form);
  const base = readSettings(parseForm(long, form.get('base') ?? ''));
  const version = Number(form.get('version') ?? Number.NaN);
  const read = view === 'json' ? fromJson(json) : toSettings(values, base);
  const whole = Object.keys(read.errors).length === 0;
  return {
    ...{ view, values, json, sample: readSample(form) },
    version: Number.isInteger(version) ? version : undefined,
    settings: whole ? read.settings : null,
    errors: read.errors,
  };
}

function readValues(form: FormData): RouteValues {
  const text = (name: string): unknown => form.get(name) ?? '';
  const group = (at: string, names: readonly string[]): unknown =>
    Object.fromEntries(names.map((name) => [name, text(`${at}.${name}`)]));
  const arms: unknown[] = [];
  for (let index = 0; index < MOST && form.has(`arm.${index}.target`); index++) {
    arms.push(group(`arm.${index}`, Object.keys(emptyArm())));
  }
  return parseForm(shape, {
    ...{ name: text('name'), description: text('description'), target: text('target') },
    ...{ way: form.get('way') ?? 'path', fallback: form.getAll('fallback'), arms },
    split: group('split', ['name', 'by', 'property']),
    balance: group('balance', ['kind', 'by', 'property']),
    fallbackOn: form.getAll('fallback.on'),
    retry: group('retry', ['retries', 'min', 'max']),
    retryOn: form.getAll('retry.on'),
    timeout: group('timeout', ['headers', 'idle', 'total', 'drain']),
  });
}

function readSample(form: FormData): SampleValues {
  const sample = emptySample();
  const given = Object.keys(sample).map((name) => [name, form.get(`sample.${name}`) ?? sample[name as 'user']]);
  return parseForm(z.record(z.string(), words), Object.fromEntries(given)) as unknown as SampleValues;
}

function fromJson(json: string): { settings: Record<string, unknown> | null; errors: FieldErrors } {
  try {
    const settings = JSON.parse(json) as unknown;
    if (typeof settings === 'object' && settings !== null && !Array.isArray(settings)) {
      return { settings: settings as Record<string, unknown>, errors: {} };
    }
    return { settings: null, errors: { '': 'expected an object: { "name": …' } };
  } catch (error) {
    return { settings: null, errors: { '': error instanceof Error ? error.message : 'This is not JSON.' } };
  }
}

function readSettings(json: string): RouteSettings | null {
  try {
    return routeSettings.parse(JSON.parse(json));
  } catch {
    return null;
  }
}

/** What is said of a sample, as the REST takes it. */
export function toRequest(sample: SampleValues, zone: string): { request: object; errors: FieldErrors } {
  const { operation, properties, bytes, at, project, ...rest } = sample;
  const errors: FieldErrors = {};
  const named = toProperties(properties);
  if (named === undefined) errors['request.properties'] = 'expected name=value, with commas between';
  const when = toInstant(at, zone);
  if (when === undefined) errors['request.at'] = 'expected a day and a time';
  const size = bytes.trim() === '' ? 0 : Number(bytes.replace(/[,\s]/g, ''));
  if (!Number.isInteger(size)) errors['request.bytes'] = 'expected a whole number';
  return {
    request: {
      ...rest,
      ...{ operation, bytes: size, properties: named ?? {} },
      ...(project.trim() === '' ? {} : { project }),
      ...(when ? { at: when } : {}),
    },
    errors,
  };
}
