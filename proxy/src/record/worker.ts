/** Entry of the recorder's thread: slabs from the main thread, rows to the spool, batches to the store. */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { freeBytes } from '../disk.ts';
import { Prices } from '../prices/stored.ts';
import { Shipper } from '../spool/shipper.ts';
import type { FromRecorder, RecorderOptions, RecorderStats, ToRecorder } from './messages.ts';
import { Recorder } from './recorder.ts';

const statsEveryMs = 500;

const options = workerData as RecorderOptions;
const prices = new Prices(options.pricesCopy, options.clickhouseUrl);
const recorder = new Recorder(options, prices);
prices.onChange = () => recorder.unpricedModels.clear();
prices.start();
/** Rows of a recovery: they are in the segments that the shipper takes over. */
const recoveredRows = recorder.counters.recordedRequests;
const shipper = new Shipper({
  directory: options.directory,
  spoolId: readSpoolId(options.directory),
  clickhouseUrl: options.clickhouseUrl,
  cluster: options.cluster,
  retainDays: options.retainDays,
  retainBodiesDays: options.retainBodiesDays,
  writer: recorder.rows.segments,
});
recorder.rows.waitingBytes = () => shipper.waitingBytes;
recorder.onWritten = () => shipper.wake();
recorder.onTaken = tellTaken;
// What a recovery found was made before anybody listened.
tellTaken();
shipper.start();

let queue: Promise<void> = Promise.resolve();
parentPort?.on('message', (message: ToRecorder) => {
  // One slab after the other, also when a reply has to be waited for while it is decompressed.
  queue = queue.then(() => (message.kind === 'slab' ? takeSlab(message) : stop(message.deadlineMs)));
});

say({ kind: 'stats', stats: stats() });
const timer = setInterval(() => say({ kind: 'stats', stats: stats() }), statsEveryMs);

async function takeSlab({ bytes, length }: { bytes: SharedArrayBuffer; length: number }): Promise<void> {
  await recorder.take(Buffer.from(bytes), length);
  say({ kind: 'free', bytes, taken: recorder.taken() });
}

async function stop(deadlineMs: number): Promise<void> {
  await recorder.settle();
  recorder.rows.segments.sync();
  await shipper.stop(deadlineMs);
  await prices.stop();
  clearInterval(timer);
  recorder.rows.segments.close();
  say({ kind: 'stats', stats: stats() });
  say({ kind: 'stopped' });
  parentPort?.close();
}

function tellTaken(): void {
  const taken = recorder.taken();
  if (taken !== null) say({ kind: 'told', ...taken });
}

function say(message: FromRecorder): void {
  parentPort?.postMessage(message);
}

function stats(): RecorderStats {
  const waiting = shipper.waitingBytes;
  return {
    ...recorder.counters,
    ...recorder.rows.losses,
    ...shipper.stats,
    unpricedModels: recorder.unpricedModels.list,
    unpricedOthers: recorder.unpricedModels.others,
    openCalls: recorder.openCalls,
    spoolRows: shipper.inherited + recordedSince() - shipper.stats.shippedRows - shipper.stats.rejectedRows,
    spoolBytes: waiting,
    spoolLagMs: shipper.lagMs,
    diskFreeBytes: freeBytes(options.directory),
  };
}

function recordedSince(): number {
  return recorder.counters.recordedRequests - recoveredRows;
}

/** The spool's own name, made once: part of every deduplication token. */
function readSpoolId(directory: string): string {
  const path = join(directory, 'id');
  if (!existsSync(path)) writeFileSync(path, randomUUID(), { mode: 0o600, flush: true });
  return readFileSync(path, 'utf8').trim();
}
