/** What the shell is told. docs/cli.md explains each. */
import type { RunStatus } from '../index.js';

export const EXIT = {
  ok: 0,
  failed: 1,
  /** The command, the plan, the input or the answer is at fault: it has to be changed. */
  usage: 2,
  awaitingHuman: 3,
  cancelled: 4,
  /** Blocked or paused: an operator has to do something. */
  stopped: 5,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const BY_STATUS: Readonly<Partial<Record<RunStatus, ExitCode>>> = {
  failed: EXIT.failed,
  'awaiting-human': EXIT.awaitingHuman,
  cancelled: EXIT.cancelled,
  blocked: EXIT.stopped,
  paused: EXIT.stopped,
};

/** For a run that was followed until it goes on by itself no more. */
export function exitCodeOf(status: RunStatus): ExitCode {
  return BY_STATUS[status] ?? EXIT.ok;
}
