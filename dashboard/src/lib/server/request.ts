/** One request with everything around it: two rounds of questions, the second needs the first one's row. */
import { error } from '@sveltejs/kit';
import type { Db } from '@weir/schema/db';
import * as ask from '@weir/schema/queries/request';
import { z } from 'zod';
import { fromSqlTime } from '@weir/schema/time';
import { readConversation } from '../conversation/read.ts';
import { rowsOf } from '../settled.ts';
import { settle } from './settle.ts';
import type { View } from './view.ts';

const tabs = z.enum(['conversation', 'request', 'response', 'headers']);
export type Tab = z.infer<typeof tabs>;
/** What of a raw body is put into the page; the rest is in the download. */
export const RAW_SHOWN = 200_000;

export const readTab = (url: URL): Tab => tabs.safeParse(url.searchParams.get('tab')).data ?? 'conversation';
export const isId = (id: string): boolean => z.uuid().safeParse(id).success;

export async function loadRequest(db: Db, { id, view, tab }: { id: string; view: View; tab: Tab }) {
  if (!isId(id)) error(404, 'This is not the id of a request.');
  const request_id = id.toLowerCase();
  const [one, attempts, body, scores] = await Promise.all([
    settle(ask.one.ask(db, { request_id })),
    settle(ask.attempts.ask(db, { request_id })),
    settle(ask.body.ask(db, { request_id })),
    settle(ask.scores.ask(db, { request_id })),
  ]);
  const row = rowsOf(one)[0];
  if (one.ok && !row) error(404, 'There is no request with this id. Rows are kept as long as the retention says.');
  const found = rowsOf(body)[0];
  const [session, neighbours] = row
    ? await Promise.all([
        row.session_id
          ? settle(ask.session.ask(db, { session_id: row.session_id, started_at: fromSqlTime(row.started_at) }))
          : undefined,
        settle(
          ask.neighbours.ask(db, { range: view.range, filters: view.filters, request_id, started_at: row.started_at }),
        ),
      ])
    : [undefined, undefined];
  return {
    one: one.ok ? { ...one, rows: [] } : one,
    row,
    attempts,
    scores,
    session,
    tab,
    neighbours: neighbours ? rowsOf(neighbours)[0] : undefined,
    body: found ? bodyFor(tab, found, row?.operation ?? '') : undefined,
    bodyProblem: body.ok ? undefined : body.problem,
    made: [one, attempts, body].flatMap((settled) => (settled.ok ? [settled.made] : [])),
  };
}

type Body = Awaited<ReturnType<typeof ask.body>>[number];

/** Only what the open tab shows is sent. */
function bodyFor(tab: Tab, body: Body, operation: string) {
  const { request, response, request_headers, response_headers, ...facts } = body;
  const raw = tab === 'request' ? request : tab === 'response' ? response : '';
  return {
    ...facts,
    /** For “copy as curl”: a long body is copied without. */
    curlBody: request.length <= 20_000 ? request : null,
    conversation: tab === 'conversation' ? readConversation({ request, response, operation }) : undefined,
    raw: raw.slice(0, RAW_SHOWN),
    rawMore: Math.max(0, raw.length - RAW_SHOWN),
    headers: { request: request_headers, response: response_headers },
  };
}

export type Loaded = Awaited<ReturnType<typeof loadRequest>>;
export type Row = NonNullable<Loaded['row']>;
