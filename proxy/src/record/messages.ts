import type { Reservation } from '../limits/ledger.ts';
import type { UnpricedModel } from './unpriced.ts';

/** What the main thread and the recorder's thread say to each other. */
export type ToRecorder =
  { kind: 'slab'; bytes: SharedArrayBuffer; length: number } | { kind: 'stop'; deadlineMs: number };

export type FromRecorder =
  /** With what limits count of the calls in it: a message costs the main thread as much as what is in many. */
  | { kind: 'free'; bytes: SharedArrayBuffer; taken: TakenNotes | null }
  | { kind: 'stats'; stats: RecorderStats }
  | ({ kind: 'told' } & TakenNotes)
  | { kind: 'stopped' };

/** What came of a call that limits count: of all of it, or of one of its responses. */
export interface Used {
  /** 0: Weir refused it. */
  requests: number;
  tokens: number;
  /** Billionths of a dollar. */
  nanos: number;
}

/** What came of calls that limits count. */
export interface TakenNotes {
  /**
   * Of calls of this process, one after the other, {@link noteNumbers} for each: its `sequence`; what was used; 1 where nothing more
   * comes of it. Numbers cross from thread to thread for a fraction of what objects cost.
   */
  numbers: Float64Array<ArrayBuffer>;
  /** Of calls that were told from their marks: nothing more comes of them. */
  recovered: RecoveredNote[];
}
export const noteNumbers = 5;

export interface RecoveredNote extends Used {
  /** `request_id` of the call. */
  id: string;
  /** What it had taken: the process that took it may be gone. */
  limited: Reservation;
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
