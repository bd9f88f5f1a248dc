/**
 * Claims work and does it, until it is told to stop. Invariants: never more at work than `concurrency`; once
 * stopped nothing is claimed, and what is at work has its time, and then goes back.
 */
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LifecycleClass, LifecycleHandler, LocalHandler } from '../actors/handlers.js';
import { asFunction } from '../actors/lifecycle.js';
import { parseHandlerReference } from '../plan/handler-reference.js';
import { Backoff } from './backoff.js';
import { Job, type JobEnd, type JobFunction, type WorkerLogger } from './job.js';
import type { Capability, ClaimedWork } from './messages.js';
import type { WorkClient } from './work-client.js';

/** What a worker can do, and how much of it at a time. */
export interface WorkerOptions {
  /** Names the worker in the logs of runs; host and process unless given. */
  readonly name?: string;
  /** Attempts at work at the same time; 1 unless given, 100 at most. */
  readonly concurrency?: number;
  /** How long one request for work may wait, in milliseconds; 20,000 unless given, 60,000 at most. */
  readonly pollMs?: number;
  /** How long work may go on after `stop`, in milliseconds; 30,000 unless given. */
  readonly drainMs?: number;
  /** Signals of the process that stop the worker; SIGTERM and SIGINT unless given. */
  readonly stopOn?: readonly NodeJS.Signals[];
  readonly logger?: WorkerLogger;
  /** Told how each attempt ended. */
  onEnd?(work: ClaimedWork, end: JobEnd): void;
}

/** By what they can do: functions, or handlers as they are registered in a process. */
export type WorkerFunctions = Readonly<
  Record<string, JobFunction | LifecycleHandler | LifecycleClass>
>;

/** How long a function may take to end after its signal, in milliseconds. */
const GRACE_MS = 5_000;
const SILENT: WorkerLogger = { debug() {}, info() {}, warn() {}, error() {} };

/** A worker at work, until it is told to stop. */
export class Worker {
  readonly name: string;
  /** Resolves when the worker was stopped and nothing is at work any more. */
  readonly done: Promise<void>;
  readonly #client: WorkClient;
  readonly #functions: ReadonlyMap<string, JobFunction>;
  readonly #capabilities: readonly Capability[];
  readonly #options: Required<Omit<WorkerOptions, 'onEnd' | 'name'>> & Pick<WorkerOptions, 'onEnd'>;
  readonly #stopping = new AbortController();
  readonly #jobs = new Map<Job, Promise<void>>();
  #onJobEnd = () => {};

  /** `functions` by what they can do: a capability, or one with its version, `translate@2`. Throws a TypeError. */
  constructor(client: WorkClient, functions: WorkerFunctions, { name, ...options }: WorkerOptions) {
    const entries = Object.entries(functions);
    if (entries.length === 0) throw new TypeError('a worker has at least one function');
    this.name = name ?? `${hostname()}:${process.pid}`;
    this.#client = client;
    this.#functions = new Map(
      entries.map(([key, work]) => [
        key,
        asFunction(key, work as LocalHandler) as unknown as JobFunction,
      ]),
    );
    this.#capabilities = entries.map(([key]) => {
      const { key: capability, version } = parseHandlerReference(key);
      return { name: capability, ...(version !== undefined && { version }) };
    });
    this.#options = {
      pollMs: 20_000,
      drainMs: 30_000,
      stopOn: ['SIGTERM', 'SIGINT'],
      logger: SILENT,
      ...options,
      concurrency: readConcurrency(options.concurrency ?? 1),
    };
    this.done = this.#run();
  }

  /** Claims nothing more; resolves, as `done` does, when all work has ended or was given back. */
  stop(): Promise<void> {
    this.#stopping.abort();
    return this.done;
  }

  async #run(): Promise<void> {
    const stop = () => void this.stop();
    for (const signal of this.#options.stopOn) process.on(signal, stop);
    try {
      await this.#claimUntilStopped();
      await this.#drain();
    } finally {
      for (const signal of this.#options.stopOn) process.off(signal, stop);
    }
  }

  async #claimUntilStopped(): Promise<void> {
    const { concurrency, logger, pollMs } = this.#options;
    const { signal } = this.#stopping;
    const backoff = new Backoff();
    // The caller has the worker in hand before anything happens.
    await Promise.resolve();
    // Kept until there is an answer: one that was lost is asked for again.
    let key = crypto.randomUUID();
    while (!signal.aborted) {
      const limit = concurrency - this.#jobs.size;
      if (limit === 0) {
        await this.#whenOneEnds();
        continue;
      }
      try {
        const capabilities = this.#capabilities;
        const request = { worker: this.name, capabilities, limit, waitMs: pollMs };
        for (const work of await this.#client.claim(request, signal, key)) this.#begin(work);
        key = crypto.randomUUID();
        backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        logger.warn({ error }, 'no work could be claimed: once more');
        await backoff.wait(signal);
      }
    }
  }

  /** Or the worker is to stop. */
  async #whenOneEnds(): Promise<void> {
    const over = new AbortController();
    const ended = new Promise<void>((resolve) => {
      this.#onJobEnd = resolve;
    });
    await Promise.race([ended, aborted(this.#stopping.signal, over.signal)]);
    over.abort();
  }

  #begin(work: ClaimedWork): void {
    const { logger, onEnd } = this.#options;
    const job = new Job(work, this.#client, logger);
    const performed = job.perform(this.#functionFor(work)).then((end) => {
      this.#jobs.delete(job);
      this.#onJobEnd();
      logger.debug({ key: work.key, end }, 'an attempt has ended');
      try {
        onEnd?.(work, end);
      } catch (error) {
        logger.error({ key: work.key, error }, 'onEnd failed');
      }
    });
    this.#jobs.set(job, performed);
  }

  /** The function of the version that the plan asks for, else the one that was listed last. */
  #functionFor({ capability, handler }: ClaimedWork): JobFunction {
    const { version } = parseHandlerReference(handler);
    const fitting = [...this.#functions].filter(([key]) => {
      const offered = parseHandlerReference(key);
      return offered.key === capability && (version === undefined || offered.version === version);
    });
    const [, work] = fitting.at(-1) ?? [];
    if (work !== undefined) return work;
    return () => {
      throw Object.assign(new Error(`this worker cannot do "${handler}"`), { retryable: false });
    };
  }

  async #drain(): Promise<void> {
    const { drainMs } = this.#options;
    await this.#whenIdle(drainMs);
    for (const job of this.#jobs.keys()) job.release('the worker is stopping');
    await this.#whenIdle(GRACE_MS);
    for (const job of this.#jobs.keys()) job.giveUp();
    await this.#whenIdle(GRACE_MS);
  }

  async #whenIdle(limitMs: number): Promise<void> {
    const over = new AbortController();
    const time = sleep(limitMs, undefined, { signal: over.signal }).catch(() => {});
    await Promise.race([Promise.all(this.#jobs.values()), time]);
    over.abort();
  }
}

/** Listens until `over` at most. */
function aborted(signal: AbortSignal, over: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true, signal: over });
  });
}

function readConcurrency(concurrency: number): number {
  if (Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= 100) return concurrency;
  throw new TypeError('concurrency is a whole number from 1 to 100');
}
