/**
 * What limits counted before this process began, read from the log, which is the ledger: a restart forgets no spend. What was
 * in flight when a process died is in the log too, at what it had taken (`limit_tokens`, `limit_usd`).
 */
import type { Db } from '@weir/schema/db';
import { z } from 'zod';
import type { Ledger, Sums } from './ledger.ts';
import { joinCount, type Rule } from './rule.ts';
import { beginOf, frameAt } from './window.ts';

export interface RestorerOptions {
  db: Db;
  ledger: Ledger;
  /** Whether every call that ended before a moment (ms since 1970) has its rows in the store. */
  arrived: (before: number) => boolean;
  /** The keys that were made by a key, directly or not, and itself: their calls count too. */
  madeBy: (keyId: string) => readonly string[];
  /** How often it is tried again, ms. */
  retryMs?: number;
}

export class Restorer {
  /** Rules whose past is not counted yet. */
  readonly #waiting = new Map<string, Promise<void>>();
  /** Rules that have a past, by id. */
  readonly #known = new Map<string, Rule>();
  #stopped = false;

  constructor(private readonly options: RestorerOptions) {
    options.ledger.onLost = () => {
      for (const rule of this.#known.values()) this.#start(rule, Date.now());
    };
  }

  /** Rules whose past is not counted yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Begins to read what a rule counted, once. A header's limit, and calls at once, have no past. */
  begin(rule: Rule, at = Date.now()): void {
    if (rule.from === 'header' || rule.policy.window === null || this.#known.has(rule.id)) return;
    this.#known.set(rule.id, rule);
    this.#start(rule, at);
  }

  #start(rule: Rule, at: number): void {
    // One that is being told finds that its claim is gone, and begins again.
    if (this.#waiting.has(rule.id)) return;
    const done = this.#restore(rule, at).finally(() => this.#waiting.delete(rule.id));
    this.#waiting.set(rule.id, done);
  }

  /**
   * @returns null when all is counted, or the ledger is away and says itself what becomes of a call; else a promise of whether
   * it was within so many ms.
   */
  ready(rules: readonly Rule[], withinMs: number): Promise<boolean> | null {
    if (this.#waiting.size === 0 || this.options.ledger.awaySince !== null) return null;
    const open = rules.map(({ id }) => this.#waiting.get(id)).filter((one) => one !== undefined);
    if (open.length === 0) return null;
    let timer: NodeJS.Timeout;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), withinMs);
    });
    return Promise.race([Promise.all(open).then(() => true as const), late]).finally(() => clearTimeout(timer));
  }

  async #restore(rule: Rule, at: number): Promise<void> {
    const { ledger, arrived, retryMs = 500 } = this.options;
    while (!this.#stopped) {
      try {
        const before = await ledger.claim(rule.id, at);
        if (before === null && (await ledger.isTold(rule.id))) return;
        if (before !== null && arrived(before)) {
          await ledger.restore(rule.id, await this.#sums(rule, before), frameAt(rule.policy.window, before));
          return;
        }
      } catch {
        // The store, or the ledger, is away: shown by the number of those that wait.
      }
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }

  async #sums(rule: Rule, before: number): Promise<Sums> {
    const query = restoreQuery(rule, before, this.options.madeBy(rule.owner), await this.options.ledger.recounted());
    const result = await this.options.db.query({ ...query, format: 'JSONEachRow' });
    const sums = new Map<string, Map<number, number>>();
    for (const row of z.array(sumRow).parse(await result.json())) {
      const count = joinCount(rule.id, row.parts);
      const bySlot = sums.get(count) ?? new Map<number, number>();
      bySlot.set(row.slot, row.sum);
      sums.set(count, bySlot);
    }
    return sums;
  }
}

const sumRow = z.object({ parts: z.array(z.string()), slot: z.coerce.number(), sum: z.coerce.number() });

/** What a unit is in rows. What is not known is what had been taken for it. */
export const sumOf = {
  requests: `countIf(outcome != 'blocked')`,
  tokens: 'sum(ifNull(limit_tokens, ifNull(input_tokens, 0) + ifNull(output_tokens, 0)))',
  usd: 'sum(toInt64(ifNull(limit_usd, ifNull(cost_usd, 0)) * 1000000000))',
  concurrent: '0',
} as const;

/** Calls are counted by where they go first: a row says that apart, where somebody else answered or the client named it otherwise. */
const firstAsked = {
  model: `if(limit_model = '', request_model, limit_model)`,
  provider: `if(limit_provider = '', provider, limit_provider)`,
};

const columnOf: Record<string, string> = {
  key: 'key_id',
  project: 'project',
  user: 'user_id',
  session: 'session_id',
  ...firstAsked,
};

/**
 * The statement that adds up what a rule has counted in its window before a moment, ms since 1970.
 * @param besides ids of calls that are counted elsewhere.
 */
export function restoreQuery(
  { policy, from, owner }: Rule,
  before: number,
  madeBy: readonly string[],
  besides: readonly string[] = [],
): { query: string; query_params: Record<string, unknown> } {
  const { unit, window, by, match } = policy;
  const frame = frameAt(window, before);
  const parameters: Record<string, unknown> = { from: beginOf(frame), before };
  const bind = (type: string, value: unknown): string => {
    const name = `p${Object.keys(parameters).length}`;
    parameters[name] = value;
    return `{${name}:${type}}`;
  };
  const part = (name: string): string =>
    columnOf[name] ?? `properties[${bind('String', name.slice('property:'.length))}]`;
  const ms = 'toUnixTimestamp64Milli(started_at)';
  const slot =
    frame.slotMs === 0 ? bind('Int64', frame.first) : `toInt64(floor(${ms} / ${bind('Float64', frame.slotMs)}))`;
  const conditions = [
    'started_at >= fromUnixTimestamp64Milli({from:Int64})',
    'started_at < fromUnixTimestamp64Milli({before:Int64})',
    ...(besides.length > 0 ? [`request_id NOT IN ${bind('Array(String)', besides)}`] : []),
    ...(from === 'key' ? [`key_id IN ${bind('Array(String)', [owner, ...madeBy])}`] : []),
    ...(from === 'route' ? [`route = ${bind('String', owner)}`] : []),
    ...(match.providers === undefined ? [] : [anyOf(firstAsked.provider, match.providers, bind)]),
    ...(match.models === undefined ? [] : [anyOf(firstAsked.model, match.models, bind)]),
    ...(match.keys === undefined ? [] : [anyOf('key_id', match.keys, bind)]),
    ...(match.projects === undefined ? [] : [anyOf('project', match.projects, bind)]),
    ...(match.operations === undefined ? [] : [`operation IN ${bind('Array(String)', match.operations)}`]),
    ...Object.entries(match.properties ?? {}).map(
      ([name, value]) => `properties[${bind('String', name)}] = ${bind('String', value)}`,
    ),
  ];
  parameters.from = Math.floor(beginOf(frame));
  const query = `SELECT [${by.map((name) => `toString(${part(name)})`).join(', ')}]::Array(String) AS parts,
    ${slot} AS slot, ${sumOf[unit]} AS sum
    FROM requests WHERE ${conditions.join(' AND ')} GROUP BY parts, slot`;
  return { query, query_params: parameters };
}

/** Patterns with `*`, as LIKE has them. */
function anyOf(column: string, patterns: readonly string[], bind: (type: string, value: unknown) => string): string {
  const like = (pattern: string): string => pattern.replace(/[\\%_]/g, '\\$&').replaceAll('*', '%');
  const tests = patterns.map((pattern) => `${column} LIKE ${bind('String', like(pattern))}`);
  return tests.length === 0 ? '0' : `(${tests.join(' OR ')})`;
}
