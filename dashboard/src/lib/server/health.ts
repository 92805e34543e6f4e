import { z } from 'zod';
import { proxyUrl } from './env.ts';

const number = z.number().nullish();
const health = z.object({
  status: z.string().nullish(),
  version: z.string().nullish(),
  proxies: z.object({ up: number, of: number }).nullish(),
  spool: z
    .object({ rows: number, bytes: number, lag_ms: number, shed_bodies: number, lost_rows: number })
    .partial()
    .nullish(),
  store: z.object({ reachable: z.boolean().nullish(), behind_ms: number }).partial().nullish(),
  disk: z.object({ free_bytes: number, low: z.boolean() }).partial().nullish(),
  provider_keys: z.object({ unopened: z.array(z.object({ provider_key_id: z.string() })) }).nullish(),
  overhead_ms: z.object({ p50: number, p99: number }).partial().nullish(),
});
export type Health = z.infer<typeof health>;

/** What the proxy says of itself; undefined when it does not answer. Never slower than half a second. */
export async function proxyHealth(): Promise<Health | undefined> {
  try {
    const response = await fetch(`${proxyUrl}/weir/health`, { signal: AbortSignal.timeout(500), redirect: 'error' });
    const parsed = health.safeParse(await response.json());
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
