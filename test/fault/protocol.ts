/**
 * What the driver and its child tell each other: an assignment on the way in, and lines of JSON on
 * the way out, through a pipe that keeps what was written when the child is killed.
 */
import type { JsonObject } from '../../src/plan/json.js';
import type { Scenario } from './scenario.js';

/** Points at which the child kills itself. */
export const KILL_POINTS = [
  'before-commit',
  'commit-under-way',
  'after-commit',
  'before-effect',
  'after-effect',
  'after-acknowledgement',
  'recovery-after-read',
  'recovery-before-commit',
  'recovery-after-commit',
] as const;
export type KillPoint = (typeof KILL_POINTS)[number];

/** A defect that is planted in the child's storage on purpose, to see that it is noticed. */
export type Defect = 'acknowledges-before-commit' | 'forgets-completed-nodes' | 'recovers-nothing';

export interface Assignment {
  /** URL of the folder that holds the build. */
  readonly product: string;
  readonly database: string;
  readonly scenario: Scenario;
  /** The n-th time that the point is reached, 1 for the first. */
  readonly killAt?: { readonly point: KillPoint; readonly nth: number };
  /** Tasks whose answers were acknowledged by an earlier process. */
  readonly answeredTasks: readonly string[];
  /** Runs whose cancel was asked for by an earlier process. */
  readonly cancelledRuns: readonly string[];
  readonly defect?: Defect;
}

export type Line =
  /** The modules are loaded; nothing is open. */
  | { readonly is: 'loaded'; readonly xstate: string }
  | { readonly is: 'recovered' }
  /** `run`: its number, as turns name it. */
  | { readonly is: 'committed'; readonly turn: number; readonly run: number; readonly seq: number }
  | { readonly is: 'started'; readonly run: string }
  | {
      readonly is: 'answered';
      readonly run: string;
      readonly task: string;
      readonly outcome: string;
    }
  /** A further answer to a task that has one; `code` tells how it was refused. */
  | { readonly is: 'answered-again'; readonly task: string; readonly code: string | null }
  | { readonly is: 'cancelling'; readonly run: string }
  | { readonly is: 'cancelled'; readonly run: string; readonly code: string | null }
  /** A handler was called. */
  | { readonly is: 'called'; readonly run: string; readonly node: string; readonly key: string }
  /** It did what it does to the world. */
  | { readonly is: 'effect'; readonly run: string; readonly node: string; readonly key: string }
  | { readonly is: 'event'; readonly run: string; readonly seq: number; readonly type: string }
  | { readonly is: 'point'; readonly point: KillPoint }
  | {
      readonly is: 'result';
      readonly run: string;
      readonly status: string;
      readonly outputs: JsonObject;
    }
  | {
      readonly is: 'trouble';
      readonly what: string;
      readonly code: string;
      readonly message: string;
    }
  | { readonly is: 'done' };

/** Lines of the child that works while its storage has faults. */
export type StorageLine =
  | { readonly is: 'opened' }
  | { readonly is: 'refused'; readonly code: string }
  | { readonly is: 'started'; readonly run: string }
  | { readonly is: 'ended'; readonly run: string; readonly status: string }
  | {
      readonly is: 'failed';
      readonly run: string;
      readonly code: string;
      readonly retryable: boolean;
    }
  | { readonly is: 'health'; readonly status: string }
  | { readonly is: 'done' };
