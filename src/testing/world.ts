/**
 * A simulated world: storage in memory, time that jumps, and a process of the engine that may stop and
 * be followed by another. Invariants: one thing happens at a time, and the next one only when nothing
 * follows from it any more; time passes only while nothing else can happen; the same seed and the same
 * outcomes of handlers give the same rows.
 */

import type { AuditOptions } from '../access/audit-trail.js';
import type { Handlers, Logger } from '../actors/handlers.js';
import type { Middleware } from '../actors/middleware.js';
import type { CommitErrorCode } from '../actors/ports.js';
import type { TimerRecord } from '../actors/records.js';
import type { WebhookOptions } from '../delivery/new-delivery.js';
import type { SendWebhook } from '../delivery/send.js';
import { isFinal, type RunStatus } from '../machines/statuses.js';
import type { Orchestrator } from '../orchestrator.js';
import type { OrchestratorLimits } from '../orchestrator-options.js';
import type { PlanFor } from '../plan/builder.js';
import { formatDuration } from '../plan/durations.js';
import type { Evaluators } from '../plan/evaluator.js';
import type { StartOptions } from '../start-options.js';
import type { Groups } from '../tasks.js';
import type { Faults } from './faults.js';
import { type GatedAttempt, HandlerGate } from './handler-gate.js';
import { MemoryStorage } from './memory-storage.js';
import { type ProcessParts, SimulatedProcess } from './simulated-process.js';
import { type SimulatedClock, simulatedEnvironment } from './simulation.js';
import { SimulationError, type SimulationErrorCode } from './simulation-error.js';
import { TestRun } from './test-run.js';

export interface WorldOptions {
  readonly handlers: Handlers;
  readonly executors: readonly string[];
  readonly groups?: Groups | undefined;
  readonly evaluators: Evaluators;
  readonly audit?: AuditOptions | undefined;
  readonly services?: unknown;
  readonly middleware?: readonly Middleware[] | undefined;
  readonly webhooks?: WebhookOptions | undefined;
  readonly sendWebhook?: SendWebhook | undefined;
  readonly seed: number;
  readonly limits: Partial<OrchestratorLimits>;
  readonly logger: Logger;
  readonly faults: Faults;
  /** Holds handlers back until somebody begins them. */
  readonly holdsHandlers: boolean;
  /** Simulated time that one call may pass, in milliseconds. */
  readonly maxTimeMs: number;
  /** Things that may happen in one call. */
  readonly maxSteps: number;
  /** Real time that handlers may take, in milliseconds. */
  readonly patienceMs: number;
}

/** What is left of the limits of one call. */
interface Budget {
  /** Whose log an error prints. */
  readonly run: string | undefined;
  /** Time that is not passed, in milliseconds since the epoch. */
  readonly until: number;
  steps: number;
}

/** Ten years. */
export const DEFAULT_MAX_TIME_MS = 3_652 * 86_400_000;

/** Rounds of the event loop without any activity, after which nothing goes on. */
const CALM_ROUNDS = 2;
/** Events that an error prints. */
const TAIL = 20;
/** A run in one of these may go on by itself. */
const IN_MOTION: ReadonlySet<RunStatus> = new Set(['pending', 'ready', 'running']);
/** Timers that set a limit to what others do: time is not skipped for their sake. */
const LIMITS: ReadonlySet<string> = new Set([
  'task-deadline',
  'reminder',
  'signal-deadline',
  'start-deadline',
  'run-deadline',
  'budget-time',
]);
/** How long the engine leaves a run alone after storage failed, in milliseconds. */
const STORAGE_RETRY_MS = 1_000;

export class World {
  readonly #options: WorldOptions;
  readonly #parts: ProcessParts;
  #process: SimulatedProcess;
  #storageFailedAt = Number.NEGATIVE_INFINITY;

  static async open(options: WorldOptions): Promise<World> {
    const { faults, holdsHandlers: holds } = options;
    const environment = simulatedEnvironment(options.seed);
    const storage = new MemoryStorage();
    const gate = new HandlerGate({ holds, clock: environment.clock, faults });
    const parts = { ...options, environment, gate, storage };
    return new World(options, parts, await SimulatedProcess.start(parts));
  }

  private constructor(options: WorldOptions, parts: ProcessParts, process: SimulatedProcess) {
    this.#options = options;
    this.#parts = parts;
    this.#process = process;
    parts.storage.failWhen(() => this.#failCommit());
  }

  get clock(): SimulatedClock {
    return this.#parts.environment.clock;
  }

  get gate(): HandlerGate {
    return this.#parts.gate;
  }

  get storage(): MemoryStorage {
    return this.#parts.storage;
  }

  /** Number of events in all runs. */
  get eventCount(): number {
    return [...this.storage.runs.values()].reduce((sum, run) => sum + run.seq, 0);
  }

  /** The engine of the process that lives now. */
  get orchestrator(): Orchestrator {
    return this.#process.orchestrator;
  }

  /** Starts a run, and again where a crash cut off the answer; resolves when it is durable and nothing goes on. */
  async start<Input>(plan: PlanFor<Input>, options: StartOptions<Input>): Promise<TestRun> {
    const id = options.id ?? this.#parts.environment.id();
    for (;;) {
      try {
        await this.ask((orchestrator) => orchestrator.start(plan, { ...options, id }));
        return this.view(id);
      } catch (error) {
        if (!wasCutOff(error)) throw error;
      }
    }
  }

  /** The run with an id, which is stored. */
  view(run: string): TestRun {
    return new TestRun(this.storage, run);
  }

  /**
   * Asks the engine something, and lets time pass where the answer needs it. Rejects as the engine does,
   * and with `process-stopped` where a crash cut off the answer.
   */
  async ask<T>(question: (orchestrator: Orchestrator) => Promise<T>): Promise<T> {
    const process = this.#process;
    const budget = this.#newBudget();
    const answers: (() => T)[] = [];
    question(process.orchestrator).then(
      (value) => answers.push(() => value),
      (error: unknown) =>
        answers.push(() => {
          throw error;
        }),
    );
    for (;;) {
      await this.drain();
      const [answer] = answers;
      if (answer !== undefined) return answer();
      if (process.isOver) {
        throw new SimulationError('process-stopped', 'the process stopped before it answered');
      }
      if (!this.#passTime(budget)) throw this.#failure('stalled', 'the engine does not answer');
    }
  }

  /**
   * Resolves when no message waits, no turn is under way, and all handlers at work wait for something
   * outside. After a crash another process has taken over by then.
   */
  async drain(): Promise<void> {
    for (let calm = 0, last = ''; calm < CALM_ROUNDS; ) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (this.#process.isOver) await this.#revive();
      const now = `${this.#process.activity}/${this.gate.started}`;
      calm = now === last && !this.#process.isCommitting ? calm + 1 : 0;
      last = now;
    }
  }

  /**
   * Goes on until the run has ended or only somebody's doing moves it. Rejects with `time-limit`,
   * `step-limit`, `stalled` or `handler-at-work`.
   */
  async settle(run: string): Promise<void> {
    const budget = this.#newBudget(run);
    for (;;) {
      await this.drain();
      if (isFinal(this.#status(run))) return;
      if (await this.#hearOne(budget)) continue;
      if (!this.#waitsForTime(run)) return;
      if (!this.#passTime(budget)) throw this.#failure('stalled', this.#whyStalled(run), run);
    }
  }

  /** Lets time pass, and all happen that falls due meanwhile. */
  async advance(ms: number): Promise<void> {
    const until = this.clock.now() + ms;
    const budget = { ...this.#newBudget(), until };
    await this.#hush(budget);
    while ((this.clock.next ?? Number.POSITIVE_INFINITY) <= until) {
      this.#passTime(budget);
      await this.#hush(budget);
    }
    this.clock.advance(until - this.clock.now());
    await this.#hush(budget);
  }

  /** Jumps from one wake-up to the next until something has changed, or there is no other. */
  async skip(isChanged: () => boolean): Promise<void> {
    const budget = this.#newBudget();
    while (!isChanged() && this.#passTime(budget)) await this.drain();
  }

  /** Calls a handler that is held back, and waits for its end. Rejects with `handler-at-work`. */
  async perform(attempt: GatedAttempt): Promise<void> {
    this.gate.begin(attempt);
    const hasEnded = await this.gate.whenNoneWorks(this.#options.patienceMs);
    if (!hasEnded) throw this.#stillAtWork(attempt.context.run);
  }

  /** Whether something happens to a run when time passes, be it that a limit is reached. */
  isTimeAwaited(run: string): boolean {
    if (this.clock.next === undefined) return false;
    return this.#timersOf(run).length > 0 || this.#waitsForTime(run);
  }

  /** Stops the process at once; another one takes over. */
  async restart(): Promise<void> {
    this.#process.stop();
    await this.drain();
  }

  /** Hears handlers until none has anything to tell. */
  async #hush(budget: Budget): Promise<void> {
    do await this.drain();
    while (await this.#hearOne(budget));
  }

  async #hearOne(budget: Budget): Promise<boolean> {
    const isCalm = await this.gate.whenNoneWorks(this.#options.patienceMs);
    const next = this.gate.attempts.find(({ reports }) => reports.length > 0);
    if (next !== undefined) {
      this.#spend(budget);
      this.gate.release(next);
    } else if (!isCalm && !this.gate.abandonStopped()) throw this.#stillAtWork(budget.run);
    return next !== undefined;
  }

  #passTime(budget: Budget): boolean {
    const { next } = this.clock;
    if (next === undefined) return false;
    this.#spend(budget);
    if (next > budget.until) {
      const limit = formatDuration(this.#options.maxTimeMs);
      throw this.#failure('time-limit', `no rest within ${limit} of simulated time`, budget.run);
    }
    this.clock.advance(next - this.clock.now());
    return true;
  }

  #spend(budget: Budget): void {
    budget.steps -= 1;
    if (budget.steps >= 0) return;
    const { maxSteps } = this.#options;
    throw this.#failure('step-limit', `no rest within ${maxSteps} steps`, budget.run);
  }

  #newBudget(run?: string): Budget {
    const { maxSteps, maxTimeMs } = this.#options;
    return { run, until: this.clock.now() + maxTimeMs, steps: maxSteps };
  }

  #status(run: string): RunStatus {
    return this.view(run).status;
  }

  /** Whether time is what a run waits for, rather than somebody's doing. */
  #waitsForTime(run: string): boolean {
    const family = this.#family(run);
    const phases = this.gate.attempts
      .filter(({ context }) => family.includes(context.run))
      .map(({ phase }) => phase);
    if (phases.includes('asleep')) return true;
    if (!IN_MOTION.has(this.#status(run))) return false;
    if (phases.includes('hung')) return true;
    const isStorageAwaited = this.clock.now() < this.#storageFailedAt + STORAGE_RETRY_MS;
    return isStorageAwaited || this.#timersOf(run).some(({ kind }) => !LIMITS.has(kind));
  }

  #timersOf(run: string): readonly TimerRecord[] {
    return this.#family(run).flatMap((id) => [
      ...(this.storage.runs.get(id)?.timers.values() ?? []),
    ]);
  }

  /** A run and those that it waits for as its subplans. */
  #family(run: string): readonly string[] {
    const children = [...this.storage.runs.values()].filter(
      ({ record }) => record.parentId === run && !isFinal(record.status),
    );
    return [run, ...children.flatMap(({ record }) => this.#family(record.id))];
  }

  #failCommit(): CommitErrorCode | undefined {
    const code = this.#options.faults.takeCommitFailure();
    if (code === 'storage-unavailable') this.#storageFailedAt = this.clock.now();
    return code;
  }

  #whyStalled(run: string): string {
    const hung = this.gate.attempts.filter(({ phase }) => phase === 'hung').map(describe);
    const who = hung.length > 0 ? `${hung.join(', ')} hangs, and ` : '';
    return `${who}no time is set at which run ${run} goes on`;
  }

  #stillAtWork(run: string | undefined): SimulationError {
    const working = this.gate.attempts.filter(({ phase }) => phase === 'working').map(describe);
    const why = `did not end within ${this.#options.patienceMs} ms of real time`;
    return this.#failure('handler-at-work', `${working.join(', ')} ${why}`, run);
  }

  #failure(code: SimulationErrorCode, why: string, run?: string): SimulationError {
    if (run === undefined) return new SimulationError(code, why);
    const tail = this.view(run).log.print(TAIL);
    return new SimulationError(code, `${why}\n\nThe end of the log of run ${run}:\n${tail}`);
  }

  /** Another process over the same rows takes up what the last one left. */
  async #revive(): Promise<void> {
    this.storage.reopen();
    this.#process = await SimulatedProcess.start(this.#parts);
    this.orchestrator.recover().catch((error: unknown) => {
      this.#options.logger.error({ error }, 'the new process could not take up the runs');
    });
  }
}

function describe({ context }: GatedAttempt): string {
  return `the handler of ${context.node}#${context.attempt}`;
}

/** Whether a crash came before the answer. */
export function wasCutOff(error: unknown): boolean {
  return error instanceof SimulationError && error.code === 'process-stopped';
}
