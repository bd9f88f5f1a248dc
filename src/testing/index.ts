/** The test kit, as the package offers it to tests of plans and handlers. */

export type { SendWebhook, WebhookAnswer, WebhookRequest } from '../delivery/send.js';
export {
  type SimulatedPath,
  type SimulateOptions,
  type Simulation,
  simulatePlan,
  type UndeterminedCondition,
} from '../explain/simulate.js';
export { type EventFilter, EventLog, type EventPattern } from './event-log.js';
export type { CommitFault, CrashFault, Faults, HandlerFault } from './faults.js';
export { memoryStorage } from './memory-rows.js';
export { SimulationError, type SimulationErrorCode } from './simulation-error.js';
export type { Stepper, StepperState } from './stepper.js';
export { TestKit, type TestKitOptions, testKit } from './test-kit.js';
export type { TestRun } from './test-run.js';
export type { EdgeTrace, NodeTrace } from './trace.js';
