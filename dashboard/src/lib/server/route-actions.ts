/** What the pages of routes do with a form that was sent. */
import { fail, type ActionFailure } from '@sveltejs/kit';
import type { RouteView } from '@weir/schema/settings/route-desk';
import type { RouteAnswer } from '../routes/answer.ts';
import type { FieldErrors } from '../routes/values.ts';
import type { Answered, Refusal } from './administration/ask.ts';
import { dryRun } from './administration/routes.ts';
import { LOOK } from './key-actions.ts';
import { readRouteForm, toRequest, type RouteForm } from './route-form.ts';

type Result = RouteAnswer | ActionFailure<RouteAnswer>;

/** Sends what the editor says. @param done what to answer when the proxy has taken it. */
export async function saveRoute(
  form: FormData,
  send: (settings: object, version: number | undefined) => Promise<Answered<RouteView>>,
  done: (route: RouteView) => RouteAnswer,
): Promise<Result> {
  const read = readRouteForm(form);
  if (read.settings === null) return fail(400, { ...typed(read), errors: read.errors, sentence: LOOK });
  const answered = await send(read.settings, read.version);
  if (answered.ok) return done(answered.value);
  const errors = inSettings(answered.fields);
  return fail(answered.status, { ...typed(read), errors, sentence: sentenceOf(answered) });
}

/** What would be done with the sample, by what stands in the editor now. */
export async function tryRoute(form: FormData, zone: string): Promise<RouteAnswer> {
  const read = readRouteForm(form);
  const { request, errors } = toRequest(read.sample, zone);
  const wrong = { ...read.errors, ...errors };
  if (read.settings === null || Object.keys(wrong).length > 0) return { ...typed(read), errors: wrong };
  // A route is tried before it has a name.
  const settings = read.settings['name'] ? read.settings : { ...read.settings, name: 'unnamed' };
  const answered = await dryRun({ settings, request });
  if (answered.ok) return { ...typed(read), plan: answered.value };
  const fields = inSettings(answered.fields);
  return {
    ...typed(read),
    errors: fields,
    ...(Object.keys(fields).length === 0 ? { sentence: answered.problem.sentence } : {}),
  };
}

/** An action without fields of its own. */
export async function actOnRoute<T>(asked: Promise<Answered<T>>, done: (value: T) => RouteAnswer): Promise<Result> {
  const answered = await asked;
  return answered.ok ? done(answered.value) : fail(answered.status, { sentence: answered.problem.sentence });
}

const typed = ({ view, values, json, sample }: RouteForm): RouteAnswer => ({ view, values, json, sample });

/** The REST names what is in the settings by `settings.`; here nothing else is meant. */
function inSettings(fields: FieldErrors): FieldErrors {
  return Object.fromEntries(
    Object.entries(fields).map(([field, why]) => [field === 'the body' ? '' : field.replace(/^settings\.?/, ''), why]),
  );
}

/** What concerns no field of the editor is said as it is. */
function sentenceOf({ fields, problem }: Refusal): string {
  const names = Object.keys(fields);
  return names.length > 0 && !names.includes('version') ? LOOK : problem.sentence;
}
