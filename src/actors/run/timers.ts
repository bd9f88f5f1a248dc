/** Timers of a run as rows: armed, and cleared when what they were for is over. */
import type { TimerKind, TimerRecord } from '../records.js';
import type { Decider } from './decider.js';
import type { NodeRun } from './scope.js';

/** Arms a timer; one of this kind that the node run has already is armed anew. `refusedJson`: as in its row. */
export function armTimer(
  { model, turn }: Pick<Decider, 'model' | 'turn'>,
  kind: TimerKind,
  run: NodeRun | undefined,
  dueAt: number,
  refusedJson: string | null = null,
): void {
  const { run: number } = model.record;
  const node = run?.path ?? '';
  const id = idOf(number, node, kind);
  const timer = { id, run: number, node, kind, dueAt, armedAt: turn.at, refusedJson };
  model.keepTimer(timer);
  turn.armTimer(timer);
}

/** Arms the timer that a node run waits for, and has the log say until when. */
export function armWait(
  decider: Pick<Decider, 'model' | 'turn'>,
  kind: 'retry' | 'sleep',
  run: NodeRun,
  dueAt: number,
): void {
  const { turn } = decider;
  armTimer(decider, kind, run, dueAt);
  turn.event('timer.armed', run.path, null, { kind, delayMs: dueAt - turn.at, dueAt });
}

/** The timer of this kind that a node run has, or the run itself. */
export function timerOf(
  { model }: Pick<Decider, 'model'>,
  kind: TimerKind,
  run: NodeRun | undefined,
): TimerRecord | undefined {
  return model.timers.get(idOf(model.record.run, run?.path ?? '', kind));
}

export function clearTimer(
  { model, turn }: Pick<Decider, 'model' | 'turn'>,
  kind: TimerKind,
  run: NodeRun | undefined,
): void {
  const timer = timerOf({ model }, kind, run);
  if (timer === undefined) return;
  model.dropTimer(timer);
  turn.clearTimer(timer.id);
}

/** Clears the timers of a node run; all of them, unless `kinds` names some. */
export function clearTimersOf(
  decider: Pick<Decider, 'model' | 'turn'>,
  run: NodeRun,
  kinds?: readonly TimerKind[],
): void {
  if (run.timers === undefined || run.timers.size === 0) return;
  for (const kind of kinds ?? [...run.timers]) clearTimer(decider, kind, run);
}

function idOf(run: number, node: string, kind: TimerKind): string {
  return `${run}/${node}/${kind}`;
}
