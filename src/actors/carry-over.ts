/** What a new run takes over from another one: what was final there, and what belongs to that. */
import type { JsonValue } from '../plan/json.js';
import type { PlanVersion } from '../plan/plan-version.js';
import type {
  ActorVersionRecord,
  ArtifactRecord,
  NodeRunRecord,
  ResponseRecord,
  SignalRecord,
  TaskRecord,
} from './records.js';

/** Rows as the other run has them: numbers of runs and events, and ids of tasks, are made anew. */
export interface CarryOver {
  /** The plan that the outcomes of edges in `nodeRuns` are about. */
  readonly plan: PlanVersion;
  /** Final node runs of the plan itself. */
  readonly nodeRuns: readonly NodeRunRecord[];
  /** Their newest snapshots. */
  readonly versions: readonly ActorVersionRecord[];
  readonly artifacts: readonly ArtifactRecord[];
  readonly tasks: readonly TaskRecord[];
  readonly responses: readonly ResponseRecord[];
  readonly signals: readonly SignalRecord[];
  /** Inputs in place of those that would be resolved, by node. */
  readonly inputs: Readonly<Record<string, JsonValue>>;
}
