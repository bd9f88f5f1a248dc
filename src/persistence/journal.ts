/**
 * The journal as the actors see it. Invariants: 1. one batch is in flight while the next gathers;
 * 2. turns are sent in the order of `commit`; 3. once a turn of a run is void, so is every later one
 * until `release`; 4. when ownership is gone nothing is accepted any more.
 */
import type { Worker } from 'node:worker_threads';
import {
  CommitError,
  type FreeRow,
  type GroupCommit,
  type Journal,
  type JournalHealth,
  type PayloadCodec,
} from '../actors/ports.js';
import type { TurnRecord } from '../actors/records.js';
import { Alertness } from './alertness.js';
import type { Failure, Outcome } from './committer.js';
import { encodePlan, encodeRows, encodeTurn } from './encode.js';
import { encodePayloadsOfRow, encodePayloadsOfTurn } from './encode-payloads.js';
import type { EncodedItem } from './encoded-turn.js';
import { describe } from './faults.js';
import type { FromWorker, ToWorker, WorkerOptions } from './journal-messages.js';
import { type Entry, JournalQueue, type QueueLimits } from './journal-queue.js';
import { type StartWorker, startOwner, startWorkerThread } from './journal-thread.js';
import { StorageError } from './storage-error.js';

export interface JournalOptions extends Partial<QueueLimits> {
  /** Plain path or `file:` URL. */
  readonly database: string;
  readonly now?: () => number;
  /** Opens a database that is behind its head file, giving up what is missing. */
  readonly acceptTruncation?: boolean;
  /** Waits between tries after a fault of the disk. */
  readonly retryDelaysMs?: readonly number[];
  readonly startWorker?: StartWorker;
  /** How payloads are stored; as they are unless given. */
  readonly payloads?: PayloadCodec;
}

const DEFAULT_LIMITS: QueueLimits = {
  maxQueuedTurns: 50_000,
  maxQueuedBytes: 256 * 1024 * 1024,
  maxBatchTurns: 500,
  maxBatchBytes: 8 * 1024 * 1024,
};
const DEFAULT_RETRY_DELAYS_MS = [20, 100, 500, 2_000];
/** How long the loop stays awake for the outcome of a commit, in milliseconds: most take less. */
const ALERT_MS = 1;
/** Deaths of the thread, one after the other, after which the journal gives up. */
const MAX_RESTARTS = 3;

/** Opens the database as its one owner. Rejects with a StorageError. */
export async function openJournal(options: JournalOptions): Promise<ThreadJournal> {
  const now = options.now ?? Date.now;
  const start = options.startWorker ?? startWorkerThread;
  const workerOptions: WorkerOptions = {
    database: options.database,
    now: now(),
    acceptTruncation: options.acceptTruncation ?? false,
    retryDelaysMs: options.retryDelaysMs ?? DEFAULT_RETRY_DELAYS_MS,
  };
  const { worker, epoch } = await startOwner(start, workerOptions);
  const limits = { ...DEFAULT_LIMITS, ...definedLimits(options) };
  const { payloads } = options;
  return new ThreadJournal({ worker, epoch, start, workerOptions, now, limits, payloads });
}

function definedLimits(options: Partial<QueueLimits>): Partial<QueueLimits> {
  const keys = Object.keys(DEFAULT_LIMITS) as (keyof QueueLimits)[];
  return Object.fromEntries(
    keys.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]])),
  );
}

interface Parts {
  readonly worker: Worker;
  readonly epoch: number;
  readonly start: StartWorker;
  readonly workerOptions: WorkerOptions;
  readonly now: () => number;
  readonly limits: QueueLimits;
  readonly payloads: PayloadCodec | undefined;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class ThreadJournal implements Journal {
  readonly #parts: Parts;
  readonly #queue: JournalQueue;
  readonly #voidRuns = new Map<number, Failure>();
  readonly #addressWaiters: Waiter[] = [];
  readonly #alertness = new Alertness(ALERT_MS);
  #worker: Worker | undefined;
  #epoch: number;
  #inFlight: readonly Entry[] = [];
  #pumpScheduled = false;
  readonly #observers = new Set<(commit: GroupCommit) => void>();
  /** When what is in flight was sent, where anybody wants to know; of the process's monotonic clock. */
  #sentAt = 0;
  #health: JournalHealth['state'] = 'ok';
  #detail: string | undefined;
  #restarts = 0;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#epoch = parts.epoch;
    this.#queue = new JournalQueue(parts.limits);
    this.#attach(parts.worker);
  }

  /** Grows with every change of ownership. */
  get epoch(): number {
    return this.#epoch;
  }

  storePlan(hash: string, planJson: string, title: string, at: number): Promise<void> {
    return this.#accept(() => encodePlan(hash, planJson, title, at));
  }

  commit(turn: TurnRecord): Promise<void> {
    const earlier = this.#voidRuns.get(turn.run);
    if (earlier !== undefined) return Promise.reject(laterTurn(turn.run, earlier));
    const { payloads } = this.#parts;
    const stored = () => (payloads === undefined ? turn : encodePayloadsOfTurn(turn, payloads));
    return this.#accept(() => encodeTurn(stored()), turn.run);
  }

  write(rows: readonly FreeRow[]): Promise<void> {
    const { payloads } = this.#parts;
    const stored = () =>
      payloads === undefined ? rows : rows.map((row) => encodePayloadsOfRow(row, payloads));
    return this.#accept(() => encodeRows(stored()));
  }

  release(run: number): void {
    this.#voidRuns.delete(run);
  }

  health(): JournalHealth {
    const queued = this.#queue.length + this.#inFlight.length;
    return {
      state: this.#health,
      queued,
      ...(this.#detail === undefined ? {} : { detail: this.#detail }),
    };
  }

  observe(told: (commit: GroupCommit) => void): () => void {
    this.#observers.add(told);
    return () => void this.#observers.delete(told);
  }

  /** Writes the URL at which this process can be reached into the owner's row. */
  setAddress(address: string | null): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#worker === undefined || this.#health === 'lost') {
        reject(new StorageError('storage-unavailable', 'The journal has no thread to write with.'));
        return;
      }
      this.#addressWaiters.push({ resolve, reject });
      this.#send({ type: 'address', address });
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#drainAndClose();
    return this.#closing;
  }

  #accept(encode: () => EncodedItem, run?: number): Promise<void> {
    if (this.#closing !== undefined || this.#health === 'lost') {
      const code = this.#closing === undefined ? 'ownership-lost' : 'journal-closed';
      return Promise.reject(new CommitError(code, this.#detail ?? 'The journal is closed.'));
    }
    try {
      const item = encode();
      return new Promise((resolve, reject) => {
        if (this.#queue.offer({ item, resolve, reject })) this.#schedulePump();
        else reject(this.#refuse(full(this.#queue.length), run));
      });
    } catch (error) {
      return Promise.reject(this.#refuse(error, run));
    }
  }

  /** What was not accepted voids its run like a failed commit. */
  #refuse(error: unknown, run: number | undefined): CommitError {
    const refusal =
      error instanceof CommitError
        ? error
        : new CommitError('turn-refused', describe(error), error);
    if (run !== undefined)
      this.#voidRuns.set(run, { code: refusal.code, message: refusal.message });
    return refusal;
  }

  /** A microtask later, so that turns committed in one go travel together. */
  #schedulePump(): void {
    if (this.#pumpScheduled || this.#inFlight.length > 0) return;
    this.#pumpScheduled = true;
    queueMicrotask(() => {
      this.#pumpScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#worker === undefined || this.#inFlight.length > 0) return;
    if (this.#queue.length === 0) {
      this.#drained?.();
      return;
    }
    this.#inFlight = this.#queue.takeBatch();
    this.#alertness.extend();
    if (this.#observers.size > 0) this.#sentAt = performance.now();
    this.#send({ type: 'commit', items: this.#inFlight.map(({ item }) => item) });
  }

  #send(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  #attach(worker: Worker): void {
    this.#worker = worker;
    let cause: Error | undefined;
    worker.on('message', (message: FromWorker) => this.#receive(message));
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', () => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      void this.#replaceThread(cause === undefined ? 'The journal thread ended.' : describe(cause));
    });
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'settled':
        return this.#settle(message.outcomes);
      case 'failing':
        this.#health = 'failing';
        this.#detail = message.detail;
        return;
      case 'addressed': {
        const waiter = this.#addressWaiters.shift();
        if (message.failure === undefined) waiter?.resolve();
        else waiter?.reject(new StorageError('storage-unavailable', message.failure));
        return;
      }
      // The first answers belong to journal-thread.ts, the last one to the end of close().
      case 'ready':
      case 'refused':
      case 'closed':
    }
  }

  #settle(outcomes: readonly Outcome[] | undefined): void {
    const settled = this.#inFlight;
    this.#inFlight = [];
    this.#alertness.relax();
    if (this.#observers.size > 0) this.#tell(settled.length, outcomes === undefined);
    if (outcomes === undefined) {
      this.#recovered();
      for (const entry of settled) entry.resolve();
    } else {
      this.#settleEach(settled, outcomes);
    }
    this.#pump();
  }

  #tell(items: number, isDurable: boolean): void {
    const durationMs = performance.now() - this.#sentAt;
    for (const told of this.#observers) told({ items, durationMs, isDurable });
  }

  #settleEach(settled: readonly Entry[], outcomes: readonly Outcome[]): void {
    const lost = outcomes.find((outcome) => outcome?.code === 'ownership-lost');
    const voided = new Map<number, Failure>();
    let someDurable = false;
    settled.forEach(({ item, resolve, reject }, place) => {
      const outcome = outcomes[place];
      if (outcome === null || outcome === undefined) {
        someDurable = true;
        resolve();
        return;
      }
      if (item.kind === 'turn') voided.set(item.run, outcome);
      reject(new CommitError(outcome.code, outcome.message));
    });
    for (const [run, failure] of voided) this.#voidRuns.set(run, failure);
    for (const { item, reject } of this.#queue.takeRuns(voided)) {
      if (item.kind === 'turn') reject(laterTurn(item.run, voided.get(item.run)));
    }
    if (lost !== null && lost !== undefined) this.#lose(lost.message);
    else if (someDurable) this.#recovered();
  }

  #recovered(): void {
    this.#restarts = 0;
    if (this.#health !== 'failing') return;
    this.#health = 'ok';
    this.#detail = undefined;
  }

  /** The thread died: its work is looked up by the next one, if ownership can be had again. */
  async #replaceThread(detail: string): Promise<void> {
    this.#health = 'failing';
    this.#detail = detail;
    for (const waiter of this.#addressWaiters.splice(0)) {
      waiter.reject(new StorageError('storage-unavailable', detail));
    }
    this.#restarts += 1;
    if (this.#restarts > MAX_RESTARTS) return this.#lose(detail);
    const { start, workerOptions, now } = this.#parts;
    try {
      const options = { ...workerOptions, now: now(), expectedEpoch: this.#epoch };
      const { worker, epoch } = await startOwner(start, options);
      this.#epoch = epoch;
      this.#attach(worker);
    } catch (error) {
      return this.#lose(describe(error));
    }
    if (this.#inFlight.length === 0) {
      this.#recovered();
      this.#pump();
    } else {
      this.#send({ type: 'resume', items: this.#inFlight.map(({ item }) => item) });
    }
  }

  /** Nothing can become durable any more: all that is held is void. */
  #lose(detail: string): void {
    this.#health = 'lost';
    this.#detail = detail;
    const held = [...this.#inFlight, ...this.#queue.takeAll()];
    this.#inFlight = [];
    for (const { reject } of held) reject(new CommitError('ownership-lost', detail));
    const worker = this.#worker;
    this.#worker = undefined;
    void worker?.terminate();
    this.#drained?.();
  }

  async #drainAndClose(): Promise<void> {
    if (this.#health !== 'lost') {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
        this.#schedulePump();
      });
    }
    const worker = this.#worker;
    this.#worker = undefined;
    this.#health = 'lost';
    this.#detail = 'The journal is closed.';
    if (worker === undefined) return;
    await new Promise<void>((resolve) => {
      worker.once('exit', () => resolve());
      worker.postMessage({ type: 'close' } satisfies ToWorker);
    });
  }
}

function full(length: number): CommitError {
  return new CommitError('journal-full', `The journal already holds ${length} turns.`);
}

function laterTurn(run: number, earlier: Failure | undefined): CommitError {
  const code = earlier?.code ?? 'storage-unavailable';
  return new CommitError(code, `An earlier turn of run ${run} is void: ${earlier?.message ?? ''}`);
}
