import type { Reservation } from '../limits/ledger.ts';
import type { UnpricedModel } from './unpriced.ts';

/** What the main thread and the recorder's thread say to each other. */
export type ToRecorder =
  { kind: 'slab'; bytes: SharedArrayBuffer; length: number } | { kind: 'stop'; deadlineMs: number };

export type FromRecorder =
  | { kind: 'free'; bytes: SharedArrayBuffer }
  | { kind: 'stats'; stats: RecorderStats }
  | { kind: 'told'; notes: TakenNote[] }
  | { kind: 'stopped' };

/** What came of a call that limits count: of all of it, or of one of its responses. */
export interface TakenNote {
  /** `request_id` of the call. */
  id: string;
  /** What it had taken; of a recovered call alone: of any other the main thread knows. */
  limited: Reservation | null;
  /** 0: Weir refused it. */
  requests: 0 | 1;
  tokens: number;
  /** Billionths of a dollar. */
  nanos: number;
  /** Nothing more comes of the call. */
  over: boolean;
}

/** Counters and gauges of the recorder, spool and shipper; counters since the process began. */
export interface RecorderStats {
  /** Calls whose end has not come yet. */
  openCalls: number;
  recordedRequests: number;
  recordedAttempts: number;
  recovered: number;
  interrupted: number;
  unpriced: number;
  /** Models with usage but without a price since the process began or the prices changed, the most used first. */
  unpricedModels: UnpricedModel[];
  /** Calls of further such models. */
  unpricedOthers: number;
  estimated: number;
  readErrors: number;
  /** Records and bytes that wait in the spool. */
  spoolRows: number;
  spoolBytes: number;
  /** Age of the oldest record that is not in the store yet. */
  spoolLagMs: number;
  shedBodies: number;
  lostRows: number;
  rejectedRows: number;
  shippedRows: number;
  shippedBatches: number;
  shipRetries: number;
  /** Room on the disk of the data directory. */
  diskFreeBytes: number;
  storeReachable: boolean;
  storeError: string;
}

export interface RecorderOptions {
  directory: string;
  clickhouseUrl: string;
  cluster: string | undefined;
  bodyLimit: number;
  /** Where the last good copy of the prices that people set is kept. */
  pricesCopy: string;
  spoolLimit: number;
  retainDays: number;
  retainBodiesDays: number;
  /** Number of the marks file that the main thread writes; older ones are recovered. */
  marksNumber: number;
  /** Calls that still go on (after the death of an earlier recorder). */
  open: string[];
}
