/**
 * Puts an orchestrator together from storage, handlers and limits. Invariants: parts know each other through
 * what they are given here; recovery begins what only one process may do, and closing ends it first.
 */
import { hostname } from 'node:os';
import { Access } from './access/access.js';
import { type AuditOptions, AuditTrail } from './access/audit-trail.js';
import { TaskLinks } from './access/task-links.js';
import type { HandlerPolicy } from './actors/admission/handler-policy.js';
import { ArtifactPayloads } from './actors/artifact-payloads.js';
import { atMost, type Environment } from './actors/environment.js';
import type { HandlerRegistry } from './actors/handler-registry.js';
import type { Logger } from './actors/handlers.js';
import { messageCall } from './actors/idempotency.js';
import type { RunMessage } from './actors/messages.js';
import { PlanCache } from './actors/plan-cache.js';
import type { Journal } from './actors/ports.js';
import type { Principal } from './actors/records.js';
import { Supervisor } from './actors/supervisor.js';
import { tenantOf } from './actors/tenant.js';
import { BulkChanges } from './bulk/bulk-changes.js';
import { RunChanges } from './change/run-changes.js';
import type { DeliveryService } from './delivery/delivery-service.js';
import { EventBus } from './delivery/event-bus.js';
import { newDelivery, type WebhookOptions } from './delivery/new-delivery.js';
import type { SendWebhook } from './delivery/send.js';
import { TenantPositions } from './delivery/tenant-positions.js';
import type { Webhooks } from './delivery/webhooks.js';
import { EmbeddedRuns } from './embedding/embedded-runs.js';
import { RunchartError } from './errors.js';
import { HistoryService, type Retention } from './history/history-service.js';
import { KeyedCalls } from './keyed-calls.js';
import { isFinal, type RunStatus } from './machines/statuses.js';
import type { OrchestratorLimits } from './orchestrator-options.js';
import type { BulkView } from './orchestrator-view.js';
import type { Evaluators } from './plan/evaluator.js';
import type { Plan } from './plan/schema.js';
import { readText } from './read-arguments.js';
import { RunDrafts } from './run-drafts.js';
import { RunReader } from './run-reader.js';
import { RunStarts } from './run-starts.js';
import { RunStreams } from './run-streams.js';
import { RunWatch } from './run-watch.js';
import { KeyedStarts } from './schedules/keyed-starts.js';
import { ScheduleService } from './schedules/schedule-service.js';
import { Schedules } from './schedules/schedules.js';
import { StoredSchedules } from './schedules/stored-schedules.js';
import { WatchedRuns } from './schedules/watched-runs.js';
import type { Backup, BackupOptions, Storage } from './storage/storage.js';
import { StoredPlans } from './stored-plans.js';
import { type Groups, type Responded, Tasks } from './tasks.js';
import { RunTracing } from './telemetry/run-tracing.js';
import { Work } from './work/work.js';

/** What an orchestrator is put together from. */
export interface EngineParts {
  readonly environment: Environment;
  readonly registry: HandlerRegistry;
  readonly evaluators?: Evaluators;
  readonly storage: Storage;
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
  /** Highest turn and run number in storage. */
  readonly turn: number;
  readonly run: number;
  /** What positions of tenants are sealed with, where storage keeps it. */
  readonly positionSecret?: string | undefined;
}

/** How long closing waits for schedules and webhooks that are on their way to storage, in milliseconds. */
const SCHEDULES_PATIENCE_MS = 10_000;
/** Tenants whose workers are remembered. */
const MAX_WORKS = 1_000;

export class Engine {
  readonly evaluators: Evaluators;
  readonly runs: RunReader;
  readonly supervisor: Supervisor;
  readonly starts: RunStarts;
  readonly watch: RunWatch;
  readonly streams: RunStreams;
  readonly change: RunChanges;
  readonly calls: KeyedCalls;
  readonly schedules: Schedules;
  readonly access: Access;
  readonly audit: AuditTrail;
  readonly links: TaskLinks<Responded>;
  readonly bus: EventBus;
  readonly positions: TenantPositions;
  readonly webhooks: Webhooks;
  readonly history: HistoryService;
  readonly embedded: EmbeddedRuns;
  readonly #parts: EngineParts;
  readonly #drafts: RunDrafts;
  readonly #keyed: KeyedStarts;
  readonly #scheduler: ScheduleService;
  readonly #delivery: DeliveryService;
  readonly #tracing: RunTracing;
  readonly #works = new Map<string, Work>();

  constructor(parts: EngineParts) {
    const { environment, storage, limits } = parts;
    const { clock } = environment;
    const { journal, store, artifacts } = storage;
    this.#parts = parts;
    this.evaluators = parts.evaluators ?? {};
    this.runs = new RunReader(storage.rows, storage.artifacts);
    const tracing = new RunTracing({ ...parts, clock, rows: storage.rows });
    this.#tracing = tracing;
    const plans = new PlanCache(this);
    const drafts = new RunDrafts({
      ...{ ...parts, journal, store, plans, lastRun: parts.run },
      runConcurrency: limits.runConcurrency,
    });
    this.#drafts = drafts;
    const supervisor = new Supervisor({
      ...{ ...parts, journal, store, artifacts, plans, lastTurn: parts.turn },
      worker: `${hostname()}:${process.pid}`,
      maskFor: (run) => this.runs.streamMaskFor(run),
      hideFor: (run) => this.runs.hideFor(run),
      startChild: async (parent, child) => {
        await this.starts.begin(await drafts.child(parent, child));
      },
    });
    supervisor.observers.add(tracing);
    this.supervisor = supervisor;
    this.streams = new RunStreams(supervisor.streams, this.runs, supervisor.live);
    const watch = new RunWatch(this.runs, supervisor.live, this.streams);
    this.watch = watch;
    const answersMs = parts.retention?.answersMs;
    const calls = new KeyedCalls({ clock, journal, store, answersMs });
    this.calls = calls;
    const keyed = this.#newKeyedStarts(parts);
    this.#keyed = keyed;
    this.starts = new RunStarts({ supervisor, drafts, keyed, calls, tracing, watch });
    this.change = this.#newChanges(parts);
    const written = { clock, journal, rows: store.access };
    this.access = new Access(written);
    this.audit = new AuditTrail({ ...parts, ...written, options: parts.audit });
    this.links = new TaskLinks({
      ...written,
      tasksOf: (tenant, principal) => this.newTasks(this.runs.forTenant(tenant), principal),
    });
    this.positions = new TenantPositions(parts.positionSecret);
    const told = {
      ...{ ...parts, journal, store, live: supervisor.live },
      log: this.runs.maskedLog,
      durableTurn: () => supervisor.durableTurn,
      positions: this.positions,
      traceOf: (run: string) => this.runs.trace(run).catch(() => undefined),
    };
    this.bus = new EventBus({ ...told, clock });
    const { service, webhooks } = newDelivery({ ...told, rows: store.deliveries });
    this.#delivery = service;
    this.webhooks = webhooks;
    this.history = this.#newHistory(parts);
    this.embedded = this.#newEmbeddedRuns(parts);
    this.#scheduler = this.#newScheduler(parts);
    this.schedules = new Schedules(this.#scheduler, {
      admit: (plan, input, options) => drafts.admit(plan, input, options),
      load: (hash) => this.runs.plan(hash),
      hideInput: (hash, input, beside) => this.runs.hideInput(hash, input, beside),
    });
  }

  get journal(): Journal {
    return this.#parts.storage.journal;
  }

  /** Rejects as storage does, and with `argument-invalid` where it makes none. */
  async backup(target: string, options: BackupOptions): Promise<Backup> {
    const made = this.#parts.storage.backup?.(target, options);
    if (made !== undefined) return made;
    throw new RunchartError('argument-invalid', 'this storage makes no backups');
  }

  /** Tells other processes, through storage, where this one can be reached. */
  async announce(address: string | null): Promise<void> {
    await this.#parts.storage.announce?.(address);
  }

  /** Hands a message to a run; resolves with its reply when the turn is durable. */
  async send(run: string, message: RunMessage, idempotencyKey?: string): Promise<unknown> {
    const id = readText(run, 'the id of a run');
    const call = idempotencyKey === undefined ? undefined : messageCall(idempotencyKey, message);
    return this.supervisor.send(id, message, call);
  }

  newId(): string {
    return this.#parts.environment.id();
  }

  /** Takes up what an earlier process left in motion, and begins what happens by itself. */
  async recover(): Promise<void> {
    await this.#keyed.recover();
    await this.change.recover();
    await this.supervisor.recover();
    await this.#scheduler.tick();
    await this.#delivery.start();
    this.history.start();
    void this.audit.trim();
  }

  /** Nothing new, handlers get their grace, everything decided becomes durable; then storage is given up. */
  async close(): Promise<void> {
    const { environment, limits, storage } = this.#parts;
    const { clock } = environment;
    const scheduled = this.#scheduler.close();
    await atMost(clock, limits.drainMs, this.embedded.whenLetGo());
    const delivered = this.#delivery.close();
    await this.history.close();
    await this.supervisor.close(limits.drainMs);
    const stored = Promise.all([scheduled, delivered]).then(() => {});
    await atMost(clock, SCHEDULES_PATIENCE_MS, stored);
    this.watch.close();
    this.bus.close();
    await this.#tracing.settled();
    await storage.close();
  }

  /** Tasks of these runs, as one principal sees them, or nobody in particular. */
  newTasks(runs: RunReader, principal?: Principal, isConfined = false): Tasks {
    const { groups } = this.#parts;
    return new Tasks({
      ...{ runs, groups, principal, isConfined, links: this.links },
      payloads: this.#newPayloads(),
      send: (run, message, key) => this.send(run, message, key),
    });
  }

  /** Changes of many runs, each done as the view does it. */
  newBulk(view: BulkView, tenant?: string): BulkChanges {
    return new BulkChanges({
      ...{ rows: this.runs.rows, tenant },
      newName: () => this.newId(),
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

  /** Work as workers of a tenant find it; one for all views of the tenant, since it remembers what it has refused. */
  workOf(tenant: string): Work {
    const known = this.#works.get(tenant) ?? this.newWork(tenant);
    this.#works.delete(tenant);
    this.#works.set(tenant, known);
    const [oldest] = this.#works.keys();
    if (this.#works.size > MAX_WORKS && oldest !== undefined) this.#works.delete(oldest);
    return known;
  }

  newWork(tenant?: string): Work {
    const { environment, logger, registry, storage } = this.#parts;
    return new Work({
      ...{ tenant, logger, board: this.supervisor.work, clock: environment.clock },
      payloads: this.#newPayloads(),
      capabilityOf: (handler) => registry.capabilityOf(handler),
      send: (run, message) => this.supervisor.send(run, message),
      claimedRuns: (claim) => storage.rows.claimedRuns(claim),
      attempt: async (run, name) => {
        const found = await storage.store.findRun(run);
        return found && storage.rows.attempt(found.run, name);
      },
    });
  }

  /** Plan versions that a tenant stores by themselves. */
  plansOf(tenant?: string, principal?: Principal): StoredPlans {
    const { environment, storage } = this.#parts;
    const { journal, rows } = storage;
    const keep = (plan: Plan) => this.#drafts.keep(plan);
    return new StoredPlans(
      { ...{ journal, keep, clock: environment.clock }, rows: rows.storedPlans },
      ...[tenant, principal],
    );
  }

  #newPayloads(): ArtifactPayloads {
    const { storage, limits, environment } = this.#parts;
    return new ArtifactPayloads(storage.artifacts, limits, environment.clock);
  }

  #newChanges({ storage }: EngineParts): RunChanges {
    return new RunChanges({
      ...{ rows: storage.rows, journal: storage.journal, keys: storage.store.runKeys },
      drafts: this.#drafts,
      send: (run, message, key) => this.send(run, message, key),
      start: (draft, first, call) =>
        this.supervisor.start({ isFresh: false, ...draft }, first, call),
    });
  }

  #newEmbeddedRuns({ environment, logger }: EngineParts): EmbeddedRuns {
    return new EmbeddedRuns({
      ...{ environment, logger, runs: this.runs, watch: this.watch },
      live: (id) => this.supervisor.live.get(id),
      start: (plan, options) => this.starts.start(plan, options, tenantOf(options.id ?? '')),
      cancel: (id, { reason }) => this.#cancel(id, reason),
    });
  }

  #newHistory({ environment, storage, logger, retention }: EngineParts): HistoryService {
    return new HistoryService({
      ...{ logger, retention, clock: environment.clock, deliveries: this.#delivery },
      ...{ journal: storage.journal, store: storage.store, contents: storage.artifacts },
      rows: this.runs.history,
      nextRun: () => this.#drafts.nextRun(),
      nextTurn: () => this.supervisor.nextTurn(),
    });
  }

  #newKeyedStarts({ environment, storage }: EngineParts): KeyedStarts {
    const runs = this.#newWatchedRuns(storage);
    return new KeyedStarts({
      ...{ clock: environment.clock, journal: storage.journal, keys: storage.store.runKeys },
      status: (run) => this.#statusOf(run),
      replacementOf: (run) => this.change.replacementOf(run),
      cancel: (run, reason) => runs.cancel(run, reason),
      whenEnded: (run) => this.watch.when(run, isFinal),
    });
  }

  #newScheduler({ environment, storage, logger }: EngineParts): ScheduleService {
    const runs = this.#newWatchedRuns(storage);
    const store = new StoredSchedules(storage.journal, storage.store.schedules);
    return new ScheduleService({ clock: environment.clock, store, runs, logger });
  }

  #newWatchedRuns({ store }: Storage): WatchedRuns {
    return new WatchedRuns({
      start: async (start) => {
        await this.starts.begin(await this.#drafts.scheduled(start));
      },
      cancel: (run, reason) => this.#cancel(run, reason),
      status: (run) => this.#statusOf(run),
      runsBetween: (from, before) => store.schedules.runsBetween(from, before),
      watch: (run, listener) => this.supervisor.live.watch(run, ({ status }) => listener(status)),
    });
  }

  #cancel(run: string, reason: string): Promise<unknown> {
    return this.send(run, { type: 'run.cancel', reason, by: null });
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
