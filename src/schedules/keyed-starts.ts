/**
 * Starts that share a key. Invariants: 1. starts of one key go one after the other; 2. the key is stored
 * before the run, and names nobody until the run is there; 3. a run is cancelled for another one only
 * once that other one is durable, or, where only one may be at work, just before; 4. a debounced run that
 * has begun is left alone; 5. a run that an operator put in place of another one has its key.
 */
import type { Clock } from '../actors/environment.js';
import type { Journal, RunKeyRecord, RunKeyRows } from '../actors/ports.js';
import { durable } from '../durable.js';
import { RunchartError } from '../errors.js';
import { InTurn } from '../in-turn.js';
import { isFinal, type RunStatus } from '../machines/statuses.js';

/** At most one run of the key is unfinished at a time. */
export interface Singleton {
  readonly key: string;
  /**
   * What happens while there is one. `return`: its handle is what the start gives. `refuse`: `run-conflict`.
   * `replace`: it is cancelled, and the new run starts when it has ended.
   */
  readonly onConflict: 'return' | 'refuse' | 'replace';
}

/** Of starts that follow each other within the delay, the last one starts, when the delay is over. */
export interface Debounce {
  readonly key: string;
  readonly delayMs: number;
}

/** A run that is to be started. */
export interface KeyedRun {
  readonly id: string;
  /** Starts it, later where `startAt` is given; resolves when it is durable. */
  begin(startAt?: number): Promise<{ readonly created: boolean }>;
}

export interface KeyedStart {
  readonly id: string;
  readonly created: boolean;
}

export interface KeyedStartsParts {
  readonly clock: Clock;
  readonly journal: Pick<Journal, 'write'>;
  readonly keys: RunKeyRows;
  /** The durable status of a run. */
  status(run: string): Promise<RunStatus | undefined>;
  /** The run that an operator put in place of another one, there or not. */
  replacementOf(run: string): Promise<string | undefined>;
  /** Hands over the cancel at once; a run that has ended is no failure. */
  cancel(run: string, reason: string): Promise<void>;
  /** Resolves when a run has ended. */
  whenEnded(run: string): Promise<unknown>;
}

interface Pending {
  readonly runId: string;
  readonly startAt: number;
}

const PAGE = 500;

export class KeyedStarts {
  readonly #parts: KeyedStartsParts;
  readonly #inTurn = new InTurn();

  constructor(parts: KeyedStartsParts) {
    this.#parts = parts;
  }

  single({ key, onConflict }: Singleton, run: KeyedRun): Promise<KeyedStart> {
    return this.#inTurn.do(`singleton ${key}`, async () => {
      // The same start again, whoever holds the key now.
      if ((await this.#parts.status(run.id)) !== undefined) return this.#begin(run);
      for (let holder = await this.#holder(key); holder; holder = await this.#holder(key)) {
        if (onConflict === 'return') return { id: holder, created: false };
        if (onConflict === 'refuse') throw keyTaken(key, holder);
        await this.#parts.cancel(holder, `replaced by run ${run.id}`);
        await this.#parts.whenEnded(holder);
      }
      await this.#claim({ purpose: 'singleton', key, runId: run.id });
      return this.#begin(run);
    });
  }

  debounce({ key, delayMs }: Debounce, run: KeyedRun): Promise<KeyedStart> {
    return this.#inTurn.do(`debounce ${key}`, async () => {
      if ((await this.#parts.status(run.id)) !== undefined) return this.#begin(run);
      const pending = await this.#pending(key);
      const startAt = this.#parts.clock.now() + delayMs;
      await this.#claim({
        purpose: 'debounce',
        key,
        runId: run.id,
        startAt,
        supersededId: pending?.runId ?? null,
        supersededStartAt: pending?.startAt ?? null,
      });
      const started = await this.#begin(run, startAt);
      // Nothing is awaited between the look at the clock and the cancel: no timer comes in between.
      if (pending !== undefined && this.#isAhead(pending)) {
        await this.#parts.cancel(pending.runId, 'debounced');
      }
      return started;
    });
  }

  /** Cancels what an earlier process did not get to cancel. To be called before timers fire. */
  async recover(): Promise<void> {
    for (let after = ''; ; ) {
      const runs = await this.#parts.keys.superseded(after, PAGE);
      await Promise.all(runs.map((run) => this.#parts.cancel(run, 'debounced')));
      const last = runs.at(-1);
      if (last === undefined || runs.length < PAGE) return;
      after = last;
    }
  }

  /** The unfinished run of a key: the one that was started with it, or what has come in its place. */
  async #holder(key: string): Promise<string | undefined> {
    const { keys, replacementOf } = this.#parts;
    const ended = new Set<string>();
    let run = (await keys.find('singleton', key))?.runId;
    while (run !== undefined && !ended.has(run)) {
      if (await this.#isUnfinished(run)) return run;
      ended.add(run);
      run = await replacementOf(run);
    }
    return undefined;
  }

  /** The run of the key that has not begun. Where the newest was never started, it is the one before. */
  async #pending(key: string): Promise<Pending | undefined> {
    const record = await this.#parts.keys.find('debounce', key);
    if (record === undefined) return undefined;
    const { runId, startAt, supersededId, supersededStartAt } = record;
    const isThere = (await this.#parts.status(runId)) !== undefined;
    const pending = isThere
      ? { runId, startAt: startAt ?? 0 }
      : { runId: supersededId ?? '', startAt: supersededStartAt ?? 0 };
    const isPending = (await this.#parts.status(pending.runId)) === 'pending';
    return isPending && this.#isAhead(pending) ? pending : undefined;
  }

  #isAhead({ startAt }: Pending): boolean {
    return this.#parts.clock.now() < startAt;
  }

  async #begin(run: KeyedRun, startAt?: number): Promise<KeyedStart> {
    const { created } = await run.begin(startAt);
    return { id: run.id, created };
  }

  #claim(claim: Pick<RunKeyRecord, 'purpose' | 'key' | 'runId'> & Partial<RunKeyRecord>) {
    const record = { startAt: null, supersededId: null, supersededStartAt: null, ...claim };
    return durable(this.#parts.journal.write([{ type: 'run-key.put', record }]));
  }

  async #isUnfinished(run: string): Promise<boolean> {
    const status = await this.#parts.status(run);
    return status !== undefined && !isFinal(status);
  }
}

function keyTaken(key: string, holder: string): RunchartError {
  return new RunchartError('run-conflict', `run ${holder} holds the key "${key.slice(0, 64)}"`, {
    hint: 'wait until it has ended, or start with onConflict "return" or "replace"',
  });
}
