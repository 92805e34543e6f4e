/**
 * The proxy's process: environment → spool → recorder → app → serve. On SIGTERM it takes no new calls, lets those in flight
 * finish, and ships what it can; what it cannot waits in the spool.
 */
import { mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { getRequestListener } from '@hono/node-server';
import { openDb } from '@weir/schema/db';
import { makeApi } from './api/api.ts';
import { health } from './api/health.ts';
import { handleCall, isOwnPath, makeApp } from './app.ts';
import { Capture } from './capture/capture.ts';
import { Edited } from './edited.ts';
import { isLoopbackName, parseSettings, SettingsError, type Settings } from './env.ts';
import { Keys } from './keys/keys.ts';
import { readFirstKey } from './keys/text.ts';
import { settleLeftovers } from './limits/leftovers.ts';
import { Limiter } from './limits/limiter.ts';
import type { Ledger } from './limits/ledger.ts';
import { MemoryLedger } from './limits/memory-ledger.ts';
import { RedisLedger } from './limits/redis-ledger.ts';
import { Restorer } from './limits/restore.ts';
import { savedPolicies } from './limits/saved.ts';
import { readSelf } from './limits/self.ts';
import { describeFault, log } from './log.ts';
import { Metrics } from './metrics.ts';
import { Prices } from './prices/stored.ts';
import type { RecorderOptions } from './record/messages.ts';
import { Marks } from './spool/marks.ts';
import { newRequestId } from './request-id.ts';
import { dryRun } from './routing/dry-run.ts';
import { holdsKey } from './routing/held.ts';
import { LiveTargets } from './routing/live.ts';
import { priceOf } from './routing/price.ts';
import { Routes } from './routing/routes.ts';
import { Signer } from './signing/signer.ts';
import { lockSpool } from './spool/lock.ts';
import { fileNumbers } from './spool/segments.ts';
import { Upstream } from './upstream/upstream.ts';
import { handleUpgrade } from './upgrade.ts';
import { Vault } from './vault/vault.ts';

/** How long calls in flight may go on after a signal, and how long shipping may take then. */
const drainMs = 10_000;
const shipMs = 5_000;
/** Exit code by which the supervisor knows that a new start would fail in the same way (sysexits.h, EX_CONFIG). */
const configurationExit = 78;

async function main(): Promise<void> {
  const settings = parseSettings(process.env);
  const clickhouseUrl = settings.CLICKHOUSE_URL;
  if (clickhouseUrl === undefined)
    throw new SettingsError('CLICKHOUSE_URL is missing: npm start sets it for the store it starts.');
  refuseLoops(settings);
  const directory = join(settings.WEIR_DATA_DIR, 'spool', '0');
  mkdirSync(settings.WEIR_DATA_DIR, { recursive: true, mode: 0o700 });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const unlock = lockSpool(directory);

  const marks = new Marks(directory, (fileNumbers(directory, 'marks', 'log').at(-1) ?? 0) + 1);
  const capture = makeCapture(settings, clickhouseUrl, directory, marks);
  const firstKey = readFirstKey(settings.WEIR_DATA_DIR).text;
  const keys = new Keys(firstKey);
  const vault = new Vault(settings.WEIR_SECRET, settings.providerKeys);
  const live = new LiveTargets();
  const routes = new Routes();
  const db = openDb(clickhouseUrl, { application: 'weir-api', timeoutMs: 10_000 });
  const prices = new Prices(join(settings.WEIR_DATA_DIR, 'prices-of-limits.json'), clickhouseUrl);
  const arrived = (before: number): boolean => capture.hasShipped(before);
  const shared =
    settings.REDIS_URL === undefined
      ? null
      : new RedisLedger({
          url: settings.REDIS_URL,
          self: readSelf(directory),
          away: settings.WEIR_LIMITS_AWAY,
          arrived,
        });
  const ledger: Ledger = shared ?? new MemoryLedger();
  const restorer = new Restorer({
    db,
    ledger,
    arrived,
    madeBy: (keyId) => keys.madeBy(keyId),
  });
  const limiter = new Limiter({
    ledger,
    restorer,
    prices,
    makersOf: (holder) => keys.makersOf(holder),
    bodyLimit: settings.WEIR_REPLAY_LIMIT,
    away: settings.WEIR_LIMITS_AWAY,
    waitMs: 5_000,
  });
  capture.onTaken = (notes) => limiter.told(notes);
  const edited = new Edited({
    copy: join(settings.WEIR_DATA_DIR, 'settings.json'),
    clickhouseUrl,
    firstKey,
    onChange: (rows) => {
      keys.replace(rows.keys);
      vault.replace(rows.provider_keys);
      limiter.replace(savedPolicies(rows.limits));
      routes.replace(rows.routes);
      limiter.follow(keys.holders());
    },
  });
  const metrics = new Metrics({ capture, marks, limiter, ledger, restorer, live });
  const upstream = new Upstream();
  const { aws, googleServiceAccount, WEIR_REPLAY_LIMIT: bodyLimit } = settings;
  const signer = new Signer({ aws, googleServiceAccount, bodyLimit });
  let port = settings.WEIR_PROXY_PORT;
  const ownPorts = (): number[] => [port, settings.WEIR_DASHBOARD_PORT, settings.WEIR_STORE_PORT];
  const options = {
    settings,
    keys,
    held: vault,
    capture,
    upstream,
    signer,
    limiter,
    live,
    routes,
    prices,
    isOwnAddress: (host: string, target: number) =>
      (isLoopbackName(host) || host === settings.WEIR_HOST) && ownPorts().includes(target),
    onFinished: (call: Parameters<Metrics['finished']>[0]) => metrics.finished(call),
    onFault: (error: unknown) => log.error(describeFault(error), 'a call failed inside Weir'),
  };
  const api = makeApi({
    settings,
    keys,
    edited,
    db,
    dryRun: (asked) =>
      dryRun(asked, {
        live,
        findRoute: (name) => routes.find(name),
        priceOf: (target, at) => priceOf(target, prices.book, new Date(at)),
        holdsKey: (target, path) => holdsKey(target, path, { held: vault, signer }),
        replayLimit: bodyLimit,
      }),
    health: () => health({ capture, edited, routes, vault, metrics, restorer, ledger, live }),
    metrics: async () => ({ type: metrics.registry.contentType, text: await metrics.registry.metrics() }),
  });
  const app = makeApp(api, options.onFault);
  const callOptions = { ...options, metrics };

  // Else its first calls would be counted apart.
  await shared?.start();
  const stopSettling = shared && settleLeftovers({ ledger: shared, db, arrived, before: newRequestId() });
  const own = getRequestListener(app.fetch, { overrideGlobalObjects: false, autoCleanupIncoming: false });
  const serverOptions = {
    maxHeaderSize: 128 * 1024,
    requestTimeout: 0,
    keepAliveTimeout: 75_000,
    noDelay: true,
  };
  const server = createServer(serverOptions, (incoming, outgoing) => {
    if (isOwnPath(incoming.url ?? '/')) void own(incoming, outgoing);
    else void handleCall(incoming, outgoing, callOptions);
  });
  server.maxRequestsPerSocket = 0;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    metrics.unrecorded('bad_http');
    if (socket.writable && error.code !== 'ECONNRESET') {
      const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
    } else socket.destroy();
  });
  server.on('upgrade', (incoming, socket, head) => handleUpgrade(incoming, socket, head, options));
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, settings.WEIR_HOST, resolve);
  });
  port = (server.address() as AddressInfo).port;
  edited.start();
  prices.start();
  tellParent({ event: 'listening', url: `http://${urlHost(settings.WEIR_HOST)}:${port}` });

  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    server.close();
    await drain(server, capture);
    await capture.stop(shipMs);
    restorer.stop();
    stopSettling?.();
    await Promise.allSettled([upstream.close(), edited.stop(), prices.stop(), db.close(), shared?.stop()]);
    unlock();
    process.exit(0);
  };
  process.on('SIGTERM', () => void stop());
  process.on('SIGINT', () => void stop());
  process.on('disconnect', () => void stop());
  process.on('uncaughtException', (error) => log.error(describeFault(error), 'unexpected'));
  process.on('unhandledRejection', (error) => log.error(describeFault(error), 'unexpected'));
}

/** An upstream that is Weir itself would call itself until the machine gives up. */
function refuseLoops(settings: Settings): void {
  for (const [provider, origin] of settings.upstreams) {
    const { hostname, port } = new URL(origin);
    if ((isLoopbackName(hostname) || hostname === settings.WEIR_HOST) && Number(port) === settings.WEIR_PROXY_PORT) {
      throw new SettingsError(
        `WEIR_UPSTREAM_${provider.toUpperCase()} names this proxy itself: calls would go in a circle.`,
      );
    }
  }
}

function makeCapture(settings: Settings, clickhouseUrl: string, directory: string, marks: Marks): Capture {
  return new Capture({
    directory,
    marks,
    configHash: settings.configHash,
    overflowLimit: Math.min(1024 ** 3, settings.WEIR_SPOOL_LIMIT),
    startRecorder: (open) =>
      new Worker(new URL('./recorder.js', import.meta.url), {
        // Nearly all of what it makes dies with the call: room to let it die spares copying it.
        resourceLimits: { maxYoungGenerationSizeMb: 64 },
        workerData: {
          directory,
          clickhouseUrl,
          cluster: undefined,
          bodyLimit: settings.WEIR_LOG_BODY_LIMIT,
          pricesCopy: join(settings.WEIR_DATA_DIR, 'prices.json'),
          spoolLimit: settings.WEIR_SPOOL_LIMIT,
          retainDays: settings.WEIR_RETAIN_DAYS,
          retainBodiesDays: settings.WEIR_RETAIN_BODIES_DAYS,
          marksNumber: marks.number,
          open,
        } satisfies RecorderOptions,
      }),
    onRecorderDeath: (error) => log.error(describeFault(error), 'the recorder died; a new one reads its marks'),
  });
}

/** Waits until no call is in flight, at most `drainMs`; then the rest is cut, and recorded as such. */
async function drain(server: Server, capture: Capture): Promise<void> {
  const deadline = Date.now() + drainMs;
  while (capture.open.size > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  server.closeAllConnections();
  while (capture.open.size > 0 && Date.now() < deadline + 1_000) await new Promise((resolve) => setTimeout(resolve, 5));
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function tellParent(message: object): void {
  if (process.send !== undefined) process.send(message);
  else process.stdout.write(`${JSON.stringify(message)}\n`);
}

main().catch((error: unknown) => {
  const { code, port } = error as NodeJS.ErrnoException & { port?: number };
  let sentence = error instanceof Error ? error.message : String(error);
  if (code === 'EADDRINUSE')
    sentence = `Port ${port} is in use: set WEIR_PROXY_PORT to another, or end what listens there.`;
  const expected =
    error instanceof SettingsError || code === 'EADDRINUSE' || code === 'EACCES' || code === 'spool_locked';
  process.stderr.write(expected ? `${sentence}\n` : `${error instanceof Error ? error.stack : sentence}\n`);
  process.exit(expected ? configurationExit : 1);
});
