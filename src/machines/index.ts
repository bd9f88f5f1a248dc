/** The statecharts that runs are made of, as the package offers them on their own. */
export {
  type BackoffInput,
  type BackoffLogic,
  type BackoffSnapshot,
  backoffLogic,
} from './backoff-logic.js';
export { machineToMermaid } from './chart-diagram.js';
export {
  type DeadlineHandling,
  FAILURE_CLASSES,
  type Failure,
  type FailureHandling,
  type NodeRunEvent,
  type Reason,
} from './node-run-events.js';
export {
  NODE_RUN_INTENTIONS,
  NODE_RUN_MACHINE,
  type NodeRunContext,
  nodeRunMachine,
} from './node-run-machine.js';
export {
  type AttemptInput,
  type AttemptLogic,
  type RetryContext,
  type RetryInput,
  type RetryOutput,
  retryMachine,
} from './retry-machine.js';
export { mayRetry, NO_RETRY, type RetryPolicy, retryDelayMs } from './retry-policy.js';
export type { ProgressSummary, RunEvent as RunMachineEvent } from './run-events.js';
export { RUN_INTENTIONS, RUN_MACHINE, type RunContext, runMachine } from './run-machine.js';
export {
  isFinal,
  NODE_STATUSES,
  NODE_TRANSITIONS,
  type NodeStatus,
  RUN_STATUSES,
  RUN_TRANSITIONS,
  type RunStatus,
} from './statuses.js';
export type { TaskEnding, TaskEvent, TaskStatus } from './task-events.js';
export { TASK_MACHINE, type TaskContext, taskMachine } from './task-machine.js';
