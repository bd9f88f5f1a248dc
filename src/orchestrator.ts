/**
 * The orchestrator as its users see it, and the one place that knows both the actors and the
 * storage. Every method that changes something resolves when the change is durable.
 */

import { hostname } from 'node:os';
import { Access } from './access/access.js';
import { type AuditOptions, AuditTrail } from './access/audit-trail.js';
import { TaskLinks } from './access/task-links.js';
import type { HandlerPolicy } from './actors/admission/handler-policy.js';
import { ArtifactPayloads } from './actors/artifact-payloads.js';
import { atMost, type Environment, systemEnvironment } from './actors/environment.js';
import { HandlerRegistry } from './actors/handler-registry.js';
import type { Handlers, Logger } from './actors/handlers.js';
import { type KeyedCall, keyedCall, messageCall } from './actors/idempotency.js';
import type { LiveRun } from './actors/live-index.js';
import type { RunMessage } from './actors/messages.js';
import type { Middleware } from './actors/middleware.js';
import { PlanCache } from './actors/plan-cache.js';
import type { ArtifactStore, Journal, PayloadCodec, RunStore } from './actors/ports.js';
import type { Principal, RunRecord } from './actors/records.js';
import type { RunObserver } from './actors/run-observers.js';
import { Supervisor, type SupervisorLimits, type SupervisorStats } from './actors/supervisor.js';
import { DEFAULT_TENANT, isTenant, qualifyKey, tenantOf } from './actors/tenant.js';
import { BulkChanges } from './bulk/bulk-changes.js';
import { RunChanges } from './change/run-changes.js';
import type { DeliveryService } from './delivery/delivery-service.js';
import { EventBus } from './delivery/event-bus.js';
import { newDelivery, type WebhookOptions } from './delivery/new-delivery.js';
import type { SendWebhook } from './delivery/send.js';
import type { Webhooks } from './delivery/webhooks.js';
import { EmbeddedRuns } from './embedding/embedded-runs.js';
import { type LogicOptions, type RunLogic, runLogic } from './embedding/run-logic.js';
import { RunchartError } from './errors.js';
import { HistoryService, type Retention } from './history/history-service.js';
import type { Imported, ImportOptions } from './history/import-run.js';
import type { Trimmed, TrimOptions } from './history/trim.js';
import { Inspection, type InspectOptions } from './inspect/inspection.js';
import type { Keyed } from './keyed.js';
import { KeyedCalls } from './keyed-calls.js';
import { isFinal, type RunStatus } from './machines/statuses.js';
import type { ReadOptions } from './open-reader.js';
import type {
  BulkView,
  OrchestratorView,
  RunHandle,
  Signalled,
  SignalOptions,
  StartedRun,
} from './orchestrator-view.js';
import { type Backup, type BackupOptions, backupDatabase } from './persistence/backup.js';
import { openScheduleRows } from './persistence/schedules.js';
import { openStorage } from './persistence/storage.js';
import type { PlanFor } from './plan/builder.js';
import type { Evaluators } from './plan/evaluator.js';
import type { JsonObject, JsonValue } from './plan/json.js';
import { readOptions, readText } from './read-arguments.js';
import { type RunDraft, RunDrafts } from './run-drafts.js';
import { RunReader } from './run-reader.js';
import { type EventsOptions, RunWatch } from './run-watch.js';
import {
  type Debounce,
  type KeyedRun,
  type KeyedStart,
  KeyedStarts,
  type Singleton,
} from './schedules/keyed-starts.js';
import { ScheduleReader } from './schedules/schedule-reader.js';
import { ScheduleService } from './schedules/schedule-service.js';
import { Schedules } from './schedules/schedules.js';
import { readOnlySchedules, StoredSchedules } from './schedules/stored-schedules.js';
import { WatchedRuns } from './schedules/watched-runs.js';
import {
  readAnnotation,
  readJson,
  readKeys,
  readRunId,
  type StartOptions,
} from './start-options.js';
import { type Groups, type Responded, type RespondOptions, Tasks } from './tasks.js';
import { RunTracing } from './telemetry/run-tracing.js';
import { TenantView, type Viewer } from './tenant-view.js';
import type { RunEvent, RunResult } from './views.js';
import { Work } from './work/work.js';

/** What an orchestrator is opened with. */
export interface OrchestratorOptions<Services = unknown> {
  /** The database file, as a path or a `file:` URL. It is made where it does not exist. */
  readonly url: string;
  readonly handlers: Handlers<Services>;
  /** What handlers find in their context: connections, clients. */
  readonly services?: Services;
  /** What is put around every handler of this process, the first outermost. See docs/handlers.md. */
  readonly middleware?: readonly Middleware<Services>[];
  /** Owners that need no handler, as `user/alice`. */
  readonly executors?: readonly string[];
  /** Takes up, at once, what an earlier process left in motion; on unless false. */
  readonly recover?: boolean;
  readonly logger?: Logger;
  readonly environment?: Environment;
  readonly limits?: Partial<OrchestratorLimits>;
  /** Of languages beside CEL for conditions and expressions, by the name that plans give as `language`. See docs/plans.md. */
  readonly evaluators?: Evaluators;
  /** Limits of single handlers, by key: concurrency, rate, circuit breaker. See docs/admission.md. */
  readonly policies?: Readonly<Record<string, HandlerPolicy>>;
  /** Who belongs to which group, for tasks that are put to groups. See docs/people.md. */
  readonly groups?: Groups;
  /** How payloads are stored: encrypted for instance, see `encryptedPayloads`; as JSON unless given. */
  readonly payloads?: PayloadCodec;
  /** Where webhooks may be sent, and how often. See docs/webhooks.md. */
  readonly webhooks?: WebhookOptions;
  /** How long runs and their logs are kept; for good unless given. See docs/history.md. */
  readonly retention?: Retention;
  /** How much of the audit is kept, and how long. See docs/access.md. */
  readonly audit?: AuditOptions;
}

/** Bounds of one process; docs/admission.md says what they are for. */
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
  inlinePayloadBytes: 64 * 1024,
  maxPayloadBytes: 64 * 1024 * 1024,
  drainMs: 10_000,
};

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

/** How long closing waits for schedules and webhooks that are on their way to storage, in milliseconds. */
const SCHEDULES_PATIENCE_MS = 10_000;
/** Tenants whose workers are remembered. */
const MAX_WORKS = 1_000;
const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Opens the database as its one owner, and takes up what an earlier process left in motion. Rejects with a StorageError. */
export async function createOrchestrator<Services = unknown>(
  options: OrchestratorOptions<Services>,
): Promise<Orchestrator> {
  const environment = options.environment ?? systemEnvironment;
  const middleware = (options.middleware ?? []) as readonly Middleware[];
  const registry = new HandlerRegistry(options.handlers, options.executors, middleware);
  const { url: database, payloads } = options;
  const now = () => environment.clock.now();
  const storage = await openStorage({ database, now, ...(payloads && { payloads }) });
  try {
    const orchestrator = new Orchestrator({
      environment,
      registry,
      journal: storage.journal,
      store: storage.store,
      artifacts: storage.artifacts,
      runs: new RunReader(storage.reader, storage.artifacts),
      evaluators: options.evaluators ?? {},
      logger: options.logger ?? SILENT,
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      policies: new Map(Object.entries(options.policies ?? {})),
      groups: options.groups,
      services: options.services,
      ...(options.retention !== undefined && { retention: options.retention }),
      audit: options.audit,
      ...(options.webhooks !== undefined && { webhooks: options.webhooks }),
      ...(await storage.store.highWater()),
      announce: (address) => storage.journal.setAddress(address),
      backup: (target, wanted) =>
        backupDatabase(options.url, target, {
          encodedPayloads: options.payloads !== undefined,
          ...wanted,
          now: () => environment.clock.now(),
        }),
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
export function openSchedules(url: string, { payloads }: ReadOptions = {}): OpenSchedules {
  const { rows, close } = openScheduleRows(url, payloads);
  const { now } = systemEnvironment.clock;
  return { schedules: new ScheduleReader(readOnlySchedules(rows), now), close };
}

/** What an orchestrator is put together from. */
export interface OrchestratorParts {
  readonly environment: Environment;
  readonly registry: HandlerRegistry;
  readonly evaluators?: Evaluators;
  readonly journal: Journal;
  readonly store: RunStore;
  readonly artifacts: ArtifactStore;
  readonly runs: RunReader;
  readonly logger: Logger;
  readonly limits: OrchestratorLimits;
  readonly policies?: ReadonlyMap<string, HandlerPolicy>;
  readonly groups?: Groups | undefined;
  /** What the application shares with its handlers. */
  readonly services?: unknown;
  readonly retention?: Retention;
  readonly audit?: AuditOptions | undefined;
  readonly webhooks?: WebhookOptions;
  /** Sends webhooks; over HTTP unless given. */
  readonly sendWebhook?: SendWebhook;
  /** Highest turn and run number in the database. */
  readonly turn: number;
  readonly run: number;
  announce(address: string | null): Promise<void>;
  /** Absent where nothing is in a file. */
  backup?(target: string, options: BackupOptions): Promise<Backup>;
  closeStorage(): Promise<void>;
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
  /** Events of all runs, for this process. See docs/events.md. */
  readonly bus: EventBus;
  /** Who is told of events over HTTP. They are told by a process that has recovered, and by no other. */
  readonly webhooks: Webhooks;
  readonly #delivery: DeliveryService;
  readonly #works = new Map<string, Work>();
  readonly #scheduler: ScheduleService;
  readonly #keyed: KeyedStarts;
  readonly #parts: OrchestratorParts;
  readonly #supervisor: Supervisor;
  readonly #drafts: RunDrafts;
  readonly #watch: RunWatch;
  readonly #history: HistoryService;
  readonly #calls: KeyedCalls;
  readonly #embedded: EmbeddedRuns;
  readonly #tracing: RunTracing;
  readonly #stopping = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(parts: OrchestratorParts) {
    this.#parts = parts;
    this.runs = parts.runs;
    this.evaluators = parts.evaluators ?? {};
    const plans = new PlanCache(this);
    this.#drafts = new RunDrafts({
      ...parts,
      plans,
      runConcurrency: parts.limits.runConcurrency,
      lastRun: parts.run,
    });
    this.#supervisor = new Supervisor({
      ...parts,
      plans,
      worker: `${hostname()}:${process.pid}`,
      lastTurn: parts.turn,
      startChild: async (parent, child) => {
        await this.#begin(await this.#drafts.child(parent, child));
      },
    });
    const { clock } = parts.environment;
    const written = { clock, journal: parts.journal, rows: parts.store.access };
    this.access = new Access(written);
    this.audit = new AuditTrail({ ...parts, rows: parts.store.access, options: parts.audit });
    this.links = new TaskLinks({
      ...written,
      tasksOf: (tenant, principal) => this.viewFor({ tenant, principal }).tasks,
    });
    this.#tracing = new RunTracing(parts.environment.clock);
    this.#supervisor.observers.add(this.#tracing);
    this.tasks = this.#newTasks(parts.runs);
    this.work = this.#newWork(parts);
    this.change = new RunChanges({
      rows: parts.runs.rows,
      drafts: this.#drafts,
      journal: parts.journal,
      keys: parts.store.runKeys,
      send: (run, message, key) => this.#send(run, message, key),
      start: (draft, first, call) =>
        this.#supervisor.start({ isFresh: false, ...draft }, first, call),
    });
    this.#calls = new KeyedCalls({
      clock: parts.environment.clock,
      journal: parts.journal,
      store: parts.store,
    });
    this.bulk = this.#newBulk(this);
    this.#watch = new RunWatch(parts.runs, this.#supervisor.live);
    const told = {
      ...parts,
      log: parts.runs.maskedLog,
      live: this.#supervisor.live,
      newestTurn: () => this.#supervisor.newestTurn,
    };
    this.bus = new EventBus({ ...told, clock: parts.environment.clock });
    const { service, webhooks } = newDelivery({ ...told, rows: parts.store.deliveries });
    this.#delivery = service;
    this.webhooks = webhooks;
    this.#history = this.#newHistory(parts);
    this.#embedded = this.#newEmbeddedRuns(parts);
    this.#keyed = this.#newKeyedStarts(parts);
    this.#scheduler = this.#newScheduler(parts);
    this.schedules = new Schedules(this.#scheduler, {
      admit: (plan, input) => this.#drafts.admit(plan, input),
      load: (hash) => this.runs.plan(hash),
      hideInput: (hash, input) => this.runs.hideInput(hash, input),
    });
  }

  /**
   * Starts a run; resolves when it is durable. Throws PlanInvalidError with all issues, or
   * RunchartError: `handler-missing`, `executor-missing`, `input-invalid`, `argument-invalid`, `run-conflict`.
   * A start with a key may give the handle of another run: see `singleton`.
   */
  async start<Input>(plan: PlanFor<Input>, options: StartOptions<Input> = {}): Promise<StartedRun> {
    return this.#start(plan, options, tenantOf(options.id ?? ''));
  }

  async #start<Input>(
    plan: PlanFor<Input>,
    options: StartOptions<Input>,
    tenant: string,
  ): Promise<StartedRun> {
    const { singleton, debounce } = readKeys(options, tenant);
    const draft = await this.#drafts.draft(plan, options, tenant);
    const call = callOfStart(draft, options);
    const isFresh = options.id === undefined && call === undefined;
    const { id } = draft.record;
    if (singleton === undefined && debounce === undefined) {
      const { created } = await this.#begin(draft, isFresh, call);
      return { ...this.handle(id), created };
    }
    const begin = (startAt = options.startAt) => {
      // Drafted anew: it may have waited for another run to end.
      const delayed = { ...options, id, ...(startAt !== undefined && { startAt }) };
      return this.#begin(this.#drafts.again(draft, delayed), isFresh, call);
    };
    const start = () => this.#startKeyed({ id, begin }, singleton, debounce);
    const keyed = await (call === undefined ? start() : this.#once(call, tenant, start));
    return { ...this.handle(keyed.id), created: keyed.created };
  }

  /** `isFresh`: the id was made for this run, so that nobody can have stored it before. */
  #begin(
    draft: RunDraft,
    isFresh = false,
    call?: KeyedCall,
  ): Promise<{ readonly created: boolean }> {
    const { record, version } = draft;
    return this.#tracing.start(record, version.plan.title, (traced) =>
      this.#supervisor.start({ isFresh, version, record: traced }, { type: 'run.start' }, call),
    );
  }

  async #send(run: string, message: RunMessage, idempotencyKey?: string): Promise<unknown> {
    const call = idempotencyKey === undefined ? undefined : messageCall(idempotencyKey, message);
    return this.#supervisor.send(run, message, call);
  }

  #startKeyed(
    run: KeyedRun,
    singleton: Singleton | undefined,
    debounce: Debounce | undefined,
  ): Promise<KeyedStart> {
    if (singleton !== undefined) return this.#keyed.single(singleton, run);
    return this.#keyed.debounce(debounce as Debounce, run);
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
    return runLogic(this.#embedded, plan, options);
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
    await this.#watch.when(id, (status) => isFinal(status));
    return this.runs.result(id);
  }

  /** Resolves when the run goes on only by somebody's doing: ended, awaiting a person, blocked or paused. */
  settled(id: string): Promise<RunStatus> {
    return this.#watch.when(id, (status) => !['pending', 'ready', 'running'].includes(status));
  }

  /**
   * The events of a run, from the log, in order and without a gap; live until the run's terminal
   * event. A slow reader is never behind by more than what lies on disk.
   */
  events(id: string, options: EventsOptions = {}): AsyncIterableIterator<RunEvent> {
    return this.#watch.events(id, options);
  }

  /**
   * Watches the actors of a run through the events of XState's inspector protocol: first all that are at work, then
   * whatever becomes durable, in order, until the run has ended. Leaving the iteration detaches, as `detach()`
   * does. The iteration rejects with `run-unknown`, `history-trimmed`, `argument-invalid`. See docs/inspect.md.
   */
  inspect(id: string, options: InspectOptions = {}): Inspection {
    const changes = (run: string, signal: AbortSignal) => this.#watch.changes(run, signal);
    const maskFor = (record: RunRecord) => this.runs.maskFor(record);
    return new Inspection({ rows: this.runs.rows, changes, maskFor }, id, options);
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
    const message = {
      type: 'run.cancel',
      reason: options.reason ?? null,
      by: options.by ?? null,
    } as const;
    const reply = await this.#send(id, message, options.idempotencyKey);
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
    const message = {
      type: 'run.annotate',
      metadata: readAnnotation(metadata),
      by: options.by ?? null,
    } as const;
    const reply = await this.#send(id, message, options.idempotencyKey);
    return reply as { run: string; metadata: JsonObject };
  }

  /**
   * Tells a run something that a node of kind signal waits for, or will: then it is kept. The same id
   * again is the same signal. Rejects with `signal-invalid`, `run-ended`, `run-unknown`.
   */
  async signal(id: string, name: string, options: SignalOptions = {}): Promise<Signalled> {
    const payload = readJson(options.payload ?? null, 'the payload');
    const { idempotencyKey: key } = options;
    const signal = options.id ?? key ?? this.#parts.environment.id();
    if (name === '' || name.length > 256 || signal === '' || signal.length > 256) {
      const message = 'name and id of a signal have 1 to 256 characters';
      throw new RunchartError('argument-invalid', message);
    }
    const message = { type: 'signal.send', id: signal, name, payload } as const;
    return (await this.#send(id, message, key)) as Signalled;
  }

  /**
   * Tries a node again: one that is blocked goes on, one that failed and was tolerated begins another
   * generation, with all that follows from it. Rejects with `node-not-retryable`, `run-ended`.
   */
  async retryNode(id: string, node: string, options: { by?: string } & Keyed = {}): Promise<void> {
    const { by = null, idempotencyKey } = readOptions(options);
    const message = { type: 'node.retry', node: readText(node, 'the path'), by } as const;
    await this.#send(id, message, idempotencyKey);
  }

  /** Takes one step of a paused run: what is due starts, and what comes of it waits for the next step. */
  async step(id: string, options: Keyed = {}): Promise<void> {
    await this.#send(id, { type: 'run.step' }, options.idempotencyKey);
  }

  /** Stops scheduling: handlers at work finish, nothing new starts. */
  async pause(id: string, options: Keyed = {}): Promise<void> {
    await this.#send(id, { type: 'run.pause' }, options.idempotencyKey);
  }

  /** Goes on with a paused run, or takes up one that an earlier process left in motion. */
  async resume(id: string, { idempotencyKey: key }: Keyed = {}): Promise<void> {
    const call = key === undefined ? undefined : messageCall(key, { type: 'run.resume' });
    await this.#supervisor.resume(id, call);
  }

  /**
   * Takes up all runs that an earlier process left in motion, and fires what fell due meanwhile. From then
   * on schedules occur.
   */
  async recover(): Promise<void> {
    await this.#keyed.recover();
    await this.change.recover();
    await this.#supervisor.recover();
    await this.#scheduler.tick();
    await this.#delivery.start();
    this.#history.start();
  }

  /**
   * Does the work of a call that is about no single run, once for a key: made again with the same `asked` it is
   * answered as before. The answer is stored when the work is done; one that a stop cut off is done again. Rejects
   * as the work does, with `idempotency-key-reused`, `argument-invalid`.
   */
  once<Reply extends JsonValue>(
    idempotencyKey: string,
    asked: JsonValue,
    work: () => Promise<Reply>,
  ): Promise<Reply> {
    return this.#once(keyedCall(idempotencyKey, asked), DEFAULT_TENANT, work);
  }

  #once<Reply>(call: KeyedCall, tenant: string, work: () => Promise<Reply>): Promise<Reply> {
    return this.#calls.once({ ...call, key: qualifyKey(tenant, call.key) }, work);
  }

  /**
   * Brings in a run that `runs.export` has written to a file, with the runs of its subplans; the same file
   * again changes nothing. Nobody sees any of it before all of it is durable. Rejects with
   * `export-damaged`, `export-unknown-format`, `run-conflict`, `argument-invalid`, `commit-failed`.
   */
  async import(file: string, options: ImportOptions = {}): Promise<Imported> {
    if (options.as !== undefined) readRunId(options.as);
    return this.#history.import(file, options);
  }

  /**
   * Removes runs that ended long ago, and the old part of the log of those that stay; live runs go on as
   * if nothing had been removed. Rejects with `argument-invalid`, `commit-failed`; may be repeated.
   */
  trim(options: TrimOptions): Promise<Trimmed> {
    return this.#history.trim(options);
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
    const { tenant, principal, isConfined = false } = viewer;
    if (!isTenant(tenant)) {
      const message = `"${String(tenant).slice(0, 64)}" is no name of a tenant`;
      throw new RunchartError('argument-invalid', message);
    }
    return new TenantView({
      orchestrator: this,
      viewer,
      tasks: this.#newTasks(this.runs.forTenant(tenant), principal, isConfined),
      start: (plan, options, of) => this.#start(plan, options, of),
      import: (file, options, of) => this.#history.import(file, options, of),
      once: (call, work, of) => this.#once(call, of, work),
      newBulk: (view) => this.#newBulk(view, tenant),
      work: this.#workOf(tenant),
    });
  }

  /** Runs in memory now, as their newest commits left them. */
  live(): readonly LiveRun[] {
    return this.#supervisor.live.residents();
  }

  /** Calls `listener` after each commit of a run; returns a function that ends it. */
  watch(id: string, listener: (live: LiveRun) => void): () => void {
    return this.#supervisor.live.watch(id, listener);
  }

  /**
   * Copies the database with its payload files, while it is written to, into a new folder, and verifies the
   * copy; closing gives it up. Rejects with a StorageError: `backup-exists`, `backup-failed`,
   * `backup-damaged`, `disk-full`.
   */
  async backup(target: string, options: BackupOptions = {}): Promise<Backup> {
    const { backup } = this.#parts;
    if (backup === undefined) {
      throw new RunchartError('argument-invalid', 'there is no database: all is in memory');
    }
    const signals = [this.#stopping.signal, ...(options.signal ? [options.signal] : [])];
    return backup(target, { ...options, signal: AbortSignal.any(signals) });
  }

  /**
   * Tells `observer` of what becomes durable and of handlers at work, at once and on the hot path: it only
   * counts, or hands on. Returns a function that ends it.
   */
  observe(observer: RunObserver): () => void {
    const forget = this.#supervisor.observers.add(observer);
    const ended =
      observer.groupCommitted &&
      this.#parts.journal.observe?.((commit) => observer.groupCommitted?.(commit));
    return () => {
      forget();
      ended?.();
    };
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
    this.#stopping.abort();
    const scheduled = this.#scheduler.close();
    const { environment, limits } = this.#parts;
    await atMost(environment.clock, limits.drainMs, this.#embedded.whenLetGo());
    const delivered = this.#delivery.close();
    await this.#history.close();
    await this.#supervisor.close(this.#parts.limits.drainMs);
    const stored = Promise.all([scheduled, delivered]).then(() => {});
    await atMost(this.#parts.environment.clock, SCHEDULES_PATIENCE_MS, stored);
    this.#watch.close();
    this.bus.close();
    await this.#parts.closeStorage();
  }

  #newEmbeddedRuns({ environment, logger, runs }: OrchestratorParts): EmbeddedRuns {
    return new EmbeddedRuns({
      environment,
      logger,
      runs,
      watch: this.#watch,
      live: (id) => this.#supervisor.live.get(id),
      start: (plan, options) => this.start(plan, options),
      cancel: (id, options) => this.cancel(id, options),
    });
  }

  #newTasks(runs: RunReader, principal?: Principal, isConfined = false): Tasks {
    const { artifacts, limits, environment, groups } = this.#parts;
    const payloads = new ArtifactPayloads(artifacts, limits, environment.clock);
    return new Tasks({
      ...{ runs, groups, principal, isConfined, payloads, links: this.links },
      send: (run, message, key) => this.#send(run, message, key),
    });
  }

  #newBulk(view: BulkView, tenant?: string): BulkChanges {
    const { runs, environment } = this.#parts;
    return new BulkChanges({
      ...{ rows: runs.rows, tenant },
      newName: () => environment.id(),
      target: {
        cancel: (id, options) => view.cancel(id, options),
        pause: (id) => view.pause(id),
        resume: (id) => view.resume(id),
        signal: (id, name, options) => view.signal(id, name, options),
        retryNode: (id, node, options) => view.retryNode(id, node, options),
        retryRun: (id, options) => view.change.retry(id, options),
        async blockedNodes(id) {
          const nodes = await view.runs.nodeRuns(id);
          return nodes.filter(({ status }) => status === 'blocked').map(({ node }) => node);
        },
      },
    });
  }

  /** One for all views of a tenant: it remembers what it has refused. */
  #workOf(tenant: string): Work {
    const known = this.#works.get(tenant) ?? this.#newWork(this.#parts, tenant);
    this.#works.delete(tenant);
    this.#works.set(tenant, known);
    const [oldest] = this.#works.keys();
    if (this.#works.size > MAX_WORKS && oldest !== undefined) this.#works.delete(oldest);
    return known;
  }

  #newWork(
    { artifacts, environment, limits, logger, registry, runs, store }: OrchestratorParts,
    tenant?: string,
  ): Work {
    const { clock } = environment;
    return new Work({
      tenant,
      board: this.#supervisor.work,
      clock,
      logger,
      payloads: new ArtifactPayloads(artifacts, limits, clock),
      capabilityOf: (handler) => registry.capabilityOf(handler),
      send: (run, message) => this.#supervisor.send(run, message),
      attempt: async (run, name) => {
        const found = await store.findRun(run);
        return found && runs.rows.attempt(found.run, name);
      },
    });
  }

  #newHistory(parts: OrchestratorParts): HistoryService {
    const { environment, journal, store, logger, retention, runs } = parts;
    return new HistoryService({
      contents: parts.artifacts,
      clock: environment.clock,
      journal,
      store,
      rows: runs.history,
      logger,
      retention,
      deliveries: this.#delivery,
      nextRun: () => this.#drafts.nextRun(),
      nextTurn: () => this.#supervisor.nextTurn(),
    });
  }

  #newKeyedStarts({ environment, journal, store }: OrchestratorParts): KeyedStarts {
    const runs = this.#newWatchedRuns();
    return new KeyedStarts({
      clock: environment.clock,
      journal,
      keys: store.runKeys,
      status: (run) => this.#statusOf(run),
      cancel: (run, reason) => runs.cancel(run, reason),
      whenEnded: (run) => this.#watch.when(run, isFinal),
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
      start: async (start) => {
        await this.#begin(await this.#drafts.scheduled(start));
      },
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
}

/** The call that a start is, where it has a key: plan, input and all that it asks for. */
function callOfStart(
  { record }: RunDraft,
  { idempotencyKey: key, id, singleton, debounce }: StartOptions,
): KeyedCall | undefined {
  if (key === undefined) return undefined;
  const { startDigest, metadataJson, concurrency, settingsJson } = record;
  const asked = { startDigest, metadataJson, concurrency, settingsJson, id, singleton, debounce };
  return keyedCall(key, JSON.parse(JSON.stringify(asked)) as JsonValue);
}
