/** What can happen to a run as a whole. */
import type { Reason } from './node-run-events.js';

/** What all node runs of a run amount to when a turn has settled. */
export interface ProgressSummary {
  /** Node runs that are ready, backing off, running or waiting. */
  readonly active: number;
  /** Node runs that await a person. */
  readonly awaitingHuman: number;
  /** Node runs that are not final. */
  readonly unfinished: number;
  /** Node runs that are partial, or failed under a policy that tolerates it. */
  readonly tolerated: number;
  /** Too few node runs succeeded for the run to count as partial. */
  readonly isShort: boolean;
}

/** What can happen to a run as a whole. */
export type RunEvent =
  | { readonly type: 'run.admitted' }
  | { readonly type: 'run.started' }
  | ({ readonly type: 'progress.settled' } & ProgressSummary)
  | { readonly type: 'node.aborted'; readonly reason: Reason }
  | { readonly type: 'cancel.requested'; readonly reason: Reason }
  | { readonly type: 'pause.requested' }
  | { readonly type: 'resume.requested' }
  /** The run that it works for is paused, or goes on. */
  | { readonly type: 'parent.paused'; readonly reason: Reason }
  | { readonly type: 'parent.resumed' }
  | { readonly type: 'grace.over' };
