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
import type { TakenNote } from '../record/messages.ts';
import type { Routing } from '../routing/routing.ts';
import { inUnits, limitFields, secondsUntil, sumText, type Counted } from './fields.ts';
import type { Ask, Ledger, Reservation, Standing, Taken } from './ledger.ts';
import type { Restorer } from './restore.ts';
import { callerOf, heldFor, readHeld, type Going, type Held } from './caller.ts';
import { applies, countOf, makeRule, type Caller, type Rule } from './rule.ts';
import { frameAt } from './window.ts';
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

interface Open {
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
  /** By request id: calls whose usage is not known yet. */
  readonly #open = new ChurnMap<Open, string>();

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
   * billed. @returns the body to send. @throws WeirError `limit_exceeded` when a limit has no room, with when it will; `overloaded`
   * when what was counted before cannot be known, and is to be.
   */
  async admit(
    call: Call,
    body: RequestBody,
    going: readonly [Going, ...Going[]],
    shares: number,
  ): Promise<RequestBody> {
    const all = this.#rulesOf(call);
    const { held, rest } = await this.#look(call, body, all);
    const caller = callerOf(call, held, going[0]);
    const rules = all.filter((rule) => applies(rule, caller));
    if (rules.length === 0) return rest;
    const each = going.map((place) => {
      return this.#mostOf(rules, callerOf(call, held, place), { held: heldFor(call, held, place), host: place.host });
    });
    await this.#take(rules, caller, times(each.reduce(dearer), shares), shares);
    return rest;
  }

  /** An upgrade, whose use is counted as it goes. @param cut ends it. @throws WeirError as `admit`. */
  async admitUpgrade(call: Call, cut: () => void): Promise<void> {
    const caller = callerOf(call, null, { provider: call.provider, model: '' });
    const rules = this.#rulesOf(call).filter((rule) => applies(rule, caller));
    if (rules.length === 0) return;
    await this.#take(rules, caller, { tokens: 0, nanos: 0, unpriced: false }, 1);
    const open = this.#open.get(call.id);
    if (open !== undefined) open.cut = cut;
  }

  /** The client has everything: it counts no more among the calls at once. */
  ended(call: Call): void {
    if (call.reservation === null) return;
    const { taken } = this.#open.get(call.id)?.reservation ?? call.reservation;
    const atOnce = taken.filter(({ unit }) => unit === 'concurrent');
    if (atOnce.length > 0)
      this.options.ledger.settle(
        call.id,
        atOnce,
        atOnce.map(() => 0),
      );
  }

  /** Nothing will come of the call: all that it took goes back. */
  release(call: Call): void {
    if (call.reservation === null) return;
    const { taken } = this.#open.get(call.id)?.reservation ?? call.reservation;
    this.#open.delete(call.id);
    call.reservation = null;
    this.options.ledger.settle(
      call.id,
      taken,
      taken.map(() => 0),
    );
  }

  /** What the recorder read of calls. */
  told(notes: readonly TakenNote[]): void {
    for (const note of notes) this.#told(note);
  }

  #told(note: TakenNote): void {
    const open = this.#open.get(note.id);
    if (open?.cut != null) return void this.#goOn(open, note);
    if (open === undefined && !this.options.ledger.survives) return; // A process before this one took it: the log has it.
    const tokens = (open?.tokens ?? 0) + note.tokens;
    const nanos = (open?.nanos ?? 0) + note.nanos;
    if (!note.over) {
      if (open !== undefined) Object.assign(open, { tokens, nanos });
      return;
    }
    this.#open.delete(note.id);
    const { taken } = open?.reservation ?? note.limited ?? { taken: [] };
    const timed = taken.filter(({ unit }) => unit !== 'concurrent');
    const used = { requests: note.requests, tokens, usd: nanos, concurrent: 0 };
    this.options.ledger.settle(
      note.id,
      timed,
      timed.map(({ unit, amount }) => (unit === 'requests' ? amount * note.requests : used[unit])),
    );
  }

  /** A response of a connection, or its end. Nothing was taken for it: it is counted as it comes. */
  async #goOn(open: Open, note: TakenNote): Promise<void> {
    if (note.over) {
      this.#open.delete(note.id);
      // What it took at its beginning stays: nothing comes back.
      const timed = open.reservation.taken.filter(({ unit }) => unit !== 'concurrent');
      this.options.ledger.settle(
        note.id,
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
    const brought = call.instructions.limits.map((policy) => makeRule(policy, 'header', call.keyId));
    return [...this.#keyRules(call.holder), ...this.#routeRules(call.routing), ...this.#saved, ...brought];
  }

  /** Holds the body, where something has to be read from it. */
  async #look(
    call: Call,
    body: RequestBody,
    rules: readonly Rule[],
  ): Promise<{ held: Held | null; rest: RequestBody }> {
    const reads = rules.some(
      ({ policy: { unit, by, match } }) =>
        unit === 'tokens' ||
        unit === 'usd' ||
        by.includes('user') ||
        by.includes('model') ||
        match.models !== undefined,
    );
    if (body === null || !reads) return { held: null, rest: body };
    const { whole, body: rest } = await holdWhole(body, this.options.bodyLimit);
    return { held: whole === null ? null : readHeld(call, whole), rest };
  }

  async #take(rules: readonly Rule[], caller: Caller, most: WorstCase, shares: number): Promise<void> {
    const { call } = caller;
    const told = this.options.restorer.ready(rules, this.options.waitMs);
    if (told !== null && !(await told) && this.options.away === 'closed') {
      throw new WeirError(
        'overloaded',
        'What was spent before cannot be known while the store is away, and WEIR_LIMITS_AWAY is closed.',
      );
    }
    const at = Date.now();
    const asks = rules.map((rule) => {
      const { unit } = rule.policy;
      const amount = unit === 'tokens' ? most.tokens : unit !== 'usd' ? 1 : most.unpriced ? 0 : most.nanos;
      return askOf(rule, { count: countOf(rule, caller), at, amount });
    });
    refuseUnpriced(rules, caller, most);
    const decision = await this.options.ledger.take(call.id, asks, at);
    if (decision.refused !== null) {
      this.refused++;
      throw refusalOf(rules, decision.refused, decision.standings, at, asks[decision.refused]);
    }
    const { amounts, standings } = decision;
    const taken = asks.map(({ count, frame }, index): Taken => {
      return { count, unit: rules[index]?.policy.unit ?? 'requests', slot: frame.slot, amount: amounts[index] ?? 0 };
    });
    const of = (unit: Taken['unit']): number =>
      Math.max(0, ...taken.filter((one) => one.unit === unit).map(({ amount }) => amount));
    const reservation = { taken, tokens: of('tokens'), nanos: of('usd'), ...(shares > 1 ? { shares } : {}) };
    // What goes into the marks is for another process: it can give back only what outlives this one.
    call.reservation = this.options.ledger.survives ? reservation : { ...reservation, taken: [] };
    call.limitFields = limitFields(
      rules.map((rule, index) => ({ rule, standing: standings[index] as Standing })),
      at,
    );
    this.#warn(call, rules, asks, standings);
    this.#open.set(call.id, { rules, reservation, tokens: 0, nanos: 0, cut: null });
  }

  #mostOf(
    rules: readonly Rule[],
    { call, provider, model }: Caller,
    sent: { held: Held | null; host: string },
  ): WorstCase {
    if (!rules.some(({ policy: { unit } }) => unit === 'tokens' || unit === 'usd'))
      return { tokens: 0, nanos: 0, unpriced: false };
    return worstCase({ call, provider, model, ...sent }, this.options.prices.book);
  }

  /** A limit that only warns has been passed: said in a header and in the row. */
  #warn(call: Call, rules: readonly Rule[], asks: readonly Ask[], standings: readonly Standing[]): void {
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
  const { unit, window, quota, action } = rule.policy;
  return { count, unit, frame: frameAt(window, at), quota: inUnits(rule, quota), amount, hard: action === 'refuse' };
}

/** A sum in dollars cannot be held to where a model's price is not known. */
function refuseUnpriced(rules: readonly Rule[], { model }: Caller, { unpriced }: WorstCase): void {
  const budget = rules.find(({ policy }) => policy.unit === 'usd' && policy.action === 'refuse');
  if (!unpriced || budget === undefined) return;
  throw new WeirError(
    'limit_exceeded',
    `The limit ${budget.policy.name} is in dollars, and no price of ${JSON.stringify(model.slice(0, 128))} is known: set one (docs/prices.md).`,
  );
}

/** Says which limit, how it stands, and when there is room. */
function refusalOf(
  rules: readonly Rule[],
  refused: number,
  standings: readonly Standing[],
  at: number,
  ask: Ask | undefined,
): WeirError {
  const rule = rules[refused] as Rule;
  const standing = standings[refused] as Standing;
  const { name, quota, unit, window } = rule.policy;
  const asked =
    ask?.amount == null || unit === 'requests' || unit === 'concurrent'
      ? ''
      : `; this call may come to ${sumText(rule, ask.amount)}`;
  const never = ask?.amount != null && ask.amount > ask.quota;
  const room = Number.isFinite(standing.room) ? standing.room : at + 1000;
  const when = never
    ? ', more than the limit ever allows'
    : window === null
      ? ''
      : `. There is room from ${new Date(room).toISOString()} on`;
  const error = new WeirError(
    'limit_exceeded',
    `The limit ${name} is reached: ${sumText(rule, standing.sum)} of ${quota} ${unit === 'concurrent' ? 'calls at once' : unit} are taken${asked}${when}.`,
  );
  const counted: Counted[] = rules.map((one, index) => ({ rule: one, standing: standings[index] as Standing }));
  error.headers = [...limitFields(counted, at), ...(never ? [] : ['Retry-After', String(secondsUntil(room, at))])];
  return error;
}
