/** GET /weir/health: is Weir well, and what waits or was lost. */
import { z } from 'zod';
import type { Capture } from '../capture/capture.ts';
import { leastFreeBytes } from '../disk.ts';
import type { Edited } from '../edited.ts';
import type { Ledger } from '../limits/ledger.ts';
import type { Restorer } from '../limits/restore.ts';
import { unreadableLimits } from '../limits/saved.ts';
import type { Metrics } from '../metrics.ts';
import type { LiveTargets } from '../routing/live.ts';
import type { Routes } from '../routing/routes.ts';
import type { Vault } from '../vault/vault.ts';
import { version } from '../version.ts';

export const healthBody = z.object({
  /** `starting`: the recorder reads what an earlier process left. `degraded`: calls pass, but rows wait or were lost, or soon will. */
  status: z.enum(['ok', 'starting', 'degraded']),
  version: z.string(),
  /** Settings come from the last good copy, because the store does not answer. */
  stale: z.boolean(),
  spool: z.object({
    rows: z.number(),
    bytes: z.number(),
    lag_ms: z.number(),
    shed_bodies: z.number(),
    lost_rows: z.number(),
    rejected_rows: z.number(),
  }),
  store: z.object({ reachable: z.boolean(), behind_ms: z.number(), error: z.string() }),
  /** Of the data directory; null while `starting`. */
  disk: z.object({ free_bytes: z.number(), low: z.boolean() }).nullable(),
  overhead_ms: z.object({ p50: z.number(), p99: z.number() }).nullable(),
  /** `shared`: one count for all proxies, in Redis; `away`: Redis cannot be reached, and each counts by itself or refuses. */
  limits: z.object({ shared: z.boolean(), away: z.boolean(), restoring: z.number(), unreadable: z.number() }),
  /** `unreadable`: saved ones of another version, not in force. */
  routes: z.object({ unreadable: z.number() }),
  open_requests: z.number(),
  /** Targets of routes that are left alone, because most of their calls failed; `until`: ms since 1970. */
  circuits: z.array(
    z.object({
      target: z.string(),
      state: z.enum(['open', 'half-open', 'closed']),
      until: z.number(),
      calls: z.number(),
      failures: z.number(),
    }),
  ),
  /** Calls with usage but without a known price since the start, and their models (at most 50; `others`: calls of more). */
  unpriced: z.object({
    requests: z.number(),
    models: z.array(z.object({ provider: z.string(), model: z.string(), requests: z.number() })),
    others: z.number(),
  }),
  /** Of the store; `unopened`: stored under another WEIR_SECRET than this process has, and not used. */
  provider_keys: z.object({
    opened: z.number(),
    /** Their provider has just refused them: others are taken meanwhile, where there are any. `until`: ms since 1970. */
    resting: z.array(z.object({ provider_key_id: z.string(), status: z.number(), until: z.number() })),
    unopened: z.array(z.object({ provider_key_id: z.string(), provider: z.string(), fingerprint: z.string() })),
  }),
});

export interface HealthOptions {
  capture: Capture;
  edited: Edited;
  routes: Routes;
  vault: Vault;
  metrics: Metrics;
  restorer: Restorer;
  ledger: Ledger;
  live: LiveTargets;
}

export function health(watched: HealthOptions): z.infer<typeof healthBody> {
  const { capture, edited, routes, vault, metrics, restorer, ledger, live } = watched;
  const { stale } = edited;
  const stats = capture.stats;
  const lost = (stats?.lostRows ?? 0) + (stats?.shedBodies ?? 0) + (stats?.rejectedRows ?? 0);
  const reachable = stats?.storeReachable ?? false;
  const waiting = (stats?.spoolLagMs ?? 0) > 10_000;
  const disk = stats && { free_bytes: stats.diskFreeBytes, low: stats.diskFreeBytes < leastFreeBytes };
  const limits = {
    shared: ledger.survives,
    away: ledger.awaySince !== null,
    restoring: restorer.waiting,
    unreadable: unreadableLimits(edited.rows.limits),
  };
  const unheld = limits.away || limits.unreadable > 0 || routes.unreadable > 0;
  const trouble = unheld || lost > 0 || waiting || stale || disk?.low === true || vault.unopened.length > 0;
  return {
    status: stats === null ? 'starting' : trouble ? 'degraded' : 'ok',
    version,
    stale,
    spool: {
      rows: stats?.spoolRows ?? 0,
      bytes: stats?.spoolBytes ?? 0,
      lag_ms: stats?.spoolLagMs ?? 0,
      shed_bodies: stats?.shedBodies ?? 0,
      lost_rows: stats?.lostRows ?? 0,
      rejected_rows: stats?.rejectedRows ?? 0,
    },
    store: { reachable: reachable || !stale, behind_ms: stats?.spoolLagMs ?? 0, error: stats?.storeError ?? '' },
    disk,
    overhead_ms: metrics.overhead(),
    limits,
    routes: { unreadable: routes.unreadable },
    open_requests: capture.open.size,
    circuits: live.troubled(Date.now()),
    unpriced: {
      requests: stats?.unpriced ?? 0,
      models: stats?.unpricedModels ?? [],
      others: stats?.unpricedOthers ?? 0,
    },
    provider_keys: { opened: vault.opened, resting: vault.resting(), unopened: vault.unopened },
  };
}
