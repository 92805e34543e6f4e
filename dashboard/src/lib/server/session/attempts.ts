/**
 * How often the password may be tried. Attempts that were refused for coming too often are not counted, so that there are never
 * more than `overall` to remember, whoever asks and however often.
 */
export class Attempts {
  #recent: { address: string; at: number }[] = [];

  constructor(private readonly limits: { perAddress: number; overall: number; windowMs: number }) {}

  /** Takes one attempt. @returns 0 when it may be made; else the seconds until the next one may. */
  take(address: string, now: number): number {
    const { perAddress, overall, windowMs } = this.limits;
    this.#recent = this.#recent.filter(({ at }) => at > now - windowMs);
    const own = this.#recent.filter((one) => one.address === address);
    const full = own.length >= perAddress ? own : this.#recent.length >= overall ? this.#recent : [];
    const oldest = full[0];
    if (oldest !== undefined) return Math.max(1, Math.ceil((oldest.at + windowMs - now) / 1000));
    this.#recent.push({ address, at: now });
    return 0;
  }

  /** Whoever has given the password may mistype it again. */
  forget(address: string): void {
    this.#recent = this.#recent.filter((one) => one.address !== address);
  }
}
