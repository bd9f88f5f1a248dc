/** What an operator can tell a run to change it while it goes on. Each names who asks, for the log. */
import type { JsonValue } from '../plan/json.js';
import type { PlanVersion } from '../plan/plan-version.js';
import type { CarryOver } from './carry-over.js';

interface Asked {
  /** Who asks. */
  readonly by: string;
  /** Why, in words. */
  readonly reason: string | null;
}

interface AboutNode extends Asked {
  /** Path of the node run. */
  readonly node: string;
}

/** A node run is to count as done, with this output. */
export interface CompleteNodeMessage extends AboutNode {
  readonly type: 'node.complete';
  readonly output: JsonValue | undefined;
  /** Of an approval: approved, rejected or changes-requested. */
  readonly outcome: string | null;
  /** Action that the result names. */
  readonly action: string | null;
}
export interface SkipNodeMessage extends AboutNode {
  readonly type: 'node.skip';
}
/** A node run that has not begun its work is to get another input. */
export interface PatchInputMessage extends AboutNode {
  readonly type: 'node.patch';
  readonly input: JsonValue;
}
/** A node and all that follows from it are to begin again. */
export interface RollbackMessage extends AboutNode {
  readonly type: 'run.rollback';
}
/** Another plan version is to take the place of the one that the run is pinned to. */
export interface ReplanMessage extends Asked {
  readonly type: 'run.replan';
  readonly version: PlanVersion;
  /** Only says what would become of the nodes. */
  readonly isDryRun: boolean;
  /** Calls off what is at work and would change, where the replan is refused otherwise. */
  readonly cancelRunning: boolean;
}

/** A run begins, with what another one had come to. */
export interface ForkMessage extends Asked {
  readonly type: 'run.fork';
  readonly carried: CarryOver;
  /** Node that begins again with all that rests on it; null where none was named. */
  readonly from: string | null;
}

export type ChangeMessage =
  | CompleteNodeMessage
  | SkipNodeMessage
  | PatchInputMessage
  | RollbackMessage
  | ReplanMessage
  | ForkMessage;
