import { error } from '@sveltejs/kit';
import { body } from '@weir/schema/queries/request';
import { isId } from '$lib/server/request.ts';
import { rowsOf } from '$lib/settled.ts';
import { settle } from '$lib/server/settle.ts';
import type { RequestHandler } from './$types';

/** A body as it was recorded, as a file. It is never a page of this origin: plain text, and always a download. */
export const GET: RequestHandler = async ({ params, url, locals }) => {
  const part = url.searchParams.get('part') === 'response' ? 'response' : 'request';
  if (!isId(params.id)) error(404, 'This is not the id of a request.');
  const row = rowsOf(await settle(body.ask(locals.db, { request_id: params.id.toLowerCase() })))[0];
  if (!row) error(404, 'No body is kept for this request.');
  return new Response(row[part], {
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'content-disposition': `attachment; filename="${params.id}.${part}.txt"`,
    },
  });
};
