/** What the pages of keys do with a form that was sent. */
import { fail, type ActionFailure } from '@sveltejs/kit';
import type { KeyAnswer } from '../keys/answer.ts';
import { emptyLimit, type KeyValues } from '../keys/values.ts';
import type { Answered, FieldErrors, Refusal } from './administration/ask.ts';
import { readKeyForm, toKey } from './key-form.ts';

export const LOOK = 'Nothing was saved: look at what is marked.';
type Result = KeyAnswer | ActionFailure<KeyAnswer>;

/** The sentence of a refusal: where it names fields, it stands at each of them. */
export function saidOf({ problem, fields }: Pick<Refusal, 'problem' | 'fields'>, known: readonly string[]): string {
  const names = Object.keys(fields);
  const shown = names.every((name) => known.includes(name.split('.')[0] ?? ''));
  return names.length > 0 && shown ? LOOK : problem.sentence;
}

const shownFields = [
  ...['name', 'project', 'owner', 'role', 'expires_at', 'providers', 'operations', 'models', 'routes', 'limits'],
  ...['properties', 'log_bodies'],
];

function wrong(status: number, errors: FieldErrors, sentence: string, values: KeyValues): Result {
  return fail(status, { values, errors, sentence });
}

/** Sends what a key's form says. @param done what to answer when the proxy has taken it. */
export async function saveKey<T>(
  form: FormData,
  zone: string,
  send: (body: object) => Promise<Answered<T>>,
  done: (value: T) => KeyAnswer,
): Promise<Result> {
  const values = readKeyForm(form, zone);
  const { body, fields } = toKey(values, zone);
  if (Object.keys(fields).length > 0) return wrong(400, fields, LOOK, values);
  const answered = await send(body);
  if (answered.ok) return done(answered.value);
  return wrong(answered.status, answered.fields, saidOf(answered, shownFields), values);
}

/** The form again with one more row for a limit: how one is added where no scripts run. */
export function withLimit(form: FormData, zone: string): KeyAnswer {
  const values = readKeyForm(form, zone);
  return { values: { ...values, limits: [...values.limits, emptyLimit(zone)] } };
}

/** An action without fields of its own. */
export async function act<T>(asked: Promise<Answered<T>>, done: (value: T) => KeyAnswer): Promise<Result> {
  const answered = await asked;
  return answered.ok ? done(answered.value) : fail(answered.status, { sentence: answered.problem.sentence });
}
