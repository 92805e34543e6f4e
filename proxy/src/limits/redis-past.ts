/** Who tells a rule's past to Redis, and what they tell: one proxy for all, in parts that may be told twice. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Sums } from './ledger.ts';
import { lifeOf, toldLife } from './redis-ask.ts';
import { claimKey, countKey, sinceKey, toldKey } from './redis-keys.ts';
import type { RedisLink } from './redis-link.ts';
import { claim, restore, told } from './redis-scripts.ts';
import { beginOf, type Frame } from './window.ts';

/** How long a claim holds that nobody renews, ms: longer than the log may take to answer. */
const defaultClaimMs = 30_000;
/** How long the moment is known before which a rule's past has to be told, ms: while somebody tries to. */
const sinceMs = 86_400_000;
/** Amounts that are told in one script: a few milliseconds of Redis's time. */
const toldTogether = 1_000;
/** How often a rule in use is marked as such, ms: well within what a mark outlives its window by. */
const markEveryMs = 20_000;

const claimReply = z.tuple([z.enum(['mine', 'other', 'told'])]).rest(z.string());

export class RedisPast {
  readonly #self = randomUUID();
  /** Rules that have a past. */
  readonly #claimed = new Set<string>();
  /** Those that are told → when that was marked last, ms since 1970. */
  readonly #told = new Map<string, number>();

  /** When Redis lost what it held, ms since 1970. */
  #lostAt = 0;

  constructor(
    private readonly link: RedisLink,
    private readonly claimMs = defaultClaimMs,
  ) {}

  has(ruleId: string): boolean {
    return this.#claimed.has(ruleId);
  }

  isTold(ruleId: string): boolean {
    return this.#told.has(ruleId);
  }

  /** Redis lost it. @param at ms since 1970: until then only the log knows. */
  forget(at: number): void {
    this.#told.clear();
    this.#lostAt = at;
  }

  /**
   * Rules to be marked as in use, and for how long, ms: a rule that nobody used for longer than its window has nothing to tell, so
   * that its mark may go.
   */
  marks(used: readonly { ruleId: string; frame: Frame }[], at: number): Map<string, number> {
    const marks = new Map<string, number>();
    for (const { ruleId, frame } of used) {
      const marked = this.#told.get(ruleId);
      if (marked === undefined || Math.abs(at - marked) < markEveryMs) continue;
      marks.set(ruleId, lifeOf(frame, at));
      this.#told.set(ruleId, at);
    }
    return marks;
  }

  /** As in `Ledger`. */
  async claim(ruleId: string, at: number): Promise<number | null> {
    this.#claimed.add(ruleId);
    const keys = [toldKey(ruleId), sinceKey(ruleId), claimKey(ruleId)];
    const args = [this.#self, String(Math.floor(Math.max(at, this.#lostAt))), String(this.claimMs), String(sinceMs)];
    const [whose, since] = claimReply.parse(await this.link.tell(claim, keys, args));
    if (whose === 'told') this.#told.set(ruleId, 0);
    return whose === 'mine' ? Number(since) : null;
  }

  /** @throws when another has claimed it meanwhile. */
  async restore(ruleId: string, sums: Sums, frame: Frame): Promise<void> {
    const claimed = claimKey(ruleId);
    const life = String(Math.ceil(frame.leaves(frame.slot) - beginOf(frame)));
    const all = [...sums].flatMap(([count, bySlot]) =>
      [...bySlot].map(([slot, amount]) => ({ key: countKey(count), slot, amount })),
    );
    for (let from = 0; from < all.length; from += toldTogether) {
      const some = all.slice(from, from + toldTogether);
      const args = some.flatMap(({ slot, amount }) => [String(slot), String(Math.round(amount))]);
      const keys = [claimed, ...some.map(({ key }) => key)];
      expectMine(await this.link.tell(restore, keys, [this.#self, String(this.claimMs), life, ...args]), ruleId);
    }
    const keys = [claimed, toldKey(ruleId), sinceKey(ruleId)];
    expectMine(await this.link.tell(told, keys, [this.#self, String(toldLife(frame))]), ruleId);
    this.#told.set(ruleId, 0);
  }
}

function expectMine(answer: unknown, ruleId: string): void {
  if (answer !== 'ok') throw new Error(`the past of ${ruleId} is told by another`);
}
