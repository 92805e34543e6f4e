import type { Made } from '@weir/schema/query';

export interface Problem {
  code: string;
  sentence: string;
  detail: string;
}

/** An answer, or the sentence that stands where its chart would have been: one failure never takes the page with it. */
export type Settled<Row> = { ok: true; rows: Row[]; made: Made } | { ok: false; problem: Problem };

export const rowsOf = <Row>(settled: Settled<Row>): Row[] => (settled.ok ? settled.rows : []);
export const problemOf = (settled: Settled<unknown>): Problem | undefined => (settled.ok ? undefined : settled.problem);
export const madeOf = (...all: Settled<unknown>[]): Made[] => all.flatMap((one) => (one.ok ? [one.made] : []));
