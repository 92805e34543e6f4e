import { json } from '@sveltejs/kit';
import { newest } from '@weir/schema/queries/shell';
import { settle } from '$lib/server/settle.ts';
import type { RequestHandler } from './$types';

/** The newest request, for pages that wait for one. */
export const GET: RequestHandler = async ({ locals }) => {
  const settled = await settle(newest.ask(locals.db, {}));
  return settled.ok ? json(settled.rows[0] ?? null) : json(settled.problem, { status: 503 });
};
