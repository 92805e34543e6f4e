/** Ids of calls. */
import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const idBytes = 16;
/** Random bytes are fetched for many ids at once: one by one they cost more than everything else about an id. */
const pool = Buffer.allocUnsafeSlow(256 * idBytes);
let used = pool.length;

/** A new UUIDv7 (RFC 9562): it begins with the time in ms, so that ids sort as calls began. */
export function newRequestId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.subarray(used, used + idBytes);
  used += idBytes;
  return v7({ random });
}
