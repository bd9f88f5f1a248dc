/** The orchestrator as its users see it. Every method that changes something resolves when the change is durable. */
import type { Access } from './access/access.js';
import type { AuditTrail } from './access/audit-trail.js';
import type { TaskLinks } from './access/task-links.js';
import { keyedCall, messageCall } from './actors/idempotency.js';
import type { LiveRun } from './actors/live-index.js';
import type { RunRecord } from './actors/records.js';
import type { RunObserver } from './actors/run-observers.js';
import type { SupervisorStats } from './actors/supervisor.js';
import { DEFAULT_TENANT, isTenant, tenantOf } from './actors/tenant.js';
import type { BulkChanges } from './bulk/bulk-changes.js';
import type { RunChanges } from './change/run-changes.js';
import type { EventBus } from './delivery/event-bus.js';
import type { Webhooks } from './delivery/webhooks.js';
import { type LogicOptions, type RunLogic, runLogic } from './embedding/run-logic.js';
import { Engine, type EngineParts } from './engine.js';
import { RunchartError } from './errors.js';
import type { Imported, ImportOptions } from './history/import-run.js';
import type { Trimmed, TrimOptions } from './history/trim.js';
import { Inspection, type InspectOptions } from './inspect/inspection.js';
import type { Keyed } from './keyed.js';
import type { RunStatus } from './machines/statuses.js';
import type { OrchestratorView, Signalled, SignalOptions } from './orchestrator-view.js';
import type { PlanFor } from './plan/builder.js';
import type { Evaluators } from './plan/evaluator.js';
import type { JsonObject, JsonValue } from './plan/json.js';
import { isName } from './plan/name.js';
import { readOptions, readRemark, readText } from './read-arguments.js';
import type { RunReader } from './run-reader.js';
import type { StreamItem, StreamOptions } from './run-streams.js';
import type { EventsOptions, RunHandle, StartedRun } from './run-watch.js';
import type { Schedules } from './schedules/schedules.js';
import { readAnnotation, readJson, readRunId, type StartOptions } from './start-options.js';
import type { Backup, BackupOptions } from './storage/storage.js';
import type { StoredPlans } from './stored-plans.js';
import type { Responded, RespondOptions, Tasks } from './tasks.js';
import { TenantView, type Viewer } from './tenant-view.js';
import type { RunEvent, RunResult } from './views.js';
import type { Work } from './work/work.js';
/** A run that this program could not take up, and why. */
export interface UnrestorableRun {
  readonly run: string;
  readonly code: string;
  readonly message: string;
}

/** Whether what is decided becomes durable, and how much is under way. */
export interface Health {
  readonly status: 'ok' | 'failing' | 'lost';
  readonly detail?: string;
  readonly journalQueue: number;
  readonly supervisor: SupervisorStats;
}

/** Runs plans on one database, of which it is the owner. `createOrchestrator` opens it. */
export class Orchestrator implements OrchestratorView {
  /** Languages beside CEL that plans may be written in. */
  readonly evaluators: Evaluators;
  /** Reads: lists, details, events. */
  readonly runs: RunReader;
  /** What an operator changes: nodes, plans, runs in place of others. See docs/change.md. */
  readonly change: RunChanges;
  /** The same for many runs, by filter, after a preview. See docs/operations.md. */
  readonly bulk: BulkChanges;
  /** Starts that recur. They occur in a process that has recovered, and in no other. */
  readonly schedules: Schedules;
  /** What people are asked, and what they do about it. */
  readonly tasks: Tasks;
  /** Tokens: who may do what. See docs/access.md. */
  readonly access: Access;
  /** What was asked for over HTTP, and by whom. */
  readonly audit: AuditTrail;
  /** Links by which a person answers a task without a token. */
  readonly links: TaskLinks<Responded>;
  /** What workers outside of this process do. See docs/workers.md. */
  readonly work: Work;
  /** Plan versions that are stored by themselves, before any run of them. */
  readonly plans: StoredPlans;
  /** Events of all runs, for this process. See docs/events.md. */
  readonly bus: EventBus;
  /** Who is told of events over HTTP. They are told by a process that has recovered, and by no other. */
  readonly webhooks: Webhooks;
  readonly #engine: Engine;
  readonly #stopping = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(parts: EngineParts) {
    const engine = new Engine(parts);
    this.#engine = engine;
    this.evaluators = engine.evaluators;
    this.runs = engine.runs;
    this.change = engine.change;
    this.schedules = engine.schedules;
    this.tasks = engine.newTasks(engine.runs);
    this.access = engine.access;
    this.audit = engine.audit;
    this.links = engine.links;
    this.work = engine.newWork();
    this.plans = engine.plansOf();
    this.bus = engine.bus;
    this.webhooks = engine.webhooks;
    this.bulk = engine.newBulk(this);
  }

  /**
   * Starts a run; resolves when it is durable. Throws PlanInvalidError with all issues, or
   * RunchartError: `handler-missing`, `executor-missing`, `input-invalid`, `argument-invalid`, `run-conflict`.
   * A start with a key may give the handle of another run: see `singleton`.
   */
  async start<Input>(plan: PlanFor<Input>, options: StartOptions<Input> = {}): Promise<StartedRun> {
    const id = readText(readOptions(options).id ?? '', 'the id of a run');
    return this.#engine.starts.start(plan, options, tenantOf(id));
  }

  /**
   * Runs of a plan as the logic of an actor, to be invoked or spawned by a machine of one's own. See
   * docs/embedding.md for what it emits, what is persisted of it, and when the run is cancelled. The actor
   * ends in an error with a RunchartError: `run-failed`, `run-cancelled`, `run-unknown`, and those of `start`.
   */
  logic<Input, Output>(
    plan: PlanFor<Input, Output>,
    options: LogicOptions = {},
  ): RunLogic<Input, Output> {
    return runLogic(this.#engine.embedded, plan, options);
  }

  /** A handle on a run by id; nothing is checked until it is used. */
  handle(id: string): RunHandle {
    return this.#engine.watch.handle(id);
  }

  /** Resolves when the run has ended, with its outputs and errors. */
  async result(id: string): Promise<RunResult> {
    return this.#engine.watch.result(id);
  }

  /** Resolves when the run goes on only by somebody's doing: ended, awaiting a person, blocked or paused. */
  settled(id: string): Promise<RunStatus> {
    return this.#engine.watch.when(
      id,
      (status) => !['pending', 'ready', 'running'].includes(status),
    );
  }

  /**
   * The events of a run, from the log, in order and without a gap; live until the run's terminal
   * event. A slow reader is never behind by more than what lies on disk.
   */
  events(id: string, options: EventsOptions = {}): AsyncIterableIterator<RunEvent> {
    return this.#engine.watch.events(id, options);
  }

  /**
   * What handlers of a run stream while they work, past the log: first what is kept of the attempts at work, then
   * what follows, until the run has ended. Whoever is too slow is told how much he has missed. See docs/streams.md.
   * The iteration rejects with `run-unknown`, `overloaded`.
   */
  stream(id: string, options: StreamOptions = {}): AsyncIterableIterator<StreamItem> {
    return this.#engine.streams.watch(id, options);
  }

  /** What is kept now of what handlers of a run stream. Rejects with `run-unknown`. */
  streamed(id: string, node?: string): Promise<readonly StreamItem[]> {
    return this.#engine.streams.now(id, node);
  }

  /**
   * Watches the actors of a run through the events of XState's inspector protocol: first all that are at work, then
   * whatever becomes durable, in order, until the run has ended. Leaving the iteration detaches, as `detach()`
   * does. The iteration rejects with `run-unknown`, `history-trimmed`, `argument-invalid`. See docs/inspect.md.
   */
  inspect(id: string, options: InspectOptions = {}): Inspection {
    const changes = (run: string, signal: AbortSignal) => this.#engine.watch.changes(run, signal);
    const maskFor = (record: RunRecord) => this.runs.maskFor(record);
    return new Inspection({ rows: this.runs.rows, changes, maskFor }, id, readOptions(options));
  }

  /** Answers a human task, as `tasks.respond` does. */
  respond(task: string, options: RespondOptions): Promise<Responded> {
    return this.tasks.respond(task, options);
  }

  /** Cancels a run. Repeated, it answers the same; a run that has ended otherwise refuses with `run-ended`. */
  async cancel(
    id: string,
    options: { reason?: string; by?: string } & Keyed = {},
  ): Promise<{ run: string; cancelled: true }> {
    const { reason, by, idempotencyKey } = readOptions(options);
    const message = {
      type: 'run.cancel',
      reason: readRemark(reason, 'the reason'),
      by: readRemark(by, '`by`'),
    } as const;
    const reply = await this.#engine.send(id, message, idempotencyKey);
    return reply as { run: string; cancelled: true };
  }

  /**
   * Adds to what is known of a run: keys of `metadata` that are not named stay as they are. Rejects with
   * `argument-invalid` (not JSON, a reserved key, more than 65,536 characters in all), `run-ended`.
   */
  async annotate(
    id: string,
    metadata: JsonObject,
    options: { by?: string } & Keyed = {},
  ): Promise<{ run: string; metadata: JsonObject }> {
    const { by, idempotencyKey } = readOptions(options);
    const message = {
      type: 'run.annotate',
      metadata: readAnnotation(metadata),
      by: readRemark(by, '`by`'),
    } as const;
    const reply = await this.#engine.send(id, message, idempotencyKey);
    return reply as { run: string; metadata: JsonObject };
  }

  /**
   * Tells a run something that a node of kind signal waits for, or will: then it is kept. The same id
   * again is the same signal. Rejects with `signal-invalid`, `run-ended`, `run-unknown`.
   */
  async signal(id: string, name: string, options: SignalOptions = {}): Promise<Signalled> {
    const { idempotencyKey: key, id: own, payload: given = null } = readOptions(options);
    const payload = readJson(given, 'the payload');
    const signal = own ?? key ?? this.#engine.newId();
    if (!isName(name) || !isName(signal)) {
      const message = 'name and id of a signal have 1 to 256 characters';
      throw new RunchartError('argument-invalid', message);
    }
    const message = { type: 'signal.send', id: signal, name, payload } as const;
    return (await this.#engine.send(id, message, key)) as Signalled;
  }

  /**
   * Tries a node again: one that is blocked goes on, one that failed and was tolerated begins another
   * generation, with all that follows from it. Rejects with `node-not-retryable`, `run-ended`.
   */
  async retryNode(id: string, node: string, options: { by?: string } & Keyed = {}): Promise<void> {
    const { by, idempotencyKey } = readOptions(options);
    const message = {
      type: 'node.retry',
      node: readText(node, 'the path'),
      by: readRemark(by, '`by`'),
    } as const;
    await this.#engine.send(id, message, idempotencyKey);
  }

  /** Takes one step of a paused run: what is due starts, and what comes of it waits for the next step. */
  async step(id: string, options: Keyed = {}): Promise<void> {
    await this.#engine.send(id, { type: 'run.step' }, readOptions(options).idempotencyKey);
  }

  /** Stops scheduling: handlers at work finish, nothing new starts, in the runs of its subplans neither. */
  async pause(id: string, options: Keyed = {}): Promise<void> {
    await this.#engine.send(id, { type: 'run.pause' }, readOptions(options).idempotencyKey);
  }

  /**
   * Goes on with a paused run and with the runs of subplans that were paused with it, or takes up a run that an
   * earlier process left in motion.
   */
  async resume(id: string, options: Keyed = {}): Promise<void> {
    const { idempotencyKey: key } = readOptions(options);
    const call = key === undefined ? undefined : messageCall(key, { type: 'run.resume' });
    await this.#engine.supervisor.resume(readText(id, 'the id of a run'), call);
  }

  /**
   * Takes up all runs that an earlier process left in motion, and fires what fell due meanwhile. From then
   * on schedules occur.
   */
  async recover(): Promise<void> {
    await this.#engine.recover();
  }

  /**
   * Does the work of a call that is about no single run, once for a key: made again with the same `asked` it is
   * answered as before. The answer is stored when the work is done; one that a stop cut off is done again. Rejects
   * as the work does, with `idempotency-key-reused`, `argument-invalid`.
   */
  async once<Reply extends JsonValue>(
    idempotencyKey: string,
    asked: JsonValue,
    work: () => Promise<Reply>,
  ): Promise<Reply> {
    return this.#engine.calls.once(
      keyedCall(idempotencyKey, readJson(asked, 'what is asked')),
      DEFAULT_TENANT,
      work,
    );
  }

  /**
   * Brings in a run that `runs.export` has written to a file, with the runs of its subplans; the same file
   * again changes nothing. Nobody sees any of it before all of it is durable. Rejects with
   * `export-damaged`, `export-unknown-format`, `run-conflict`, `argument-invalid`, `commit-failed`.
   */
  async import(file: string, options: ImportOptions = {}): Promise<Imported> {
    const { as } = readOptions(options);
    if (as !== undefined) readRunId(as);
    return this.#engine.history.import(readText(file, 'the file'), options);
  }

  /**
   * Removes runs that ended long ago, and the old part of the log of those that stay; live runs go on as
   * if nothing had been removed. Rejects with `argument-invalid`, `commit-failed`; may be repeated.
   */
  async trim(options: TrimOptions): Promise<Trimmed> {
    return this.#engine.history.trim(readOptions(options));
  }

  /**
   * A dry run over all runs that have not ended: those that this program could not take up, with why
   * (`run-unrestorable`, `handler-missing`, …). Changes nothing.
   */
  async examine(): Promise<readonly UnrestorableRun[]> {
    const found: UnrestorableRun[] = [];
    for await (const { id } of this.runs.live()) {
      const obstacle = await this.#engine.supervisor.examine(id);
      if (obstacle === undefined) continue;
      found.push({ run: id, code: obstacle.code, message: obstacle.message });
    }
    return found;
  }

  /**
   * What one tenant sees of it, under ids of its own: `order-7` is the run `acme~order-7` of `acme`. Throws
   * `argument-invalid` unless the name has 1 to 32 small letters, digits and hyphens; the empty text is the
   * default tenant, whose ids have no `~`.
   */
  forTenant(tenant: string): TenantView {
    return this.viewFor({ tenant });
  }

  /** What a tenant sees, or one principal of it, who is then the one that acts, and nobody else. */
  viewFor(viewer: Viewer): TenantView {
    const { tenant, principal, isConfined = false } = readOptions(viewer);
    if (!isTenant(tenant)) {
      const shown = typeof tenant === 'string' ? (tenant as string).slice(0, 64) : typeof tenant;
      const message = `"${shown}" is no name of a tenant`;
      throw new RunchartError('argument-invalid', message);
    }
    return new TenantView({
      orchestrator: this,
      viewer,
      tasks: this.#engine.newTasks(this.runs.forTenant(tenant), principal, isConfined),
      start: (plan, options, of) => this.#engine.starts.start(plan, options, of),
      import: (file, options, of) => this.#engine.history.import(file, options, of),
      once: (call, work, of) => this.#engine.calls.once(call, of, work),
      newBulk: (view) => this.#engine.newBulk(view, tenant),
      work: this.#engine.workOf(tenant),
      plans: this.#engine.plansOf(tenant, principal),
      positions: this.#engine.positions,
    });
  }

  /** Runs in memory now, as their newest commits left them. */
  live(): readonly LiveRun[] {
    return this.#engine.supervisor.live.residents();
  }

  /** Calls `listener` after each commit of a run; returns a function that ends it. */
  watch(id: string, listener: (live: LiveRun) => void): () => void {
    return this.#engine.supervisor.live.watch(id, listener);
  }

  /**
   * Copies the database with its payload files, while it is written to, into a new folder, and verifies the
   * copy; closing gives it up. Rejects with a StorageError: `backup-exists`, `backup-failed`,
   * `backup-damaged`, `disk-full`.
   */
  async backup(target: string, options: BackupOptions = {}): Promise<Backup> {
    const signals = [this.#stopping.signal, ...(options.signal ? [options.signal] : [])];
    return this.#engine.backup(target, { ...options, signal: AbortSignal.any(signals) });
  }

  /**
   * Tells `observer` of what becomes durable and of handlers at work, at once and on the hot path: it only
   * counts, or hands on. Returns a function that ends it.
   */
  observe(observer: RunObserver): () => void {
    const forget = this.#engine.supervisor.observers.add(observer);
    const ended =
      observer.groupCommitted &&
      this.#engine.journal.observe?.((commit) => observer.groupCommitted?.(commit));
    return () => {
      forget();
      ended?.();
    };
  }

  /** Tells other processes, through the database, where this one can be reached. */
  announce(address: string | null): Promise<void> {
    return this.#engine.announce(address);
  }

  health(): Health {
    const { state, detail, queued } = this.#engine.journal.health();
    const supervisor = this.#engine.supervisor.stats();
    const status = supervisor.stopped === undefined ? state : 'lost';
    return { status, journalQueue: queued, supervisor, ...(detail !== undefined && { detail }) };
  }

  /** Drains: nothing new, handlers get their grace, everything decided becomes durable; then the database is given up. */
  close(): Promise<void> {
    this.#stopping.abort();
    this.#closing ??= this.#engine.close();
    return this.#closing;
  }
}
