/**
 * The orchestrator as its users see it, and the one place that knows both the actors and the
 * storage. Every method that changes something resolves when the change is durable.
 */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import type { HandlerPolicy } from './actors/admission/handler-policy.js';
import { type Environment, systemEnvironment } from './actors/environment.js';
import { HandlerRegistry, type Handlers, type Logger } from './actors/handlers.js';
import type { LiveRun } from './actors/live-index.js';
import { PlanCache } from './actors/plan-cache.js';
import type { Journal, RunStore } from './actors/ports.js';
import type { RunRecord, RunSettings } from './actors/records.js';
import {
  type ChildStart,
  Supervisor,
  type SupervisorLimits,
  type SupervisorStats,
} from './actors/supervisor.js';
import { RunchartError } from './errors.js';
import { isFinal, type RunStatus } from './machines/statuses.js';
import { openScheduleRows } from './persistence/schedules.js';
import { openStorage } from './persistence/storage.js';
import type { PlanFor } from './plan/builder.js';
import { canonicalJson } from './plan/canonical.js';
import { blockingIssues } from './plan/issue.js';
import type { JsonObject, JsonValue } from './plan/json.js';
import { toJsonValue } from './plan/json-values.js';
import type { PlanVersion } from './plan/plan-version.js';
import type { Plan, PlanBudget } from './plan/schema.js';
import { draftOfSubplan } from './plan/subplans.js';
import { RunReader } from './run-reader.js';
import {
  type Debounce,
  type KeyedRun,
  type KeyedStart,
  KeyedStarts,
  type Singleton,
} from './schedules/keyed-starts.js';
import type { ScheduledStart } from './schedules/schedule.js';
import { ScheduleReader } from './schedules/schedule-reader.js';
import { ScheduleService } from './schedules/schedule-service.js';
import { Schedules } from './schedules/schedules.js';
import { readOnlySchedules, StoredSchedules } from './schedules/stored-schedules.js';
import { WatchedRuns } from './schedules/watched-runs.js';
import type { RunEvent, RunResult } from './views.js';

export interface OrchestratorOptions {
  /** The database file, as a path or a `file:` URL. It is made where it does not exist. */
  readonly url: string;
  readonly handlers: Handlers;
  /** Owners that need no handler, as `user/alice`. */
  readonly executors?: readonly string[];
  /** Takes up, at once, what an earlier process left in motion; on unless false. */
  readonly recover?: boolean;
  readonly logger?: Logger;
  readonly environment?: Environment;
  readonly limits?: Partial<OrchestratorLimits>;
  /** Limits of single handlers, by key: concurrency, rate, circuit breaker. See docs/admission.md. */
  readonly policies?: Readonly<Record<string, HandlerPolicy>>;
}

export interface OrchestratorLimits extends SupervisorLimits {
  /** Handlers of one run at work, unless its plan or its start says otherwise. */
  readonly runConcurrency: number;
  /** How long `close` waits for handlers before it aborts their signals, in milliseconds. */
  readonly drainMs: number;
}

export const DEFAULT_LIMITS: OrchestratorLimits = {
  concurrency: 1_000,
  runConcurrency: 100,
  maxResidentRuns: 10_000,
  maxTurnSize: 1_000,
  maxTurnsUnderWay: 5_000,
  maxInbox: 10_000,
  graceMs: 5_000,
  drainMs: 10_000,
};

export interface StartOptions<Input = unknown> {
  readonly input?: Input;
  /** Starting the same plan and input again under the same id is one run. */
  readonly id?: string;
  readonly metadata?: JsonObject;
  /** Handlers of this run that may be at work at the same time. */
  readonly concurrency?: number;
  /** From 0 to 9; where handlers are scarce 9 goes first. */
  readonly priority?: number;
  /** When it is to start, in milliseconds since the epoch. */
  readonly startAt?: number;
  /** How long it may take, in milliseconds; in place of what its plan says. */
  readonly deadlineMs?: number;
  /** What it may use up; in place of what its plan says, limit by limit. */
  readonly budget?: PlanBudget;
  /** Starts paused: `step` takes one step at a time. */
  readonly stepwise?: boolean;
  /** Pauses when these nodes are final. */
  readonly until?: readonly string[];
  /** At most one run of a key is unfinished at a time. Not together with `debounce`. */
  readonly singleton?: Singleton;
  /** Waits for the delay; a later start of the key meanwhile takes its place. Not together with `startAt`. */
  readonly debounce?: Debounce;
}

export interface RunHandle {
  readonly id: string;
  /** Resolves when the run has ended. */
  result(): Promise<RunResult>;
  events(options?: EventsOptions): AsyncIterableIterator<RunEvent>;
}

export interface StartedRun extends RunHandle {
  /** False where the same start had created the run before. */
  readonly created: boolean;
}

export interface EventsOptions {
  /** Number of the last event already known; 0 is from the first. */
  readonly after?: number;
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
  /** Events read from the log at a time; 1,000 unless given. */
  readonly pageSize?: number;
}

export interface RespondOptions {
  readonly response: JsonValue;
  /** Who answers. */
  readonly responder?: string;
  /** The run that the answer is meant for; a task of another is refused. */
  readonly run?: string;
}

export interface SignalOptions {
  readonly payload?: JsonValue;
  /** Names the signal: sent again under the same id it is the same. */
  readonly id?: string;
}

export interface Signalled {
  readonly run: string;
  readonly signal: string;
  /** False where a signal of this id had come before. */
  readonly isNew: boolean;
}

export interface Responded {
  readonly run: string;
  readonly node: string;
  readonly task: string;
  readonly outcome: string;
}

/** A run that this program could not take up, and why. */
export interface UnrestorableRun {
  readonly run: string;
  readonly code: string;
  readonly message: string;
}

export interface Health {
  readonly status: 'ok' | 'failing' | 'lost';
  readonly detail?: string;
  readonly journalQueue: number;
  readonly supervisor: SupervisorStats;
}

const RUN_ID = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}$/;
const MAX_CONCURRENCY = 10_000;
const ON_CONFLICT: readonly string[] = ['return', 'refuse', 'replace'];
/** How long closing waits for schedules whose run or record is on its way to storage, in milliseconds. */
const SCHEDULES_PATIENCE_MS = 10_000;
const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Opens the database as its one owner, and takes up what an earlier process left in motion. Rejects with a StorageError. */
export async function createOrchestrator(options: OrchestratorOptions): Promise<Orchestrator> {
  const environment = options.environment ?? systemEnvironment;
  const registry = new HandlerRegistry(options.handlers, options.executors);
  const storage = await openStorage({ database: options.url, now: () => environment.clock.now() });
  try {
    const orchestrator = new Orchestrator({
      environment,
      registry,
      journal: storage.journal,
      store: storage.store,
      runs: new RunReader(storage.reader),
      logger: options.logger ?? SILENT,
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      policies: new Map(Object.entries(options.policies ?? {})),
      ...(await storage.store.highWater()),
      announce: (address) => storage.journal.setAddress(address),
      closeStorage: () => storage.close(),
    });
    if (options.recover !== false) await orchestrator.recover();
    return orchestrator;
  } catch (error) {
    await storage.close();
    throw error;
  }
}

export interface OpenSchedules {
  readonly schedules: ScheduleReader;
  close(): void;
}

/** Opens the schedules of an existing database: takes nothing from its owner and writes nothing. Throws a StorageError. */
export function openSchedules(url: string): OpenSchedules {
  const { rows, close } = openScheduleRows(url);
  const { now } = systemEnvironment.clock;
  return { schedules: new ScheduleReader(readOnlySchedules(rows), now), close };
}

/** What an orchestrator is put together from. */
export interface OrchestratorParts {
  readonly environment: Environment;
  readonly registry: HandlerRegistry;
  readonly journal: Journal;
  readonly store: RunStore;
  readonly runs: RunReader;
  readonly logger: Logger;
  readonly limits: OrchestratorLimits;
  readonly policies?: ReadonlyMap<string, HandlerPolicy>;
  /** Highest turn and run number in the database. */
  readonly turn: number;
  readonly run: number;
  announce(address: string | null): Promise<void>;
  closeStorage(): Promise<void>;
}

export class Orchestrator {
  /** Reads: lists, details, events. */
  readonly runs: RunReader;
  /** Starts that recur. They occur in a process that has recovered, and in no other. */
  readonly schedules: Schedules;
  readonly #scheduler: ScheduleService;
  readonly #keyed: KeyedStarts;
  readonly #parts: OrchestratorParts;
  readonly #supervisor: Supervisor;
  readonly #plans = new PlanCache();
  readonly #stored = new Set<string>();
  #lastRun: number;
  /** Those who wait for a change; closing wakes them. */
  readonly #signals = new Set<ChangeSignal>();
  #isClosed = false;
  #closing: Promise<void> | undefined;

  constructor(parts: OrchestratorParts) {
    this.#parts = parts;
    this.runs = parts.runs;
    this.#lastRun = parts.run;
    this.#supervisor = new Supervisor({
      ...parts,
      plans: this.#plans,
      worker: `${hostname()}:${process.pid}`,
      lastTurn: parts.turn,
      startChild: (parent, child) => this.#startChild(parent, child),
    });
    this.#keyed = this.#newKeyedStarts(parts);
    this.#scheduler = this.#newScheduler(parts);
    this.schedules = new Schedules(this.#scheduler, {
      admit: (plan, input) => this.#admitPlan(plan, input),
      load: (hash) => this.runs.plan(hash),
    });
  }

  /**
   * Starts a run; resolves when it is durable. Throws PlanInvalidError with all issues, or
   * RunchartError: `handler-missing`, `executor-missing`, `input-invalid`, `argument-invalid`, `run-conflict`.
   * A start with a key may give the handle of another run: see `singleton`.
   */
  async start<Input>(plan: PlanFor<Input>, options: StartOptions<Input> = {}): Promise<StartedRun> {
    const version = this.#plans.compile(plan);
    this.#parts.registry.assertServes(version);
    const inputJson = readInput(version, options.input);
    const record = this.#draftRun(version, inputJson, options);
    const { singleton, debounce } = readKeys(options);
    await this.#storePlan(version);
    const isFresh = options.id === undefined;
    if (singleton === undefined && debounce === undefined) {
      const { created } = await this.#supervisor.start({ isFresh, record, version });
      return { ...this.handle(record.id), created };
    }
    const begin = (startAt = options.startAt) => {
      // Drafted anew: it may have waited for another run to end.
      const delayed = { ...options, id: record.id, ...(startAt !== undefined && { startAt }) };
      const fresh = this.#draftRun(version, inputJson, delayed);
      return this.#supervisor.start({ isFresh, record: fresh, version });
    };
    const { id, created } = await this.#startKeyed({ id: record.id, begin }, singleton, debounce);
    return { ...this.handle(id), created };
  }

  #startKeyed(
    run: KeyedRun,
    singleton: Singleton | undefined,
    debounce: Debounce | undefined,
  ): Promise<KeyedStart> {
    if (singleton !== undefined) return this.#keyed.single(singleton, run);
    return this.#keyed.debounce(debounce as Debounce, run);
  }

  /** A handle on a run by id; nothing is checked until it is used. */
  handle(id: string): RunHandle {
    return {
      id,
      result: () => this.result(id),
      events: (options) => this.events(id, options),
    };
  }

  /** Resolves when the run has ended, with its outputs and errors. */
  async result(id: string): Promise<RunResult> {
    await this.#when(id, (status) => isFinal(status));
    return this.runs.result(id);
  }

  /** Resolves when the run goes on only by somebody's doing: ended, awaiting a person, blocked or paused. */
  settled(id: string): Promise<RunStatus> {
    return this.#when(id, (status) => !['pending', 'ready', 'running'].includes(status));
  }

  /**
   * The events of a run, from the log, in order and without a gap; live until the run's terminal
   * event. A slow reader is never behind by more than what lies on disk.
   */
  async *events(id: string, options: EventsOptions = {}): AsyncIterableIterator<RunEvent> {
    const { signal } = options;
    let after = options.after ?? 0;
    const change = this.#newSignal();
    const onAbort = () => change.raise();
    signal?.addEventListener('abort', onAbort);
    let isLastLook = false;
    const unwatch = this.#supervisor.live.watch(id, () => change.raise());
    try {
      while (signal?.aborted !== true && !this.#isClosed) {
        const page = await this.runs.events(id, after, options.pageSize);
        for (const event of page) {
          yield event;
          after = event.seq;
          if (isTerminal(event)) return;
        }
        if (page.length > 0) continue;
        if (isLastLook) return;
        // The last events may have been committed since the page was read.
        isLastLook = isFinal((await this.runs.summary(id)).status);
        if (!isLastLook) await change.wait();
      }
    } finally {
      unwatch();
      signal?.removeEventListener('abort', onAbort);
      this.#signals.delete(change);
    }
  }

  /** Answers a human task. Rejects with `task-unknown`, `task-foreign`, `task-closed`, `task-expired`, `responder-refused` or `response-invalid`. */
  async respond(taskId: string, options: RespondOptions): Promise<Responded> {
    const task = await this.runs.task(taskId);
    if (options.run !== undefined && options.run !== task.run) {
      throw new RunchartError(
        'task-foreign',
        `task ${taskId} belongs to another run than ${options.run}`,
      );
    }
    const message = {
      type: 'task.respond',
      task: taskId,
      response: readJson(options.response, 'the response'),
      responder: options.responder ?? null,
    } as const;
    return (await this.#supervisor.send(task.run, message)) as Responded;
  }

  /** Cancels a run. Repeated, it answers the same; a run that has ended otherwise refuses with `run-ended`. */
  async cancel(
    id: string,
    options: { reason?: string; by?: string } = {},
  ): Promise<{ run: string; cancelled: true }> {
    const message = {
      type: 'run.cancel',
      reason: options.reason ?? null,
      by: options.by ?? null,
    } as const;
    return (await this.#supervisor.send(id, message)) as { run: string; cancelled: true };
  }

  /**
   * Tells a run something that a node of kind signal waits for, or will: then it is kept. The same id
   * again is the same signal. Rejects with `signal-invalid`, `run-ended`, `run-unknown`.
   */
  async signal(id: string, name: string, options: SignalOptions = {}): Promise<Signalled> {
    const payload = readJson(options.payload ?? null, 'the payload');
    const signal = options.id ?? this.#parts.environment.id();
    if (name === '' || name.length > 256 || signal === '' || signal.length > 256) {
      const message = 'name and id of a signal have 1 to 256 characters';
      throw new RunchartError('argument-invalid', message);
    }
    const message = { type: 'signal.send', id: signal, name, payload } as const;
    return (await this.#supervisor.send(id, message)) as Signalled;
  }

  /**
   * Tries a node again: one that is blocked goes on, one that failed and was tolerated begins another
   * generation, with all that follows from it. Rejects with `node-not-retryable`, `run-ended`.
   */
  async retryNode(id: string, node: string, options: { by?: string } = {}): Promise<void> {
    await this.#supervisor.send(id, { type: 'node.retry', node, by: options.by ?? null });
  }

  /** Takes one step of a paused run: what is due starts, and what comes of it waits for the next step. */
  async step(id: string): Promise<void> {
    await this.#supervisor.send(id, { type: 'run.step' });
  }

  /** Stops scheduling: handlers at work finish, nothing new starts. */
  async pause(id: string): Promise<void> {
    await this.#supervisor.send(id, { type: 'run.pause' });
  }

  /** Goes on with a paused run, or takes up one that an earlier process left in motion. */
  async resume(id: string): Promise<void> {
    await this.#supervisor.resume(id);
  }

  /**
   * Takes up all runs that an earlier process left in motion, and fires what fell due meanwhile. From then
   * on schedules occur.
   */
  async recover(): Promise<void> {
    await this.#keyed.recover();
    await this.#supervisor.recover();
    await this.#scheduler.tick();
  }

  /**
   * A dry run over all runs that have not ended: those that this program could not take up, with why
   * (`run-unrestorable`, `handler-missing`, …). Changes nothing.
   */
  async examine(): Promise<readonly UnrestorableRun[]> {
    const found: UnrestorableRun[] = [];
    for await (const { id } of this.runs.live()) {
      const obstacle = await this.#supervisor.examine(id);
      if (obstacle === undefined) continue;
      found.push({ run: id, code: obstacle.code, message: obstacle.message });
    }
    return found;
  }

  /** Runs in memory now, as their newest commits left them. */
  live(): readonly LiveRun[] {
    return this.#supervisor.live.residents();
  }

  /** Calls `listener` after each commit of a run; returns a function that ends it. */
  watch(id: string, listener: (live: LiveRun) => void): () => void {
    return this.#supervisor.live.watch(id, listener);
  }

  /** Tells other processes, through the database, where this one can be reached. */
  announce(address: string | null): Promise<void> {
    return this.#parts.announce(address);
  }

  health(): Health {
    const { state, detail, queued } = this.#parts.journal.health();
    const supervisor = this.#supervisor.stats();
    const status = supervisor.stopped === undefined ? state : 'lost';
    return { status, journalQueue: queued, supervisor, ...(detail !== undefined && { detail }) };
  }

  /** Drains: nothing new, handlers get their grace, everything decided becomes durable; then the database is given up. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const scheduled = this.#scheduler.close();
    await this.#supervisor.close(this.#parts.limits.drainMs);
    await this.#atMost(SCHEDULES_PATIENCE_MS, scheduled);
    this.#isClosed = true;
    for (const signal of this.#signals) signal.raise();
    await this.#parts.closeStorage();
  }

  async #atMost(limitMs: number, work: Promise<void>): Promise<void> {
    const { clock } = this.#parts.environment;
    let callOff = () => {};
    const expired = new Promise<void>((resolve) => {
      callOff = clock.wakeAt(clock.now() + limitMs, resolve);
    });
    await Promise.race([work, expired]);
    callOff();
  }

  #newKeyedStarts({ environment, journal, store }: OrchestratorParts): KeyedStarts {
    const runs = this.#newWatchedRuns();
    return new KeyedStarts({
      clock: environment.clock,
      journal,
      keys: store.runKeys,
      status: (run) => this.#statusOf(run),
      cancel: (run, reason) => runs.cancel(run, reason),
      whenEnded: (run) => this.#when(run, isFinal),
    });
  }

  #newScheduler({ environment, journal, store, logger }: OrchestratorParts): ScheduleService {
    const runs = this.#newWatchedRuns();
    const schedules = new StoredSchedules(journal, store.schedules);
    return new ScheduleService({ clock: environment.clock, store: schedules, runs, logger });
  }

  #newWatchedRuns(): WatchedRuns {
    const { live } = this.#supervisor;
    return new WatchedRuns({
      start: (start) => this.#startScheduled(start),
      cancel: (run, reason) => this.cancel(run, { reason }),
      status: (run) => this.#statusOf(run),
      runsBetween: (from, before) => this.#parts.store.schedules.runsBetween(from, before),
      watch: (run, listener) => live.watch(run, ({ status }) => listener(status)),
    });
  }

  /** The durable status of a run; undefined where there is none. */
  async #statusOf(id: string): Promise<RunStatus | undefined> {
    try {
      return (await this.runs.summary(id)).status;
    } catch (error) {
      if (error instanceof RunchartError && error.code === 'run-unknown') return undefined;
      throw error;
    }
  }

  async #admitPlan(plan: Plan, input: unknown): Promise<{ hash: string; title: string }> {
    const version = this.#plans.compile(plan);
    this.#parts.registry.assertServes(version);
    readInput(version, input);
    await this.#storePlan(version);
    return { hash: version.hash, title: version.plan.title };
  }

  /** Starts a run of a schedule under the id of its occurrence. */
  async #startScheduled({ run, plan, input, metadata }: ScheduledStart): Promise<void> {
    const planJson = await this.#parts.store.loadPlan(plan);
    if (planJson === undefined) {
      throw new RunchartError('plan-unknown', `there is no plan ${plan}`);
    }
    const version = this.#plans.fromStored(plan, planJson);
    this.#parts.registry.assertServes(version);
    const record = this.#draftRun(version, readInput(version, input), { id: run, metadata });
    await this.#supervisor.start({ isFresh: false, record, version });
  }

  /** Starts the run of a subplan under the id that its parent gave it. */
  async #startChild(parent: RunRecord, child: ChildStart): Promise<void> {
    const planJson = await this.#parts.store.loadPlan(parent.planHash);
    const draft = draftOfSubplan(JSON.parse(planJson ?? '{}') as Plan, child.plan);
    if (draft === undefined) {
      throw new RunchartError('plan-unknown', `there is no plan named "${child.plan}"`);
    }
    const version = this.#plans.compile(draft);
    this.#parts.registry.assertServes(version);
    const inputJson = readInput(version, child.input);
    await this.#storePlan(version);
    const record: RunRecord = {
      ...this.#draftRun(version, inputJson, { id: child.id }),
      parentId: parent.id,
      parentNode: child.node,
      settingsJson: JSON.stringify(child.settings),
    };
    await this.#supervisor.start({ isFresh: false, record, version });
  }

  #draftRun(version: PlanVersion, inputJson: string, options: StartOptions): RunRecord {
    const { environment, limits } = this.#parts;
    const id = options.id ?? environment.id();
    if (!RUN_ID.test(id)) {
      throw new RunchartError('argument-invalid', `"${id.slice(0, 128)}" is no run id`, {
        hint: 'use up to 128 letters, digits, and _ . : -',
      });
    }
    const now = environment.clock.now();
    this.#lastRun += 1;
    return {
      run: this.#lastRun,
      id,
      planHash: version.hash,
      status: 'pending',
      inputJson,
      startDigest: createHash('sha256').update(`${version.hash}\n${inputJson}`).digest('hex'),
      metadataJson: readMetadata(options.metadata),
      concurrency: readConcurrency(
        options.concurrency ?? version.plan.concurrency ?? limits.runConcurrency,
      ),
      createdAt: now,
      updatedAt: now,
      endedAt: null,
      reasonJson: null,
      parentId: null,
      parentNode: null,
      settingsJson: readSettings(version, options),
      usageJson: null,
      outputJson: null,
    };
  }

  async #storePlan(version: PlanVersion): Promise<void> {
    if (this.#stored.has(version.hash)) return;
    const { journal, environment } = this.#parts;
    const planJson = canonicalJson(version.plan as unknown as JsonValue);
    await journal.storePlan(version.hash, planJson, version.plan.title, environment.clock.now());
    this.#stored.add(version.hash);
  }

  #newSignal(): ChangeSignal {
    const change = new ChangeSignal();
    this.#signals.add(change);
    return change;
  }

  /** Resolves with the first durable status that is asked for. */
  async #when(id: string, isReached: (status: RunStatus) => boolean): Promise<RunStatus> {
    const { live } = this.#supervisor;
    const change = this.#newSignal();
    let status: RunStatus | undefined;
    const unwatch = live.watch(id, (run) => {
      status = run.status;
      if (isReached(status)) change.raise();
    });
    try {
      const read = live.get(id)?.status ?? (await this.runs.summary(id)).status;
      // A commit meanwhile is newer than what was read.
      status ??= read;
      while (!isReached(status)) {
        if (this.#isClosed) throw new RunchartError('closing', 'the orchestrator is closed');
        await change.wait();
      }
      return status;
    } finally {
      unwatch();
      this.#signals.delete(change);
    }
  }
}

const TERMINAL_EVENTS = new Set(['run.completed', 'run.partial', 'run.failed', 'run.cancelled']);

function isTerminal(event: RunEvent): boolean {
  return TERMINAL_EVENTS.has(event.type);
}

/** Wakes one waiter; a change that comes before the wait is not lost. */
class ChangeSignal {
  #isRaised = false;
  #wake: (() => void) | undefined;

  raise(): void {
    this.#isRaised = true;
    this.#wake?.();
  }

  async wait(): Promise<void> {
    if (!this.#isRaised) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#isRaised = false;
    this.#wake = undefined;
  }
}

function readInput(version: PlanVersion, input: unknown): string {
  const converted = toJsonValue(input === undefined ? {} : input);
  if (!converted.ok) {
    throw new RunchartError(
      'input-invalid',
      `the input is not JSON at ${converted.path || '/'}: ${converted.message}`,
    );
  }
  const issues = blockingIssues(version.validateInputs?.(converted.value) ?? []);
  if (issues.length > 0) {
    throw new RunchartError('input-invalid', 'the input does not fit the plan', { issues });
  }
  return canonicalJson(converted.value ?? {});
}

function readMetadata(metadata: JsonObject | undefined): string | null {
  if (metadata === undefined) return null;
  const converted = toJsonValue(metadata);
  if (!converted.ok) {
    throw new RunchartError(
      'argument-invalid',
      `metadata is not JSON at ${converted.path}: ${converted.message}`,
    );
  }
  return converted.json ?? null;
}

function readJson(value: unknown, what: string): JsonValue {
  const converted = toJsonValue(value);
  if (converted.ok && converted.value !== undefined) return converted.value;
  const message = converted.ok ? 'it is missing' : `${converted.path}: ${converted.message}`;
  throw new RunchartError('argument-invalid', `${what} is not JSON: ${message}`);
}

/** What a start asks for beside plan and input, as it is stored; null where it asks for nothing. */
function readSettings(version: PlanVersion, options: StartOptions): string | null {
  const { priority, startAt, deadlineMs, budget, stepwise, until } = options;
  for (const [name, value, least] of [
    ['priority', priority, 0],
    ['startAt', startAt, 0],
    ['deadlineMs', deadlineMs, 1],
  ] as const) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= least)) continue;
    const message = `${name} must be a whole number, ${least} or more`;
    throw new RunchartError('argument-invalid', message);
  }
  for (const node of until ?? []) {
    if (version.graph.positionOf.has(node)) continue;
    throw new RunchartError('argument-invalid', `until: the plan has no node "${node}"`);
  }
  const settings: RunSettings = {
    ...(priority !== undefined && { priority: Math.min(priority, 9) }),
    ...(startAt !== undefined && { startAt }),
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(budget !== undefined && { budget }),
    ...(stepwise === true && { isStepwise: true }),
    ...(until !== undefined && until.length > 0 && { until: [...until] }),
  };
  return Object.keys(settings).length === 0 ? null : JSON.stringify(settings);
}

/** The keys of a start. Throws `argument-invalid`. */
function readKeys({ singleton, debounce, startAt }: StartOptions): {
  readonly singleton?: Singleton | undefined;
  readonly debounce?: Debounce | undefined;
} {
  if (singleton !== undefined) {
    refuseUnless(isKey(singleton.key), `singleton.key ${KEY_SHAPE}`);
    const policies = `singleton.onConflict is one of ${ON_CONFLICT.join(', ')}`;
    refuseUnless(ON_CONFLICT.includes(singleton.onConflict), policies);
  }
  if (debounce !== undefined) {
    const { key, delayMs } = debounce;
    refuseUnless(isKey(key), `debounce.key ${KEY_SHAPE}`);
    const isDelay = Number.isSafeInteger(delayMs) && delayMs >= 1 && delayMs <= MAX_DELAY_MS;
    refuseUnless(isDelay, `debounce.delayMs is a whole number from 1 to ${MAX_DELAY_MS}`);
    refuseUnless(startAt === undefined, 'debounce says when a run starts: leave out startAt');
    refuseUnless(singleton === undefined, 'a start has either singleton or debounce');
  }
  return { singleton, debounce };
}

const KEY_SHAPE = 'has 1 to 256 characters';
const MAX_DELAY_MS = 366 * 86_400_000;

function isKey(key: unknown): boolean {
  return typeof key === 'string' && key !== '' && key.length <= 256 && key.isWellFormed();
}

function refuseUnless(isRight: boolean, message: string): void {
  if (!isRight) throw new RunchartError('argument-invalid', message);
}

function readConcurrency(concurrency: number): number {
  if (Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= MAX_CONCURRENCY) {
    return concurrency;
  }
  throw new RunchartError(
    'argument-invalid',
    `concurrency must be a whole number from 1 to ${MAX_CONCURRENCY}`,
  );
}
