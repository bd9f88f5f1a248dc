/** What a timer means after a time in which no process ran: its node says so. */
import { onDowntimeOf } from '../../plan/node-settings.js';
import type { TimerKind } from '../records.js';
import type { Decider } from './decider.js';
import { judgedBy } from './held-product.js';
import { changeTask } from './human-tasks.js';
import { armTimer } from './timers.js';

/** Kinds of timers whose meaning is for the node to say; all others keep the time they were due. */
const CHOSEN: ReadonlySet<TimerKind> = new Set<TimerKind>([
  'sleep',
  'signal-deadline',
  'task-deadline',
]);

/** Arms anew, before any of them fires, the timers whose time stood still or begins again. */
export function onDowntime(decider: Decider, downSince: number): void {
  const { model, turn } = decider;
  for (const timer of [...model.timers.values()]) {
    if (!CHOSEN.has(timer.kind) || timer.node === '') continue;
    const run = model.nodeRun(timer.node);
    const policy = judgedBy(model.work, run)?.ask.onDowntime ?? onDowntimeOf(run.node.source);
    if (policy === 'keep-due') continue;
    // Armed after the last sign of life there was no downtime in between.
    const from = Math.max(timer.armedAt, Math.min(downSince, timer.dueAt));
    const leftMs = policy === 'restart' ? timer.dueAt - timer.armedAt : timer.dueAt - from;
    const dueAt = turn.at + leftMs;
    armTimer(decider, timer.kind, run, dueAt);
    // Until then an answer is in time.
    const task = timer.kind === 'task-deadline' ? model.tasks.get(timer.node) : undefined;
    if (task !== undefined) changeTask(decider, task, { type: 'task.extended', deadlineAt: dueAt });
    turn.event('timer.postponed', timer.node, null, { kind: timer.kind, policy, dueAt });
  }
}
