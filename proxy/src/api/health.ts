/** GET /weir/health: is Weir well, and what waits or was lost. */
import { z } from 'zod';
import type { Capture } from '../capture/capture.ts';
import { leastFreeBytes } from '../disk.ts';
import type { Edited } from '../edited.ts';
import type { Restorer } from '../limits/restore.ts';
import { unreadableLimits } from '../limits/saved.ts';
import type { Metrics } from '../metrics.ts';
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
  open_requests: z.number(),
  /** Calls with usage but without a known price since the start, and their models (at most 50; `others`: calls of more). */
  unpriced: z.object({
    requests: z.number(),
    models: z.array(z.object({ provider: z.string(), model: z.string(), requests: z.number() })),
    others: z.number(),
  }),
  /** `restoring`: limits whose past is not counted yet. `unreadable`: saved limits of another version, not in force here. */
  limits: z.object({ restoring: z.number(), unreadable: z.number() }),
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
  vault: Vault;
  metrics: Metrics;
  restorer: Restorer;
}

export function health({ capture, edited, vault, metrics, restorer }: HealthOptions): z.infer<typeof healthBody> {
  const { stale } = edited;
  const stats = capture.stats;
  const lost = (stats?.lostRows ?? 0) + (stats?.shedBodies ?? 0) + (stats?.rejectedRows ?? 0);
  const reachable = stats?.storeReachable ?? false;
  const waiting = (stats?.spoolLagMs ?? 0) > 10_000;
  const disk = stats && { free_bytes: stats.diskFreeBytes, low: stats.diskFreeBytes < leastFreeBytes };
  const unreadable = unreadableLimits(edited.rows.limits);
  const trouble = unreadable > 0 || lost > 0 || waiting || stale || disk?.low === true || vault.unopened.length > 0;
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
    open_requests: capture.open.size,
    unpriced: {
      requests: stats?.unpriced ?? 0,
      models: stats?.unpricedModels ?? [],
      others: stats?.unpricedOthers ?? 0,
    },
    limits: { restoring: restorer.waiting, unreadable },
    provider_keys: { opened: vault.opened, resting: vault.resting(), unopened: vault.unopened },
  };
}
