import { json } from '@sveltejs/kit';
import { textFieldNames, type TextField } from '@weir/schema/filters';
import { fieldValues, propertyNames, propertyValues } from '@weir/schema/queries/shell';
import { z } from 'zod';
import { settle } from '$lib/server/settle.ts';
import { parseView } from '$lib/server/view.ts';
import { problemOf, rowsOf } from '$lib/settled.ts';
import type { Suggestions } from '$lib/shell/suggest.ts';
import type { RequestHandler } from './$types';

const field = z.enum(textFieldNames as [TextField, ...TextField[]]);

/**
 * Values of a field in the range, the most frequent first: what the filter bar suggests. Nothing depends on them: where the
 * store is too slow for that, or away, the answer is none and the sentence that says why.
 */
export const GET: RequestHandler = async ({ url, locals }) => {
  const name = url.searchParams.get('field') ?? '';
  const asked = { range: parseView(url, locals.zone).range, like: (url.searchParams.get('like') ?? '').slice(0, 100) };
  const known = field.safeParse(name);
  const answer = known.success
    ? fieldValues.ask(locals.db, { ...asked, field: known.data })
    : name === 'property'
      ? propertyNames.ask(locals.db, asked)
      : name.startsWith('property.')
        ? propertyValues.ask(locals.db, { ...asked, name: name.slice('property.'.length) })
        : undefined;
  if (!answer) return json({ values: [] } satisfies Suggestions);
  const settled = await settle(answer);
  return json({ values: rowsOf(settled), why: problemOf(settled)?.sentence } satisfies Suggestions);
};
