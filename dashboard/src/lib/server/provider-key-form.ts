/** The form of a provider key. Its secret goes to the proxy and nowhere else: what comes back to a page has none. */
import { fail, type ActionFailure } from '@sveltejs/kit';
import { z } from 'zod';
import type { ProviderKeyAnswer, ProviderKeyValues } from '../keys/answer.ts';
import type { Answered } from './administration/ask.ts';
import { LOOK, saidOf } from './key-actions.ts';
import { parseForm } from './parse-form.ts';

const words = z.string().max(20_000).default('');
const shape = z.object({
  provider: words,
  place: words,
  host: words,
  name: words,
  weight: words,
  secret: words,
});

/** @throws 400 where it is none of ours. */
export function readProviderKeyForm(form: FormData): { values: ProviderKeyValues; secret: string } {
  const { secret, ...values } = parseForm(shape, Object.fromEntries([...form].filter(([name]) => name in shape.shape)));
  return { values, secret: secret.trim() };
}

/** A weight as the REST takes it; what is no number it says itself. */
export const weightOf = ({ weight }: ProviderKeyValues): number | string =>
  /^\d+$/.test(weight.trim()) ? Number(weight) : weight;

const shownFields = ['provider', 'place', 'host', 'name', 'weight', 'secret'];

export async function saveProviderKey<T>(
  asked: Promise<Answered<T>>,
  values: ProviderKeyValues | undefined,
  done: string,
): Promise<ProviderKeyAnswer | ActionFailure<ProviderKeyAnswer>> {
  const answered = await asked;
  if (answered.ok) return { done };
  const { status, fields } = answered;
  const sentence = saidOf(answered, shownFields);
  return fail(status, {
    ...(values === undefined ? {} : { values }),
    errors: fields,
    sentence: sentence === LOOK && values === undefined ? answered.problem.sentence : sentence,
  });
}
