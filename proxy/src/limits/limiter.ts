/**
 * The one path by which calls are counted and held to limits, whatever their route: what a call may come to at most is taken
 * before it is sent, all limits or none, and becomes what it was when that is known. So calls at once cannot pass a quota
 * together. A call without limits does not come here.
 */
import type { LimitPolicy } from '@weir/schema/settings/limit';
import type { RouteSettings } from '@weir/schema/settings/route';
import { holdWhole, type RequestBody } from '../body.ts';
import type { Call } from '../call.ts';
import { ChurnMap } from '../churn-map.ts';
import { WeirError } from '../errors.ts';
import type { KeyHolder } from '../keys/holder.ts';
import type { PriceBook } from '../prices/book.ts';
import type { RecoveredNote, TakenNotes, Used } from '../record/messages.ts';
import { readTaken, type TakenNote } from '../record/taken-note.ts';
import type { Routing } from '../routing/routing.ts';
import { limitFields } from './fields.ts';
import type { Ask, Decision, Ledger, Reservation, Standing, Taken } from './ledger.ts';
import { refusalOf, refuseUnpriced } from './refusal.ts';
import type { Restorer } from './restore.ts';
import { callerOf, heldFor, readHeld, type Going, type Held } from './caller.ts';
import { applies, countOf, makeRule, type Caller, type Rule } from './rule.ts';
import { dearer, times, worstCase, type WorstCase } from './worst-case.ts';

export interface LimiterOptions {
  ledger: Ledger;
  restorer: Restorer;
  /** The prices in force. */
  prices: { readonly book: PriceBook };
  /** The keys that a key was made by, nearest first: what they are limited to, it is too. */
  makersOf: (holder: KeyHolder) => readonly KeyHolder[];
  /** A body over this size is not held: what it comes to is not known before. */
  bodyLimit: number;
  /** What becomes of a call while it cannot be known what was counted before: `WEIR_LIMITS_AWAY`. */
  away: 'open' | 'closed';
  /** How long it waits for that, ms. */
  waitMs: number;
}

/** A call that is to be counted. */
interface Asking {
  call: Call;
  /** All that may count it. */
  rules: readonly Rule[];
  going: readonly [Going, ...Going[]];
  shares: number;
}

/** What is to be taken for it. */
interface Taking {
  /** Those that do. */
  rules: readonly Rule[];
  caller: Caller;
  most: WorstCase;
  shares: number;
}

interface Open {
  /** `request_id` and `sequence` of the call. */
  id: string;
  sequence: number;
  rules: readonly Rule[];
  reservation: Reservation;
  /** Told so far, of a call that has several responses. */
  tokens: number;
  nanos: number;
  /** Ends an open connection whose limit is passed. */
  cut: (() => void) | null;
}

export class Limiter {
  refused = 0;
  warned = 0;
  #saved: readonly Rule[] = [];
  readonly #ofKeys = new WeakMap<KeyHolder, readonly Rule[]>();
  readonly #ofRoutes = new WeakMap<RouteSettings, readonly Rule[]>();
  /** By the call's `sequence`: calls whose usage is not known yet. */
  readonly #open = new ChurnMap<Open>();
  /** By the call's `sequence`: the places among calls at once that calls have which go on. */
  readonly #atOnce = new ChurnMap<readonly Taken[]>();

  constructor(private readonly options: LimiterOptions) {}

  /** Calls that hold something. */
  get open(): number {
    return this.#open.size;
  }

  /** Takes another list of saved limits. */
  replace(saved: readonly LimitPolicy[]): void {
    this.#saved = saved.map((policy) => makeRule(policy, 'saved', ''));
    for (const rule of this.#saved) this.options.restorer.begin(rule);
  }

  /** Begins to read what the limits of keys have counted, so that their first call does not wait for it. */
  follow(holders: readonly KeyHolder[]): void {
    for (const holder of holders) this.#keyRules(holder);
  }

  /** Whether any limit may count this call. */
  inForce({ holder, instructions, routing }: Call): boolean {
    return (
      this.#saved.length > 0 ||
      instructions.limits.length > 0 ||
      this.#keyRules(holder).length > 0 ||
      this.#routeRules(routing).length > 0
    );
  }

  /**
   * Takes what the call may come to. @param going where it may go, the first place first. @param shares attempts that may all be
   * billed. @returns the body to send, at once where nothing has to be waited for. @throws WeirError `limit_exceeded` when a limit
   * has no room, with when it will; `overloaded` when what was counted before cannot be known, and is to be.
   */
  admit(
    call: Call,
    body: RequestBody,
    going: readonly [Going, ...Going[]],
    shares: number,
  ): RequestBody | Promise<RequestBody> {
    const asking: Asking = { call, rules: this.#rulesOf(call), going, shares };
    if (body === null || !asking.rules.some(({ reads }) => reads)) return this.#admit(asking, null, body);
    const { bodyLimit } = this.options;
    if (Buffer.isBuffer(body)) return this.#admit(asking, body.length > bodyLimit ? null : body, body);
    return holdWhole(body, bodyLimit).then(({ whole, body: rest }) => this.#admit(asking, whole, rest));
  }

  /** @param whole the body, where it is held. @param rest the body to send. */
  #admit(
    { call, rules: all, going, shares }: Asking,
    whole: Buffer | null,
    rest: RequestBody,
  ): RequestBody | Promise<RequestBody> {
    const held = whole === null ? null : readHeld(call, whole);
    const [first] = going;
    const caller = callerOf(call, held, first);
    const rules = all.every(({ everyCall }) => everyCall) ? all : all.filter((rule) => applies(rule, caller));
    if (rules.length === 0) return rest;
    let most = this.#mostOf(rules, caller, heldFor(call, held, first), first.host);
    for (let index = 1; index < going.length; index++) {
      const place = going[index] as Going;
      const sent = heldFor(call, held, place);
      most = dearer(most, this.#mostOf(rules, callerOf(call, held, place), sent, place.host));
    }
    const taken = this.#take({ rules, caller, most: shares === 1 ? most : times(most, shares), shares });
    return taken === undefined ? rest : taken.then(() => rest);
  }

  /** An upgrade, whose use is counted as it goes. @param cut ends it. @throws WeirError as `admit`. */
  async admitUpgrade(call: Call, cut: () => void): Promise<void> {
    const caller = callerOf(call, null, { provider: call.provider, model: '' });
    const rules = this.#rulesOf(call).filter((rule) => applies(rule, caller));
    if (rules.length === 0) return;
    await this.#take({ rules, caller, most: { tokens: 0, nanos: 0, unpriced: false }, shares: 1 });
    const open = this.#open.get(call.sequence);
    if (open !== undefined) open.cut = cut;
  }

  /** The client has everything: it counts no more among the calls at once. */
  ended(call: Call): void {
    const atOnce = this.#atOnce.get(call.sequence);
    if (atOnce === undefined) return;
    this.#atOnce.delete(call.sequence);
    this.options.ledger.settle(
      call.id,
      atOnce,
      atOnce.map(() => 0),
    );
  }

  /** Nothing will come of the call: all that it took goes back. */
  release(call: Call): void {
    if (call.reservation === null) return;
    const { taken } = this.#open.get(call.sequence)?.reservation ?? call.reservation;
    this.#open.delete(call.sequence);
    this.#atOnce.delete(call.sequence);
    call.reservation = null;
    this.options.ledger.settle(
      call.id,
      taken,
      taken.map(() => 0),
    );
  }

  /** What the recorder read of calls. */
  told(notes: TakenNotes): void {
    for (const note of readTaken(notes)) {
      const open = this.#open.get(note.sequence);
      if (open !== undefined) this.#told(open, note);
    }
    if (notes.recovered.length > 0) this.#toldOfRecovered(notes.recovered);
  }

  #toldOfRecovered(notes: readonly RecoveredNote[]): void {
    const byId = new Map([...this.#open.values()].map((open) => [open.id, open]));
    for (const note of notes) {
      const open = byId.get(note.id);
      if (open !== undefined) this.#told(open, { ...note, over: true });
      // A process before this one took it. Where nothing outlives a process, the log has it.
      else if (this.options.ledger.survives) this.#settle(note.id, note.limited, note);
    }
  }

  #told(open: Open, note: Omit<TakenNote, 'sequence'>): void {
    if (open.cut !== null) return void this.#goOn(open, note);
    open.tokens += note.tokens;
    open.nanos += note.nanos;
    if (!note.over) return;
    this.#open.delete(open.sequence);
    this.#settle(open.id, open.reservation, { requests: note.requests, tokens: open.tokens, nanos: open.nanos });
  }

  /** What was taken becomes what was used. */
  #settle(id: string, { taken }: Reservation, { requests, tokens, nanos }: Used): void {
    const timed = timedOf(taken);
    const used = timed.map(({ unit, amount }) =>
      unit === 'requests' ? amount * requests : unit === 'tokens' ? tokens : nanos,
    );
    this.options.ledger.settle(id, timed, used);
  }

  /** A response of a connection, or its end. Nothing was taken for it: it is counted as it comes. */
  async #goOn(open: Open, note: Omit<TakenNote, 'sequence'>): Promise<void> {
    if (note.over) {
      this.#open.delete(open.sequence);
      // What it took at its beginning stays: nothing comes back.
      const timed = timedOf(open.reservation.taken);
      this.options.ledger.settle(
        open.id,
        timed,
        timed.map(({ amount }) => amount),
      );
    }
    const at = Date.now();
    const asks = open.rules.map((rule, index) => {
      const { count = '' } = open.reservation.taken[index] ?? {};
      const amount = { requests: 0, tokens: note.tokens, usd: note.nanos, concurrent: 0 }[rule.policy.unit];
      return askOf(rule, { count, at, amount });
    });
    const standings = await this.options.ledger.add(asks, at);
    const over = asks.some(({ hard, quota, amount }, index) => {
      return hard && amount > 0 && (standings[index]?.sum ?? 0) > quota;
    });
    if (over) open.cut?.();
  }

  #keyRules(holder: KeyHolder | null): readonly Rule[] {
    if (holder === null) return [];
    let rules = this.#ofKeys.get(holder);
    if (rules === undefined) {
      rules = [holder, ...this.options.makersOf(holder)].flatMap(({ keyId, limits }) =>
        limits.map((policy) => makeRule(policy, 'key', keyId)),
      );
      this.#ofKeys.set(holder, rules);
      for (const rule of rules) this.options.restorer.begin(rule);
    }
    return rules;
  }

  /** Of the saved route that a call names. */
  #routeRules(routing: Routing | null): readonly Rule[] {
    const settings = routing?.settings ?? null;
    if (settings === null || settings.limits.length === 0) return [];
    let rules = this.#ofRoutes.get(settings);
    if (rules === undefined) {
      rules = settings.limits.map((policy) => makeRule(policy, 'route', settings.name));
      this.#ofRoutes.set(settings, rules);
      for (const rule of rules) this.options.restorer.begin(rule);
    }
    return rules;
  }

  #rulesOf(call: Call): readonly Rule[] {
    const ofKey = this.#keyRules(call.holder);
    const ofRoute = this.#routeRules(call.routing);
    const { limits } = call.instructions;
    // Mostly there is one list, and no new one is needed.
    if (ofRoute.length + this.#saved.length + limits.length === 0) return ofKey;
    const brought = limits.map((policy) => makeRule(policy, 'header', call.keyId));
    return [...ofKey, ...ofRoute, ...this.#saved, ...brought];
  }

  /** @returns a promise where something has to be waited for. */
  #take(taking: Taking): Promise<void> | undefined {
    const told = this.options.restorer.ready(taking.rules, this.options.waitMs);
    if (told === null) return this.#ask(taking);
    return told.then((known) => {
      if (known || this.options.away === 'open') return this.#ask(taking);
      throw new WeirError(
        'overloaded',
        'What was spent before cannot be known while the store is away, and WEIR_LIMITS_AWAY is closed.',
      );
    });
  }

  #ask(taking: Taking): Promise<void> | undefined {
    const { rules, caller, most } = taking;
    const at = Date.now();
    const asks: Ask[] = [];
    for (const rule of rules) {
      const { unit } = rule.policy;
      const amount = unit === 'tokens' ? most.tokens : unit !== 'usd' ? 1 : most.unpriced ? 0 : most.nanos;
      asks.push(askOf(rule, { count: countOf(rule, caller), at, amount }));
    }
    refuseUnpriced(rules, caller, most);
    const decision = this.options.ledger.take(caller.call.id, asks, at);
    if (decision instanceof Promise) return decision.then((one) => this.#carryOut(taking, asks, one, at));
    this.#carryOut(taking, asks, decision, at);
    return undefined;
  }

  /** Does what was decided. @throws WeirError of a refusal. */
  #carryOut({ rules, caller: { call }, shares }: Taking, asks: readonly Ask[], decision: Decision, at: number): void {
    if (decision.refused !== null) {
      this.refused++;
      throw refusalOf(rules, decision.refused, decision.standings, at, asks[decision.refused]);
    }
    const { amounts, standings } = decision;
    const reservation = reservationOf(asks, amounts, shares);
    // What goes into the marks is for another process: it can give back only what outlives this one.
    call.reservation = this.options.ledger.survives ? reservation : withoutTaken(reservation);
    call.limitFields = limitFields(rules, standings, at);
    this.#warn(call, rules, asks, standings);
    const { id, sequence } = call;
    this.#open.set(sequence, { id, sequence, rules, reservation, tokens: 0, nanos: 0, cut: null });
    if (rules.some(({ atOnce }) => atOnce)) this.#atOnce.set(sequence, reservation.taken.filter(isAtOnce));
  }

  #mostOf(rules: readonly Rule[], { call, provider, model }: Caller, held: Held | null, host: string): WorstCase {
    if (!rules.some(({ estimates }) => estimates)) return { tokens: 0, nanos: 0, unpriced: false };
    return worstCase({ call, held, provider, model, host }, this.options.prices.book);
  }

  /** A limit that only warns has been passed: said in a header and in the row. */
  #warn(call: Call, rules: readonly Rule[], asks: readonly Ask[], standings: readonly Standing[]): void {
    if (rules.every(({ hard }) => hard)) return;
    const passed = rules.filter((_, index) => {
      const [ask, standing] = [asks[index], standings[index]];
      return ask !== undefined && standing !== undefined && !ask.hard && standing.sum > ask.quota;
    });
    for (const { policy } of passed) call.warnings.push(`limit_exceeded:${policy.name}`);
    if (passed.length === 0) return;
    this.warned++;
    call.limitFields.push(
      'Weir-Warning',
      passed.map(({ policy }) => `limit_exceeded;name="${policy.name}"`).join(', '),
    );
  }
}

function askOf<Amount extends number | null>(
  rule: Rule,
  { count, at, amount }: { count: string; at: number; amount: Amount },
): Ask & { amount: Amount } {
  return { count, unit: rule.policy.unit, frame: rule.frame(at), quota: rule.quota, amount, hard: rule.hard };
}

function isAtOnce({ unit }: Taken): boolean {
  return unit === 'concurrent';
}

/** All but the places among calls at once, which are given back when the client has everything. */
function timedOf(taken: readonly Taken[]): readonly Taken[] {
  return taken.some(isAtOnce) ? taken.filter((one) => !isAtOnce(one)) : taken;
}

/** What stands for the usage alone. */
function withoutTaken({ tokens, nanos, shares }: Reservation): Reservation {
  return shares === undefined ? { taken: [], tokens, nanos } : { taken: [], tokens, nanos, shares };
}

function reservationOf(asks: readonly Ask[], amounts: readonly number[], shares: number): Reservation {
  const taken: Taken[] = [];
  let [tokens, nanos] = [0, 0];
  for (const [index, { count, unit, frame }] of asks.entries()) {
    const amount = amounts[index] ?? 0;
    taken.push({ count, unit, slot: frame.slot, amount });
    if (unit === 'tokens') tokens = Math.max(tokens, amount);
    else if (unit === 'usd') nanos = Math.max(nanos, amount);
  }
  return shares > 1 ? { taken, tokens, nanos, shares } : { taken, tokens, nanos };
}
