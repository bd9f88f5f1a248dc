/** What can happen to a node run. The run actor sends these; the chart decides what they mean. */
import type { JsonValue } from '../plan/json.js';

/** Why a node run ended as it did, or waits: a stable code, and words for people. */
export interface Reason {
  readonly code: string;
  readonly message: string;
  /** Class of the failure, where it is one. */
  readonly class?: string;
  readonly detail?: JsonValue;
}

/** The classes that Runchart gives itself. */
export const FAILURE_CLASSES = [
  'exception',
  'timeout',
  'heartbeat',
  'lease',
  'schema',
  'deliverable',
  'artifact',
  'check',
  'not-json',
  'cancelled',
  'interrupted',
  'input',
  'condition',
  'join',
  'item',
  'child',
  'deadline',
  'policy',
] as const;

/** A class that Runchart gives itself. */
export type FailureClass = (typeof FAILURE_CLASSES)[number];

/** A classified failure of one attempt. */
export interface Failure extends Reason {
  /** Class that retry and failure policies match: one of FAILURE_CLASSES, or one that the handler names. */
  readonly class: string;
  readonly retryable: boolean;
}

/** What a node's author declared for failures. Static data of the plan; only passes through the chart. */
export interface FailureHandling {
  readonly maxAttempts: number;
  readonly retryOn: readonly string[];
  readonly maxInterruptions: number;
  /** Whether a retry waits for its timer, or goes on at once. */
  readonly backsOff: boolean;
  /** What applies when no retry is left. */
  readonly otherwise:
    | 'abort'
    | 'skip'
    | 'continue'
    | 'default-output'
    | 'fallback'
    | 'escalate'
    | 'human-review'
    | 'replan';
}

/** What applies where nobody has answered in time; `default-held` is a default answer that checks still look at. */
export type DeadlineHandling =
  | 'default'
  | 'default-held'
  | 'default-output'
  | 'escalate'
  | 'skip'
  | 'fail';

/** What can happen to a node run. */
export type NodeRunEvent =
  // Inputs
  | { readonly type: 'inputs.resolved' }
  | { readonly type: 'inputs.refused'; readonly reason: Reason }
  | { readonly type: 'branch.died'; readonly reason: Reason }
  // Starting, by kind of node
  | { readonly type: 'slot.granted' }
  | { readonly type: 'person.asked' }
  | { readonly type: 'structure.decided' }
  | { readonly type: 'wait.begun' }
  | { readonly type: 'inside.begun' }
  | { readonly type: 'start.refused'; readonly reason: Reason }
  // Work
  | { readonly type: 'attempt.produced' }
  | { readonly type: 'attempt.succeeded'; readonly warnings: number }
  | {
      readonly type: 'attempt.failed';
      readonly failure: Failure;
      readonly handling: FailureHandling;
    }
  | {
      readonly type: 'attempt.interrupted';
      readonly reason: Reason;
      readonly handling: FailureHandling;
    }
  | { readonly type: 'attempt.released'; readonly reason: Reason }
  | { readonly type: 'attempt.blocked'; readonly reason: Reason }
  | { readonly type: 'wait.over' }
  | { readonly type: 'inside.over'; readonly warnings: number; readonly reason?: Reason }
  | { readonly type: 'level.worked' }
  | { readonly type: 'level.asked' }
  | { readonly type: 'retry.due' }
  // People
  | { readonly type: 'response.accepted'; readonly warnings: number }
  /** An answer that its checks still look at. */
  | { readonly type: 'response.held' }
  | { readonly type: 'response.edited' }
  | { readonly type: 'response.judged' }
  | { readonly type: 'response.retry' }
  | { readonly type: 'response.abort'; readonly reason: Reason }
  | {
      readonly type: 'deadline.passed';
      readonly otherwise: DeadlineHandling;
      readonly reason: Reason;
      /** Of the default answer. */
      readonly warnings?: number;
    }
  // Operators and the run
  | { readonly type: 'operator.completed'; readonly reason: Reason }
  | { readonly type: 'operator.skipped'; readonly reason: Reason }
  | { readonly type: 'operator.retried' }
  | { readonly type: 'replan.kept' }
  | { readonly type: 'work.withdrawn'; readonly reason: Reason }
  | { readonly type: 'work.superseded'; readonly reason: Reason }
  | { readonly type: 'grace.over' };
