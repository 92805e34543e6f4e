import { type Answer, QueryError } from '@weir/schema/query';
import type { Problem, Settled } from '../settled.ts';

const sentences: Record<QueryError['code'], (error: QueryError) => string> = {
  over_limit: (error) => `Stopped after ${error.limit} s. A shorter range takes less.`,
  store_away: () => 'The store does not answer. Nothing is lost: the proxy keeps rows until it is back.',
  unexpected_rows: () =>
    'The store answered with rows of another shape. Dashboard and schema may be of different versions.',
  query_failed: () => 'The store refused this query.',
};

export function toProblem(error: unknown): Problem {
  if (!(error instanceof QueryError)) throw error;
  const detail = error.message.split('\n')[0] ?? '';
  return {
    code: error.code,
    sentence: sentences[error.code](error),
    detail: `${error.query}: ${detail}`.slice(0, 400),
  };
}

export async function settle<Row>(asked: Promise<Answer<Row>>): Promise<Settled<Row>> {
  try {
    const { rows, made } = await asked;
    return { ok: true, rows, made };
  } catch (error) {
    return { ok: false, problem: toProblem(error) };
  }
}
