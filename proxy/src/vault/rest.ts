/** Which provider keys are well: one that its provider has just refused rests, as long as another can be taken. */

/** Of a key that was refused as such: it may be revoked, or lack a permission that only some calls need. */
const refusedMs = 60_000;
/** Of one whose quota is used up, where the provider does not say how long. */
const limitedMs = 5_000;
const longestMs = 600_000;

export interface Resting {
  /** The provider's answer. */
  status: number;
  /** ms since 1970. */
  until: number;
}

export class KeyRest {
  readonly #resting = new Map<string, Resting>();

  /** What the provider answered to a call with a key. @param retryAfter its `Retry-After`. @param at ms since 1970. */
  answered(id: string, status: number, retryAfter: string | undefined, at: number): void {
    if (status === 401 || status === 403) this.#resting.set(id, { status, until: at + refusedMs });
    else if (status === 429) this.#resting.set(id, { status, until: at + waitOf(retryAfter, at) });
    else if (status < 400) this.#resting.delete(id);
  }

  /** @returns null for a key that is well. */
  of(id: string, at: number): Resting | null {
    const found = this.#resting.get(id);
    if (found === undefined) return null;
    if (found.until > at) return found;
    this.#resting.delete(id);
    return null;
  }
}

/** `Retry-After` (RFC 9110 §10.2.3): seconds, or a date. */
function waitOf(retryAfter: string | undefined, at: number): number {
  if (retryAfter === undefined) return limitedMs;
  const wait = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - at;
  return Number.isNaN(wait) ? limitedMs : Math.min(longestMs, Math.max(0, wait));
}
