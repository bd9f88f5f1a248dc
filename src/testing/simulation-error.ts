/** What goes wrong with a simulation itself, as opposed to a run in it. */

/**
 * `time-limit`, `step-limit`: the run did not come to rest. `stalled`: it never will. `handler-at-work`:
 * a handler took more real time than it is given. `process-stopped`: a crash cut off the answer.
 * `no-open-task`, `duration-invalid`: wrong arguments. `diverged`: a replay did not repeat itself.
 */
export type SimulationErrorCode =
  | 'time-limit'
  | 'step-limit'
  | 'stalled'
  | 'handler-at-work'
  | 'process-stopped'
  | 'no-open-task'
  | 'duration-invalid'
  | 'diverged';

/** A simulated run that does not come to rest, or a question that cannot be answered. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError';
  readonly code: SimulationErrorCode;

  constructor(code: SimulationErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
