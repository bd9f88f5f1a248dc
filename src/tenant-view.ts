/**
 * The orchestrator as one tenant sees it, or one principal of it. Invariants: 1. an id goes to the engine as
 * one of this tenant or not at all: what names another tenant's is not looked up, and answered as what is
 * not there; 2. of a principal, whoever `by`, `responder` and `requestedBy` name is himself.
 */

import { nameOf } from './acting-principal.js';
import { type KeyedCall, keyedCall } from './actors/idempotency.js';
import type { LiveRun } from './actors/live-index.js';
import type { Principal } from './actors/records.js';
import { DEFAULT_TENANT, ownId, tenantOf } from './actors/tenant.js';
import type { BulkChanges } from './bulk/bulk-changes.js';
import type { RunChanges } from './change/run-changes.js';
import { TenantBus } from './delivery/tenant-bus.js';
import type { TenantPositions } from './delivery/tenant-positions.js';
import type { Webhooks } from './delivery/webhooks.js';
import { RunchartError } from './errors.js';
import type { Imported, ImportOptions } from './history/import-run.js';
import type { Keyed } from './keyed.js';
import type { RunStatus } from './machines/statuses.js';
import type {
  AskedBy,
  BulkView,
  OrchestratorView,
  Signalled,
  SignalOptions,
} from './orchestrator-view.js';
import type { PlanFor } from './plan/builder.js';
import type { JsonObject, JsonValue } from './plan/json.js';
import { readOptions, readText } from './read-arguments.js';
import type { RunReader } from './run-reader.js';
import type { StreamItem, StreamOptions } from './run-streams.js';
import type { EventsOptions, RunHandle, StartedRun } from './run-watch.js';
import type { Schedules } from './schedules/schedules.js';
import { readJson, readOwnRunId, type StartOptions } from './start-options.js';
import type { StoredPlans } from './stored-plans.js';
import type { Responded, RespondOptions, Tasks } from './tasks.js';
import { TenantChanges } from './tenant-changes.js';
import { TenantSchedules } from './tenant-schedules.js';
import { TenantWebhooks, type WebhooksView } from './tenant-webhooks.js';
import type { RunEvent, RunResult } from './views.js';
import type { Work } from './work/work.js';

/** Who looks: a tenant, and a principal of it where one is known. */
export interface Viewer {
  readonly tenant: string;
  readonly principal?: Principal | undefined;
  /** Sees only tasks that are his to answer, or that he has answered. */
  readonly isConfined?: boolean;
}

export interface TenantViewParts {
  /** The whole of it. */
  readonly orchestrator: OrchestratorView & {
    readonly change: RunChanges;
    readonly schedules: Schedules;
    readonly webhooks: Webhooks;
  };
  readonly viewer: Viewer;
  /** Tasks as the viewer sees them. */
  readonly tasks: Tasks;
  start(plan: PlanFor<unknown>, options: StartOptions, tenant: string): Promise<StartedRun>;
  import(file: string, options: ImportOptions, tenant: string): Promise<Imported>;
  newBulk(view: BulkView): BulkChanges;
  /** Work as workers of the tenant find it. */
  readonly work: Work;
  /** Plan versions that the viewer stores. */
  readonly plans: StoredPlans;
  /** Positions as tenants are told them. */
  readonly positions: TenantPositions;
  once<Reply>(call: KeyedCall, work: () => Promise<Reply>, tenant: string): Promise<Reply>;
}

/** The orchestrator as one tenant sees it, or one principal of it. */
export class TenantView implements OrchestratorView {
  readonly evaluators: OrchestratorView['evaluators'];
  readonly runs: RunReader;
  readonly tasks: Tasks;
  readonly change: TenantChanges;
  readonly bulk: BulkChanges;
  readonly work: Work;
  readonly plans: StoredPlans;
  readonly bus: TenantBus;
  readonly schedules: TenantSchedules;
  readonly webhooks: WebhooksView;
  readonly #parts: TenantViewParts;
  readonly #root: OrchestratorView;

  constructor(parts: TenantViewParts) {
    const { orchestrator, viewer } = parts;
    this.#parts = parts;
    this.#root = orchestrator;
    this.evaluators = orchestrator.evaluators;
    this.tasks = parts.tasks;
    this.runs = orchestrator.runs.forTenant(viewer.tenant);
    const by = (given: string | undefined) => this.#by(given);
    this.change = new TenantChanges(orchestrator.change, { id: (run) => this.#own(run), by });
    this.bulk = parts.newBulk(this);
    this.work = parts.work;
    this.plans = parts.plans;
    this.bus = new TenantBus(orchestrator.bus, viewer.tenant, parts.positions);
    this.schedules = new TenantSchedules(orchestrator.schedules, viewer.tenant);
    const { webhooks } = orchestrator;
    const isInstallation = viewer.tenant === DEFAULT_TENANT;
    this.webhooks = isInstallation ? webhooks : new TenantWebhooks(webhooks, viewer.tenant);
  }

  /** As of the orchestrator; the run is one of the tenant. */
  start<Input>(plan: PlanFor<Input>, options: StartOptions<Input> = {}): Promise<StartedRun> {
    return this.#start(plan as PlanFor<unknown>, options as StartOptions);
  }

  async #start(plan: PlanFor<unknown>, options: StartOptions): Promise<StartedRun> {
    const { tenant } = this.#parts.viewer;
    readOptions(options);
    const requestedBy = this.#by(options.requestedBy);
    const own = {
      ...options,
      ...(options.id !== undefined && { id: readOwnRunId(tenant, options.id) }),
      ...(requestedBy !== undefined && { requestedBy }),
    };
    return this.#parts.start(plan, own, tenant);
  }

  handle(id: string): RunHandle {
    return {
      id: ownId(this.#parts.viewer.tenant, id) ?? id,
      result: () => this.result(id),
      events: (options) => this.events(id, options),
      stream: (options) => this.stream(id, options),
    };
  }

  async result(id: string): Promise<RunResult> {
    return this.#root.result(this.#own(id));
  }

  async settled(id: string): Promise<RunStatus> {
    return this.#root.settled(this.#own(id));
  }

  async *events(id: string, options: EventsOptions = {}): AsyncIterableIterator<RunEvent> {
    yield* this.#root.events(this.#own(id), options);
  }

  async *stream(id: string, options: StreamOptions = {}): AsyncIterableIterator<StreamItem> {
    yield* this.#root.stream(this.#own(id), options);
  }

  async streamed(id: string, node?: string): Promise<readonly StreamItem[]> {
    return this.#root.streamed(this.#own(id), node);
  }

  respond(task: string, options: RespondOptions): Promise<Responded> {
    return this.tasks.respond(task, options);
  }

  async cancel(id: string, options: AskedBy & { readonly reason?: string } = {}) {
    return this.#root.cancel(this.#own(id), this.#asked(options));
  }

  async annotate(id: string, metadata: JsonObject, options: AskedBy = {}) {
    return this.#root.annotate(this.#own(id), metadata, this.#asked(options));
  }

  async signal(id: string, name: string, options: SignalOptions = {}): Promise<Signalled> {
    return this.#root.signal(this.#own(id), name, options);
  }

  async retryNode(id: string, node: string, options: AskedBy = {}): Promise<void> {
    return this.#root.retryNode(this.#own(id), node, this.#asked(options));
  }

  async step(id: string, options: Keyed = {}): Promise<void> {
    return this.#root.step(this.#own(id), options);
  }

  async pause(id: string, options: Keyed = {}): Promise<void> {
    return this.#root.pause(this.#own(id), options);
  }

  async resume(id: string, options: Keyed = {}): Promise<void> {
    return this.#root.resume(this.#own(id), options);
  }

  /** As of the orchestrator; what the file has becomes runs of the tenant, wherever it comes from. */
  async import(file: string, options: ImportOptions = {}): Promise<Imported> {
    const { tenant } = this.#parts.viewer;
    const { as } = readOptions(options);
    const own = as === undefined ? {} : { as: readOwnRunId(tenant, as) };
    return this.#parts.import(readText(file, 'the file'), own, tenant);
  }

  /** As of the orchestrator; keys of others are other keys. */
  async once<Reply extends JsonValue>(
    idempotencyKey: string,
    asked: JsonValue,
    work: () => Promise<Reply>,
  ): Promise<Reply> {
    const call = keyedCall(idempotencyKey, readJson(asked, 'what is asked'));
    return this.#parts.once(call, work, this.#parts.viewer.tenant);
  }

  live(): readonly LiveRun[] {
    return this.#root.live().filter(({ id }) => tenantOf(id) === this.#parts.viewer.tenant);
  }

  watch(id: string, listener: (live: LiveRun) => void): () => void {
    const own = ownId(this.#parts.viewer.tenant, id);
    return own === undefined ? () => {} : this.#root.watch(own, listener);
  }

  /** The full id. Throws `run-unknown` where it names another tenant's. */
  #own(id: string): string {
    const own = ownId(this.#parts.viewer.tenant, readText(id, 'the id of a run'));
    if (own !== undefined) return own;
    throw new RunchartError('run-unknown', `there is no run ${id}`);
  }

  #by(given: string | undefined): string | undefined {
    return nameOf(this.#parts.viewer.principal, given);
  }

  #asked<T extends AskedBy>(options: T): T {
    const by = this.#by(readOptions(options).by);
    return by === undefined ? options : { ...options, by };
  }
}
