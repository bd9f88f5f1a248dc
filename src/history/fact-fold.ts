/** What the log tells of beside node runs and attempts: tasks, artifacts, waits and signals. */
import type { EventRecord } from '../actors/records.js';
import {
  type ArtifactPart,
  artifactKey,
  type RunParts,
  type SignalPart,
  type TaskPart,
  type TimerPart,
  TOLD_TIMERS,
  timerKey,
} from './run-snapshot.js';
import type { ToldDetail } from './told-detail.js';

export class FactFold {
  readonly #artifacts = new Map<string, ArtifactPart>();
  readonly #tasks = new Map<string, TaskPart>();
  readonly #timers = new Map<string, TimerPart>();
  readonly #signals = new Map<string, SignalPart>();

  parts(): Pick<RunParts, 'artifacts' | 'tasks' | 'timers' | 'signals'> {
    return {
      artifacts: new Map(this.#artifacts),
      tasks: new Map(this.#tasks),
      timers: new Map(this.#timers),
      signals: new Map(this.#signals),
    };
  }

  /** `generation` is that of the node run that the event is about. */
  take(event: EventRecord, detail: ToldDetail, generation: number): void {
    switch (event.type) {
      case 'task.opened':
      case 'task.closed':
        return this.#takeTask(event, detail);
      case 'artifact.stored':
        return this.#takeArtifact(event, detail, generation);
      case 'artifacts.carried-over':
        for (const part of detail.artifacts ?? []) this.#artifacts.set(artifactKey(part), part);
        return;
      case 'tasks.carried-over':
        for (const part of detail.tasks ?? []) this.#tasks.set(part.id, part);
        return;
      case 'signals.carried-over':
        for (const part of detail.signals ?? []) this.#signals.set(part.id, part);
        return;
      case 'timer.armed':
      case 'timer.postponed':
      case 'timer.fired':
        return this.#takeTimer(event, detail);
      case 'signal.received':
      case 'signal.delivered':
      case 'signal.discarded':
        return this.#takeSignal(event, detail);
      default:
    }
  }

  /** A node run that has changed waits no longer; without a path nothing does. */
  clearTimers(path?: string): void {
    if (path === undefined) this.#timers.clear();
    else for (const kind of TOLD_TIMERS) this.#timers.delete(timerKey({ node: path, kind }));
  }

  #takeTask({ type, node, at }: EventRecord, detail: ToldDetail): void {
    const id = detail.task ?? '';
    const open = this.#tasks.get(id);
    if (type === 'task.opened') {
      const kind = detail.kind ?? '';
      const task = { id, node: node ?? '', kind, openedAt: at, closedAt: null };
      this.#tasks.set(id, { ...task, status: 'open' });
    } else if (open !== undefined) {
      const status = detail.status as TaskPart['status'];
      this.#tasks.set(id, { ...open, status, closedAt: at });
    }
  }

  #takeArtifact(
    { node, attempt }: EventRecord,
    { name = '', version = 0, kind = '', standing = 'accepted' }: ToldDetail,
    generation: number,
  ): void {
    const part: ArtifactPart = {
      ...{ name, version, kind, standing, generation },
      ...{ node: node ?? '', attempt: attempt ?? 0 },
    };
    this.#artifacts.set(artifactKey(part), part);
  }

  #takeTimer({ type, node }: EventRecord, { kind = '', dueAt = 0 }: ToldDetail): void {
    if (node === null || !TOLD_TIMERS.has(kind)) return;
    const timer = { node, kind: kind as TimerPart['kind'], dueAt };
    if (type === 'timer.fired') this.#timers.delete(timerKey(timer));
    else this.#timers.set(timerKey(timer), timer);
  }

  #takeSignal({ type, node }: EventRecord, { signal = '', name = '' }: ToldDetail): void {
    const receiver = type === 'signal.delivered' ? node : null;
    const deliveredTo = type === 'signal.discarded' ? '' : receiver;
    this.#signals.set(signal, { id: signal, name, deliveredTo });
  }
}
