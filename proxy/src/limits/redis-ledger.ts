/**
 * Counts in Redis, one for all proxies. Each decision is one script; what was taken is noted there by call, so that it is given
 * back once, whoever tells of it. While Redis is away each proxy counts by itself, or refuses; what it counted is told when
 * Redis is back. A Redis that comes back empty is told what is open here, and the rest from the log.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { WeirError } from '../errors.ts';
import { log } from '../log.ts';
import type { Ask, Decision, Ledger, Standing, Sums, Taken } from './ledger.ts';
import { MemoryLedger } from './memory-ledger.ts';
import { countQuestion, holdAsks, LostData, partOf, readDecision, readRecord, type Question } from './redis-ask.ts';
import { Backlog, type Part, type Settling } from './redis-backlog.ts';
import { againKey, behindKey, countKey, epochKey, openKey, oweKey, recordKey } from './redis-keys.ts';
import { RedisLink } from './redis-link.ts';
import { RedisPast } from './redis-past.ts';
import { behind, count, hello, members, owe, records, renew, settle } from './redis-scripts.ts';
import { ruleIdOf } from './rule.ts';
import type { Frame } from './window.ts';

export interface RedisLedgerOptions {
  /** redis:// or rediss:// */
  url: string;
  /** Names this proxy, also after it was started again: what it had taken when it died is found by that. */
  self: string;
  /** While Redis is away: each proxy counts by itself, or calls that limits count are refused. */
  away: 'open' | 'closed';
  /** Whether every call of this proxy that ended before a moment (ms since 1970) has its rows in the store. */
  arrived: (before: number) => boolean;
  /** How long a decision waits for Redis at most, ms. */
  limitMs?: number;
  /** How long a call at once counts after its proxy was heard of last, ms; it is renewed three times in between. */
  leaseMs?: number;
  /** How long the claim of a proxy that died keeps others from telling a rule's past, ms. */
  claimMs?: number;
}

/** What an open call has. */
interface Held {
  parts: Part[];
  /** `here`: counted in this process alone. `unsure`: Redis may know of it. */
  known: 'here' | 'unsure' | 'redis';
}

/** What a call of a dead process has. */
export interface Leftover {
  id: string;
  parts: Part[];
}

/** A list of what is owed is told once; how long its name is remembered, ms. */
const oweMs = 3_600_000;
/** How long the rows of a proxy are waited for before the log is read, ms: it may have died, or its store be away. */
const mostBehindMs = 15_000;
const renewedTogether = 1_000;
const toldTogether = 200;

export class RedisLedger implements Ledger {
  readonly survives = true;
  onLost: () => void = () => undefined;
  readonly #link: RedisLink;
  readonly #past: RedisPast;
  readonly #backlog = new Backlog();
  /** By call. */
  readonly #held = new Map<string, Held>();
  readonly #leaseMs: number;
  /** Counts while Redis is away. */
  #alone = new MemoryLedger();
  #epoch: string | null = null;
  #renewAt = 0;
  /** When Redis lost what it held, ms since 1970; null once the store has all rows from before. */
  #behindSince: number | null = null;

  constructor(private readonly options: RedisLedgerOptions) {
    this.#leaseMs = options.leaseMs ?? 30_000;
    this.#link = new RedisLink({
      url: options.url,
      limitMs: options.limitMs ?? 250,
      sync: () => this.#sync(),
      hurries: () => this.#behindSince !== null,
      onAway: () => (this.#alone = new MemoryLedger()),
    });
    this.#past = new RedisPast(this.#link, options.claimMs);
  }

  get awaySince(): number | null {
    return this.#link.awaySince;
  }

  get size(): number {
    return this.#alone.size + this.#held.size;
  }

  /** Counts and calls that Redis has to be told of. */
  get waiting(): number {
    return this.#backlog.size;
  }

  /** @returns when Redis was reached, or could not be within a second: then it goes on trying. */
  start(): Promise<void> {
    return this.#link.start();
  }

  async stop(): Promise<void> {
    // What it fails to tell is said below.
    if (this.awaySince === null) await this.#tellBacklog().catch(() => undefined);
    // What is on its way is answered before the connection ends.
    await this.#link.stop();
    if (this.#backlog.size > 0)
      log.error({ counts: this.#backlog.size }, 'Redis was never told what was counted alone');
  }

  /** @throws WeirError `overloaded` while Redis is away and that closes. */
  async take(id: string, asks: readonly Ask[], at: number): Promise<Decision> {
    let known: Held['known'] = 'here';
    if (this.awaySince === null) {
      try {
        const decision = await this.#count('take', id, asks, at);
        if (decision.refused === null) this.#hold(id, asks, decision.amounts, 'redis');
        return decision;
      } catch (error) {
        this.#link.lose(error);
        known = 'unsure';
      }
    }
    const closed = this.options.away === 'closed';
    const decision = closed ? null : this.#alone.take(id, asks, at);
    if (decision?.refused === null) this.#hold(id, asks, decision.amounts, known);
    else if (known === 'unsure') {
      // Should Redis have taken it after all, it goes back.
      const used = asks.map((ask) => ({ part: partOf(ask, 0), amount: 0 }));
      this.#backlog.settle({ id, unsure: [], used });
    }
    if (decision !== null) return decision;
    throw new WeirError(
      'overloaded',
      'Limits are counted in Redis, which is away, and WEIR_LIMITS_AWAY is closed: try again in a moment.',
    );
  }

  settle(id: string, taken: readonly Taken[], used: readonly number[]): void {
    const held = this.#held.get(id);
    const parts = taken.map((one) => this.#release(id, held, one));
    const list = parts.map((part, index) => ({ part, amount: used[index] ?? part.amount }));
    if (held !== undefined && held.known !== 'redis') this.#alone.settle(id, taken, used);
    if (held?.known === 'here') {
      for (const { part, amount } of list) this.#backlog.owe(part, amount);
      return;
    }
    const settling: Settling = { id, unsure: held?.known === 'unsure' ? parts : [], used: list };
    if (this.awaySince !== null || held?.known === 'unsure') return this.#backlog.settle(settling);
    this.#tellSettled(settling).catch((error: unknown) => {
      this.#backlog.settle(settling);
      this.#link.lose(error);
    });
  }

  async add(asks: readonly (Ask & { amount: number })[], at: number): Promise<Standing[]> {
    if (this.awaySince === null) {
      try {
        return (await this.#count('add', '', asks, at)).standings;
      } catch (error) {
        // Whether it was counted is not known. It counts here then: rather twice than never.
        this.#link.lose(error);
      }
    }
    for (const ask of asks) this.#backlog.owe(partOf(ask, 0), ask.amount);
    return this.#alone.add(asks, at);
  }

  /** After a loss only the log knows what was spent: nobody reads it before each proxy's rows are there. */
  async claim(ruleId: string, at: number): Promise<number | null> {
    const since = await this.#past.claim(ruleId, at);
    if (since === null || Date.now() > since + mostBehindMs) return since;
    const waiting = z.array(z.string()).parse(await this.#link.tell(members, [behindKey], []));
    return waiting.length > 0 ? null : since;
  }

  isTold(ruleId: string): boolean {
    return this.#past.isTold(ruleId);
  }

  async recounted(): Promise<string[]> {
    return z.array(z.string()).parse(await this.#link.tell(members, [againKey], []));
  }

  restore(ruleId: string, sums: Sums, frame: Frame): Promise<void> {
    return this.#past.restore(ruleId, sums, frame);
  }

  /** What a process before this one took, and nobody has settled. @param before ids of calls of this one are not less. */
  async leftovers(before: string): Promise<Leftover[]> {
    const all = z.array(z.string()).parse(await this.#link.tell(members, [openKey(this.options.self)], []));
    const ids = all.filter((id) => id < before);
    const left: Leftover[] = [];
    for (let from = 0; from < ids.length; from += toldTogether) {
      const some = ids.slice(from, from + toldTogether);
      const found = z.array(z.array(z.string())).parse(await this.#link.tell(records, some.map(recordKey), []));
      some.forEach((id, index) => left.push({ id, parts: readRecord(found[index] ?? []) }));
    }
    return left;
  }

  /** @param used by index of its parts. */
  settleLeftover({ id, parts }: Leftover, used: readonly number[]): Promise<void> {
    return this.#tellSettled({
      id,
      unsure: [],
      used: parts.map((part, index) => ({ part, amount: used[index] ?? 0 })),
    });
  }

  async #count(mode: Question['mode'], id: string, asks: readonly Ask[], at: number): Promise<Decision> {
    const used = asks.filter(({ unit }) => unit !== 'concurrent');
    const rules = mode === 'hold' ? [] : used.map((ask) => ({ ruleId: ruleIdOf(ask.count), frame: ask.frame }));
    const marks = this.#past.marks(rules, at);
    const { self } = this.options;
    const question = { mode, epoch: this.#epoch ?? '', self, id, leaseMs: this.#leaseMs, asks, at, marks };
    const { keys, args } = countQuestion(question);
    const ask = mode === 'hold' ? this.#link.tell.bind(this.#link) : this.#link.decide.bind(this.#link);
    return readDecision(await ask(count, keys, args), asks, at);
  }

  #hold(id: string, asks: readonly Ask[], amounts: readonly number[], known: Held['known']): void {
    this.#held.set(id, { parts: asks.map((ask, index) => partOf(ask, amounts[index] ?? 0)), known });
  }

  /** A part of a call that is over; one of a process before this is known by its note alone. */
  #release(id: string, held: Held | undefined, { count: name, unit, slot, amount }: Taken): Part {
    const place = held?.parts.findIndex((part) => part.count === name) ?? -1;
    const [part] = place === -1 ? [] : (held?.parts.splice(place, 1) ?? []);
    if (held?.parts.length === 0) this.#held.delete(id);
    const key = countKey(name);
    return part ?? { key, count: name, unit, slot, amount, until: Infinity };
  }

  async #tellSettled(settling: Settling): Promise<void> {
    const { id, unsure, used } = settling;
    if (unsure.length > 0) await this.#count('hold', id, holdAsks(unsure), Date.now());
    // Once it is settled, its record is gone: it must not be held again.
    settling.unsure = [];
    const keys = [recordKey(id), openKey(this.options.self), ...used.map(({ part }) => part.key)];
    const args = used.flatMap(({ part, amount }) => [part.unit, String(Math.round(amount))]);
    await this.#link.tell(settle, keys, [id, ...args]);
  }

  /** Every second, and until it goes well while Redis is away. */
  async #sync(): Promise<void> {
    const epoch = z.string().parse(await this.#link.tell(hello, [epochKey], [randomUUID()]));
    if (this.#epoch !== null && epoch !== this.#epoch) this.#lost();
    this.#epoch = epoch;
    await this.#tellBehind();
    await this.#tellHeld();
    await this.#tellBacklog();
    await this.#renewLeases();
  }

  #lost(): void {
    this.#link.lose(new LostData());
    this.#behindSince = Date.now();
    this.#past.forget(Date.now());
    this.#backlog.forget(({ count: name }) => this.#past.has(ruleIdOf(name)));
    for (const held of this.#held.values()) held.known = 'unsure';
    this.#renewAt = 0;
    this.onLost();
  }

  async #tellBehind(): Promise<void> {
    if (this.#behindSince === null) return;
    const arrived = this.options.arrived(this.#behindSince);
    await this.#link.tell(behind, [behindKey], [this.options.self, arrived ? '0' : String(mostBehindMs)]);
    if (arrived) this.#behindSince = null;
  }

  /** Calls that are open, and that Redis does not know of. */
  async #tellHeld(): Promise<void> {
    const open = [...this.#held].filter(([, { known }]) => known !== 'redis');
    for (let from = 0; from < open.length; from += toldTogether) {
      const some = open.slice(from, from + toldTogether).filter(([id, held]) => this.#held.get(id) === held);
      // One that is over meanwhile is settled after this.
      for (const [, held] of some) held.known = 'unsure';
      await allOf(some.map(([id, { parts }]) => this.#count('hold', id, holdAsks(parts), Date.now())));
      for (const [, held] of some) held.known = 'redis';
    }
  }

  async #tellBacklog(): Promise<void> {
    for (let some = this.#backlog.takeSettlings(); some.length > 0; some = this.#backlog.takeSettlings()) {
      const told = await Promise.allSettled(some.map((one) => this.#tellSettled(one)));
      // Told twice, it is settled once.
      told.forEach(({ status }, index) => status === 'rejected' && this.#backlog.settle(some[index] as Settling));
      throwFirst(told);
    }
    for (let owed = this.#backlog.takeOwed(Date.now()); owed !== null; owed = this.#backlog.takeOwed(Date.now())) {
      const { token, parts } = owed;
      const args = parts.flatMap(({ slot, amount, until }) => [String(slot), String(amount), lifeUntil(until)]);
      try {
        await this.#link.tell(owe, [oweKey(token), ...parts.map(({ key }) => key)], [String(oweMs), ...args]);
      } catch (error) {
        this.#backlog.putBack(owed);
        throw error;
      }
    }
    if (this.#backlog.dropped > 0) log.error({ counts: this.#backlog.dropped }, 'Redis was away for too long');
    this.#backlog.dropped = 0;
  }

  async #renewLeases(): Promise<void> {
    if (Date.now() < this.#renewAt) return;
    const byKey = new Map<string, string[]>();
    for (const [id, { parts }] of this.#held) {
      for (const { key, unit } of parts) {
        if (unit !== 'concurrent') continue;
        const ids = byKey.get(key);
        if (ids === undefined) byKey.set(key, [id]);
        else ids.push(id);
      }
    }
    for (const [key, ids] of byKey) {
      for (let from = 0; from < ids.length; from += renewedTogether) {
        // Those that ended meanwhile have given theirs back.
        const goesOn = (id: string): boolean =>
          this.#held.get(id)?.parts.some((part) => part.unit === 'concurrent' && part.key === key) === true;
        const some = ids.slice(from, from + renewedTogether).filter(goesOn);
        if (some.length > 0) await this.#link.tell(renew, [key], [String(this.#leaseMs), ...some]);
      }
    }
    this.#renewAt = Date.now() + this.#leaseMs / 3;
  }
}

function lifeUntil(until: number): string {
  const yearMs = 366 * 86_400_000;
  return String(Math.ceil(Math.max(1, Math.min(yearMs, until - Date.now())) + 60_000));
}

/** Waits for all, whatever becomes of them. @throws what the first that failed did. */
async function allOf(work: readonly Promise<unknown>[]): Promise<void> {
  throwFirst(await Promise.allSettled(work));
}

function throwFirst(results: readonly PromiseSettledResult<unknown>[]): void {
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
