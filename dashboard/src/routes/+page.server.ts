import { redirect } from '@sveltejs/kit';
import { newest } from '@weir/schema/queries/shell';
import { settle } from '$lib/server/settle.ts';
import { rowsOf } from '$lib/settled.ts';
import type { PageServerLoad } from './$types';

/** Nothing recorded yet: how to connect. A store that is away is said by the overview. */
export const load: PageServerLoad = async ({ locals }) => {
  const settled = await settle(newest.ask(locals.db, {}));
  redirect(307, settled.ok && rowsOf(settled).length === 0 ? '/connect' : '/overview');
};
