/** What an orchestrator is for those who start runs, follow them and do something about them: all of it, or of one tenant. */
import type { LiveRun } from './actors/live-index.js';
import type { BulkChanges } from './bulk/bulk-changes.js';
import type { RunChanges } from './change/run-changes.js';
import type { BusView } from './delivery/tenant-bus.js';
import type { Imported, ImportOptions } from './history/import-run.js';
import type { Keyed } from './keyed.js';
import type { RunStatus } from './machines/statuses.js';
import type { PlanFor } from './plan/builder.js';
import type { Evaluators } from './plan/evaluator.js';
import type { JsonObject, JsonValue } from './plan/json.js';
import type { RunReader } from './run-reader.js';
import type { StreamItem, StreamOptions } from './run-streams.js';
import type { EventsOptions, RunHandle, StartedRun } from './run-watch.js';
import type { Schedules } from './schedules/schedules.js';
import type { StartOptions } from './start-options.js';
import type { StoredPlans } from './stored-plans.js';
import type { Responded, RespondOptions, Tasks } from './tasks.js';
import type { WebhooksView } from './tenant-webhooks.js';
import type { RunEvent, RunResult } from './views.js';
import type { Work } from './work/work.js';

/** What a signal carries. */
export interface SignalOptions extends Keyed {
  readonly payload?: JsonValue;
  /** Names the signal: sent again under the same id it is the same. */
  readonly id?: string;
}

/** What became of a signal. */
export interface Signalled {
  readonly run: string;
  readonly signal: string;
  /** False where a signal of this id had come before. */
  readonly isNew: boolean;
}

/** Who changes something. */
export interface AskedBy extends Keyed {
  readonly by?: string;
}

/** What an orchestrator and each view of it can be asked and told. */
export interface OrchestratorView {
  /** Languages beside CEL that plans may be written in: those of all tenants. */
  readonly evaluators: Evaluators;
  readonly runs: RunReader;
  readonly tasks: Tasks;
  readonly change: Omit<RunChanges, 'recover' | 'replacementOf'>;
  readonly schedules: Pick<Schedules, keyof Schedules>;
  /** What workers outside of this process do. */
  readonly work: Work;
  /** Plan versions that are stored by themselves. */
  readonly plans: StoredPlans;
  /** Events of all its runs. */
  readonly bus: BusView;
  /** The same done to many runs. */
  readonly bulk: BulkChanges;
  /** Who is told of events over HTTP; those of the default tenant are told of the runs of all. */
  readonly webhooks: WebhooksView;
  start<Input>(plan: PlanFor<Input>, options?: StartOptions<Input>): Promise<StartedRun>;
  handle(id: string): RunHandle;
  result(id: string): Promise<RunResult>;
  settled(id: string): Promise<RunStatus>;
  events(id: string, options?: EventsOptions): AsyncIterableIterator<RunEvent>;
  stream(id: string, options?: StreamOptions): AsyncIterableIterator<StreamItem>;
  streamed(id: string, node?: string): Promise<readonly StreamItem[]>;
  respond(task: string, options: RespondOptions): Promise<Responded>;
  cancel(
    id: string,
    options?: AskedBy & { readonly reason?: string },
  ): Promise<{ run: string; cancelled: true }>;
  annotate(
    id: string,
    metadata: JsonObject,
    options?: AskedBy,
  ): Promise<{ run: string; metadata: JsonObject }>;
  signal(id: string, name: string, options?: SignalOptions): Promise<Signalled>;
  retryNode(id: string, node: string, options?: AskedBy): Promise<void>;
  step(id: string, options?: Keyed): Promise<void>;
  pause(id: string, options?: Keyed): Promise<void>;
  resume(id: string, options?: Keyed): Promise<void>;
  once<Reply extends JsonValue>(
    idempotencyKey: string,
    asked: JsonValue,
    work: () => Promise<Reply>,
  ): Promise<Reply>;
  import(file: string, options?: ImportOptions): Promise<Imported>;
  live(): readonly LiveRun[];
  watch(id: string, listener: (live: LiveRun) => void): () => void;
}

/** What bulk changes are made of. */
export type BulkView = Pick<
  OrchestratorView,
  'cancel' | 'pause' | 'resume' | 'signal' | 'retryNode' | 'change' | 'runs'
>;
