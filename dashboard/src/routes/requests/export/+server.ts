import { Readable } from 'node:stream';
import { error } from '@sveltejs/kit';
import { exportFormats, exportSql } from '@weir/schema/queries/requests';
import { bind } from '@weir/schema/sql';
import { z } from 'zod';
import { parseView } from '$lib/server/view.ts';
import type { RequestHandler } from './$types';

const types = {
  csv: 'text/csv; charset=utf-8',
  jsonl: 'application/jsonl; charset=utf-8',
  parquet: 'application/vnd.apache.parquet',
} as const;
const format = z.enum(exportFormats);

/** What the filter shows, as a file, streamed from the store as it is read. */
export const GET: RequestHandler = async ({ url, locals, request }) => {
  const as = format.safeParse(url.searchParams.get('format'));
  if (!as.success) error(400, 'There is no such format: csv, jsonl or parquet.');
  const view = parseView(url, locals.zone);
  const { stream } = await locals.db.exec({
    ...bind(exportSql({ range: view.range, filters: view.filters }, as.data)),
    clickhouse_settings: {
      log_comment: 'requests.export',
      max_execution_time: 120,
      format_csv_null_representation: '',
      prefer_column_name_to_alias: 1,
    },
    abort_signal: request.signal,
  });
  const name = `weir-requests-${new Date(view.range.from).toISOString().slice(0, 10)}.${as.data}`;
  return new Response(Readable.toWeb(stream) as ReadableStream<Uint8Array>, {
    headers: { 'content-type': types[as.data], 'content-disposition': `attachment; filename="${name}"` },
  });
};
