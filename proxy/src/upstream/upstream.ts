/**
 * Calls to providers: HTTP/1.1 on sockets of our own, because this is what Weir exists for and a client for everybody costs a
 * third of a call (docs/performance.md). Connections are made by undici: names, addresses, TLS and its sessions.
 */
import { buildConnector } from 'undici';
import type { Attempt, Target } from '../call.ts';
import { guardedLookup } from '../guard.ts';
import { Exchange, type Receiver, type Sending, type SendRequest } from './exchange.ts';
import { Pool } from './pool.ts';

const connectMs = 30_000;
const sweepMs = 1_000;

/** Connections to providers, by origin. Closed once, at the end. */
export class Upstream {
  readonly #open = buildConnector({ timeout: connectMs });
  readonly #guarded = buildConnector({ timeout: connectMs, lookup: guardedLookup } as buildConnector.BuildOptions);
  readonly #pools = new Map<string, Pool>();
  readonly #guardedPools = new Map<string, Pool>();
  readonly #sweeper = setInterval(() => this.#sweep(), sweepMs).unref();

  /** Starts one attempt. `attempt` is filled in as it goes. */
  send(request: SendRequest, attempt: Attempt, receiver: Receiver): Sending {
    const exchange = new Exchange(request, attempt, receiver);
    this.#pool(request.target).run(exchange);
    return exchange;
  }

  close(): void {
    clearInterval(this.#sweeper);
    for (const pools of [this.#pools, this.#guardedPools]) for (const pool of pools.values()) pool.close();
  }

  /** The address of a guarded target is checked when connecting: its connections are not those of the others. */
  #pool({ origin, guarded }: Target): Pool {
    const pools = guarded ? this.#guardedPools : this.#pools;
    let pool = pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, guarded ? this.#guarded : this.#open);
      pools.set(origin, pool);
    }
    return pool;
  }

  #sweep(): void {
    for (const pools of [this.#pools, this.#guardedPools]) {
      for (const [origin, pool] of pools) {
        pool.sweep();
        if (pool.isEmpty) pools.delete(origin);
      }
    }
  }
}
