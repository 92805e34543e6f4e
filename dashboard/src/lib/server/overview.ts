/** Which questions the overview asks, all at once, and the one that follows from an answer. */
import type { Db } from '@weir/schema/db';
import * as ask from '@weir/schema/queries/overview';
import { aftermath, failures } from '@weir/schema/queries/findings';
import { counts, strip } from '@weir/schema/queries/shell';
import { alignDown, chooseStep, COARSE, type Range, withStep } from '@weir/schema/time';
import { findStorm, type Storm } from '../findings.ts';
import { rowsOf, type Settled } from '../settled.ts';
import { settle } from './settle.ts';
import type { View } from './view.ts';

const DAY = 86_400_000;

/** At least a week, so that the range has a neighbourhood; for a month or a range long ago, what surrounds it. */
export function stripRange(range: Range, zone: string, now: number): Range {
  const recent = now - range.from <= 7 * DAY;
  const span = recent ? 7 * DAY : Math.max(7 * DAY, (range.to - range.from) * 1.2);
  const to = recent ? now : Math.min(now, range.to + (span - (range.to - range.from)) / 2);
  const step = Math.max(3_600_000, chooseStep(span, 170));
  return { from: alignDown(to - span, step, zone), to, step, name: 'custom' };
}

export async function loadOverview(db: Db, view: View) {
  const { range, before, filters, zone } = view;
  const wide = withStep(range, COARSE, zone);
  const week = stripRange(range, zone, Date.now());
  const here = { range, filters };
  const none = Promise.resolve<Settled<never>>({ ok: true, rows: [], made: { name: '', sql: '', rows: 0, ms: 0 } });
  const [failed, series, earlier, providers, cells, cost, models, errors, users, share, unpriced, bars, total] =
    await Promise.all([
      // First, as another question follows from its answer.
      loadFailures(db, here),
      settle(ask.series.ask(db, here)),
      before ? settle(ask.series.ask(db, { range: before, filters })) : none,
      settle(ask.byProvider.ask(db, here)),
      settle(ask.latencyCells.ask(db, here)),
      settle(ask.costByModel.ask(db, { range: wide, filters })),
      settle(ask.models.ask(db, here)),
      settle(ask.errors.ask(db, { ...here, before: before ?? { ...range, to: range.from } })),
      settle(ask.users.ask(db, here)),
      settle(ask.concentration.ask(db, here)),
      settle(ask.unpriced.ask(db, here)),
      settle(strip.ask(db, { range: week, filters })),
      settle(counts.ask(db, here)),
    ]);
  return {
    series,
    earlier,
    providers,
    cells,
    cost,
    wide,
    models,
    errors,
    users,
    share,
    unpriced,
    week,
    bars,
    total: rowsOf(total)[0],
    ...failed,
  };
}

/** What failed, whether it stands out, and what became of it. */
async function loadFailures(db: Db, here: Pick<View, 'range' | 'filters'>) {
  const found = await settle(failures.ask(db, here));
  const storm = findStorm(rowsOf(found), here.range);
  const after = storm ? await settle(aftermath.ask(db, { ...here, ...asked(storm, here.range) })) : undefined;
  return { found, storm, after };
}

const asked = (storm: Storm, range: Range) => ({
  window: { ...range, from: storm.from, to: storm.to },
  provider: storm.provider,
  outcome: storm.outcome,
  status: storm.status,
});

export type Overview = Awaited<ReturnType<typeof loadOverview>>;
