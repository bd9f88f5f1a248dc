/** What an attempt is to do, by whom it may be done, and how long it may take. */
import type { JsonValue } from '../../plan/json.js';
import type { Decider } from './decider.js';
import type { NodeRun } from './scope.js';
import { armTimer } from './timers.js';

export interface Work {
  readonly handler: string;
  readonly input: JsonValue | undefined;
  /** Of work in place of the node's own: the failure that its input tells of. */
  readonly error?: JsonValue;
  readonly timeoutMs: number | undefined;
  readonly heartbeatMs: number | undefined;
}

/** The node's own work. */
export function ownWork(run: NodeRun): Work {
  const { handler, timeoutMs, heartbeatMs } = run.node;
  return { handler: handler ?? '', input: run.copyInput(), timeoutMs, heartbeatMs };
}

/** Work in place of the node's own: its fallback, or a level of its escalation. */
export function substituteWork(run: NodeRun): Work {
  const { node, reason } = run;
  const error = reason === null ? null : ({ ...reason } as JsonValue);
  return {
    handler: substituteOf(run),
    input: { input: run.copyInput() ?? null, error },
    error,
    timeoutMs: node.fallback?.timeoutMs ?? node.timeoutMs,
    heartbeatMs: undefined,
  };
}

/** Key of the handler that works in place of the node's own. */
function substituteOf({ node, level }: NodeRun): string {
  return (level > 0 ? node.escalation[level - 1]?.handler : node.fallback?.handler) ?? '';
}

/** Key of the handler that a node run in this inner state waits for, or that works for it. */
export function handlerIn(state: string, run: NodeRun): string {
  return SUBSTITUTED.has(state) ? substituteOf(run) : (run.node.handler ?? '');
}

const SUBSTITUTED: ReadonlySet<string> = new Set(['fallbackDue', 'fallback', 'checkingFallback']);

/** The work of the attempt that is open. */
export function openWork(decider: Decider, run: NodeRun): Work {
  return decider.stateOf(run) === 'fallback' ? substituteWork(run) : ownWork(run);
}

/** Whether no further try is left after this one. */
export function isLastTry(run: NodeRun): boolean {
  return run.tries + 1 >= run.node.retry.maxAttempts;
}

/** Its time begins to run. */
export function armLimits(decider: Decider, run: NodeRun, work: Work): void {
  const { at } = decider.turn;
  if (work.timeoutMs !== undefined) armTimer(decider, 'timeout', run, at + work.timeoutMs);
  if (work.heartbeatMs !== undefined) armTimer(decider, 'heartbeat', run, at + work.heartbeatMs);
}
