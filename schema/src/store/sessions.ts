import { z } from 'zod';
import { assignments } from './engine.ts';
import type { Connection, ConnectOptions, Engine } from './engine.ts';
import { StoreError } from './errors.ts';
import { quoteName, quoteString } from './literal.ts';

/** What a request says of its session (`session_id`, `session_timeout` …). */
export interface SessionWish {
  readonly id: string;
  readonly timeoutMs: number;
  /** It must exist already. */
  readonly check: boolean;
  /** It ends with this statement. */
  readonly close: boolean;
}

/** A session that one statement has to itself. */
export interface HeldSession {
  /** Its connection with what the statement asks for, and the way to take that back. */
  enter(connect: ConnectOptions): Promise<{ connection: Connection; leave(): Promise<void> }>;
}

/** What of a statement lasts in its session: the settings that a SET names, the database of a USE. */
export interface SessionStatement {
  readonly verb: string;
  readonly text: string;
  /** Whether the end of its answer has been sent. */
  answered(): boolean;
}

interface Session {
  connection?: Connection;
  readonly parameters: Set<string>;
  broken: boolean;
  timer?: NodeJS.Timeout;
  expiresAt: number;
  /** Whether the statement that holds it has sent the end of its answer. */
  answered: () => boolean;
  /** Resolves when the statement that holds it lets it go. */
  held?: Promise<void> | undefined;
}

const mostSessions = 100;
// How long a client that asks twice at once waits for the first answer.
const graceMs = 300;

/**
 * Sessions of the owner: a connection each, kept with its temporary tables and what SET and USE did, until it was idle for
 * its timeout. Settings, database and parameters of one request end with it, as on a server.
 */
export class Sessions {
  readonly #engine: Engine;
  readonly #sessions = new Map<string, Session>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Does the work with the session held; a session that another statement holds is locked (373). */
  async use<Result>(
    wish: SessionWish,
    statement: SessionStatement,
    work: (held: HeldSession) => Promise<Result>,
  ): Promise<Result> {
    const { session, release } = await this.#take(wish);
    session.answered = () => statement.answered();
    try {
      return await work({ enter: (connect) => this.#enter(session, statement, connect) });
    } finally {
      session.held = undefined;
      if (wish.close || session.broken) this.#end(wish.id);
      session.expiresAt = performance.now() + wish.timeoutMs;
      if (this.#sessions.get(wish.id) === session)
        session.timer = setTimeout(() => this.#end(wish.id), wish.timeoutMs).unref();
      release();
    }
  }

  /** Ends all. None may be held. */
  close(): void {
    for (const id of [...this.#sessions.keys()]) this.#end(id);
  }

  async #take(wish: SessionWish): Promise<{ session: Session; release(): void }> {
    const known = this.#sessions.get(wish.id);
    if (known?.held && !known.answered()) await Promise.race([known.held, later(graceMs)]);
    // A client that has read its answer may ask again before the store has tidied up behind it.
    if (known?.held && known.answered()) await known.held;
    // The timer may be late where the machine is busy.
    if (known && !known.held && known.expiresAt < performance.now()) this.#end(wish.id);
    const session = this.#sessions.get(wish.id);
    if (session?.held) {
      throw new StoreError(373, 'SESSION_IS_LOCKED', `Session ${wish.id} is locked by a concurrent client`);
    }
    if (session) return hold(session);
    if (wish.check) throw new StoreError(372, 'SESSION_NOT_FOUND', `Session ${wish.id} not found`);
    if (this.#sessions.size >= mostSessions) {
      const message = `There are ${mostSessions} sessions already: close some, or give them a shorter session_timeout`;
      throw new StoreError(202, 'TOO_MANY_SIMULTANEOUS_QUERIES', message);
    }
    const made: Session = { parameters: new Set(), broken: false, expiresAt: Infinity, answered: () => false };
    this.#sessions.set(wish.id, made);
    return hold(made);
  }

  async #enter(
    session: Session,
    statement: SessionStatement,
    connect: ConnectOptions,
  ): ReturnType<HeldSession['enter']> {
    session.connection ??= await this.#engine.connect({ database: 'weir', settings: new Map() });
    const { connection } = session;
    refuseOldParameters(session, statement, connect.settings);
    const wanted = new Map([...(connect.defaults ?? []), ...connect.settings]);
    const before = await readBefore(connection, [...wanted.keys()]);
    // What a SET of the session says goes before what the store says of itself.
    for (const [name, , changed] of before.settings) if (changed && !connect.settings.has(name)) wanted.delete(name);
    const leave = async (): Promise<void> => {
      try {
        for (const sql of restoring(before, statement)) await connection.run(sql);
      } catch {
        // What cannot be put back must not be found by the next statement.
        session.broken = true;
      }
    };
    try {
      if (connect.database !== undefined) await connection.run(`USE ${quoteName(connect.database)}`);
      if (wanted.size) await connection.run(`SET ${assignments(wanted).join(', ')}`);
    } catch (error) {
      await leave();
      throw error;
    }
    return { connection, leave };
  }

  #end(id: string): void {
    const session = this.#sessions.get(id);
    if (!session || session.held) return;
    this.#sessions.delete(id);
    clearTimeout(session.timer);
    session.connection?.close();
  }
}

/** At once, so that of two statements that waited for it only one has it. */
function hold(session: Session): { session: Session; release(): void } {
  let release = (): void => undefined;
  session.held = new Promise((resolve) => (release = resolve));
  clearTimeout(session.timer);
  return { session, release };
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What the settings and the database of a session are before a statement changes them. */
async function readBefore(connection: Connection, names: readonly string[]): Promise<Before> {
  const list = names.map(quoteString).join(', ');
  const sql = `SELECT currentDatabase(), arrayMap(s -> (s.1, s.2, s.3), groupArray((name, value, changed)))
    FROM system.settings WHERE name IN (${list || "''"})`;
  const { bytes } = await connection.run(sql, 'JSONCompactEachRow');
  return beforeShape.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
}

const beforeShape = z
  .tuple([z.string(), z.array(z.tuple([z.string(), z.string(), z.number()]))])
  .transform(([database, settings]) => ({ database, settings }));
type Before = z.infer<typeof beforeShape>;

function* restoring(before: Before, statement: SessionStatement): Generator<string> {
  const lasting = (name: string) => statement.verb === 'SET' && new RegExp(`\\b${name}\\b`).test(statement.text);
  const lists = before.settings
    .filter(([name]) => !lasting(name))
    .map(([name, value, changed]) => `${name} = ${changed ? quoteString(value) : 'DEFAULT'}`);
  if (lists.length) yield `SET ${lists.join(', ')}`;
  if (statement.verb !== 'USE') yield `USE ${quoteName(before.database)}`;
}

/** Parameters cannot be unset: one of an earlier request counts as missing, as it would on a server. */
function refuseOldParameters(
  session: Session,
  statement: SessionStatement,
  settings: ReadonlyMap<string, string>,
): void {
  for (const name of session.parameters) {
    if (settings.has(`param_${name}`)) continue;
    if (statement.verb === 'SET' && statement.text.includes(`param_${name}`)) session.parameters.delete(name);
    else if (new RegExp(`\\{\\s*${name}\\s*:`).test(statement.text))
      throw new StoreError(456, 'UNKNOWN_QUERY_PARAMETER', `Substitution \`${name}\` is not set`);
  }
  for (const name of settings.keys())
    if (name.startsWith('param_')) session.parameters.add(name.slice('param_'.length));
}
