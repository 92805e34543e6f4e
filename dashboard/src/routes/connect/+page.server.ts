import { newest } from '@weir/schema/queries/shell';
import { publicProxyUrl } from '$lib/server/env.ts';
import { settle } from '$lib/server/settle.ts';
import { problemOf, rowsOf } from '$lib/settled.ts';
import { client, snippets } from '$lib/snippets.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url, locals }) => {
  const settled = await settle(newest.ask(locals.db, {}));
  return {
    snippets: snippets(publicProxyUrl),
    chosen: client(url.searchParams.get('with')),
    newest: rowsOf(settled)[0] ?? null,
    problem: problemOf(settled),
  };
};
