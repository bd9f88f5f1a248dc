/**
 * Follows one run for the actor that stands for it: starts it where that is still to be done, tells its
 * events in order, and how it ended. It knows neither actors nor snapshots.
 */
import { RunchartError } from '../errors.js';
import type { RunStatus } from '../machines/statuses.js';
import type { JsonValue } from '../plan/json.js';
import type { Plan } from '../plan/schema.js';
import type { EmbeddedStart } from '../start-options.js';
import type { RunEvent, RunResult } from '../views.js';
import type { EmbeddedRuns } from './embedded-runs.js';
import type { EmittedEvent, EmittedRunEvent } from './emitted-event.js';
import type { RunLogicContext } from './run-pointer.js';

/** What the actor tells itself; nobody else has to send it anything. */
export type RunLogicEvent =
  /** The start is durable, or was before. */
  | { readonly type: 'run.attached' }
  | {
      readonly type: 'run.told';
      readonly event: EmittedEvent;
      readonly progress: Partial<RunLogicContext>;
    }
  | { readonly type: 'run.ended'; readonly output: JsonValue }
  | { readonly type: 'run.lost'; readonly error: RunchartError };

interface AttendanceParts {
  readonly runs: EmbeddedRuns;
  readonly plan: Plan;
  readonly pointer: {
    readonly run: string;
    readonly seq: number;
    readonly start: EmbeddedStart | null;
  };
  /** The run may have been started by an earlier process. */
  readonly isRestored: boolean;
  readonly tell: (event: RunLogicEvent) => void;
}

interface Attendance {
  /** Whether there is a run, once that is known; it does not reject. */
  readonly isThere: Promise<boolean>;
  /** Tells nothing more. */
  end(): void;
}

export function attend(parts: AttendanceParts): Attendance {
  const ending = new AbortController();
  const { signal } = ending;
  const tell = (event: RunLogicEvent) => {
    if (!signal.aborted) parts.tell(event);
  };
  const begun = begin(parts, signal);
  const isThere = begun.catch(() => false);
  void follow({ ...parts, tell }, begun, signal);
  return { isThere, end: () => ending.abort() };
}

/** Says whether there is a run; there is none where the actor is stopped before it was started. */
async function begin(
  { runs, plan, pointer: { run, start }, isRestored }: AttendanceParts,
  signal: AbortSignal,
): Promise<boolean> {
  if (start === null) return true;
  // A plan that was changed meanwhile would not start what is there already.
  if (isRestored && (await runs.exists(run))) return true;
  if (signal.aborted) return false;
  await runs.start(plan, run, start, signal);
  return true;
}

async function follow(
  parts: AttendanceParts,
  begun: Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  const { runs, pointer, tell } = parts;
  try {
    if (!(await begun)) return;
    if (pointer.start !== null) tell({ type: 'run.attached' });
    await tellEvents(parts, signal);
    if (signal.aborted) return;
    tell(ending(await runs.result(pointer.run)));
  } catch (error) {
    // The next process goes on: to the host nothing has happened.
    if (error instanceof RunchartError && error.code === 'closing') return;
    tell({ type: 'run.lost', error: asRunchartError(error) });
  }
}

async function tellEvents(
  { runs, pointer: { run, seq }, tell }: AttendanceParts,
  signal: AbortSignal,
): Promise<void> {
  let after = seq;
  for (;;) {
    try {
      for await (const page of runs.pages(run, after, signal)) {
        const newest = await runs.progressAt(run, page);
        // One by one: whoever persists the host while it hears an event has that and no later one behind it.
        for (const event of page) {
          after = event.seq;
          const known = after === newest?.seq && { status: newest.status, nodes: newest.nodes };
          tell({ type: 'run.told', event: emitted(event), progress: { seq: after, ...known } });
        }
      }
      return;
    } catch (error) {
      const upTo = trimmedTo(error);
      if (upTo === undefined || upTo <= after) throw error;
      const event = { type: 'events.trimmed', run, after, upTo } as const;
      tell({ type: 'run.told', event, progress: { seq: upTo } });
      after = upTo;
    }
  }
}

/** The types of events that are recorded are those that are listed. */
function emitted(event: RunEvent): EmittedRunEvent {
  return event as EmittedRunEvent;
}

function trimmedTo(error: unknown): number | undefined {
  if (!(error instanceof RunchartError) || error.code !== 'history-trimmed') return undefined;
  return error.data?.trimmedTo as number | undefined;
}

/** A run that is partial has come to something, as one that is completed. */
function ending({ id, status, output, reason, errors }: RunResult): RunLogicEvent {
  if (status === 'completed' || status === 'partial') {
    return { type: 'run.ended', output: output ?? null };
  }
  const code = status === 'cancelled' ? 'run-cancelled' : 'run-failed';
  const why = reason?.message ?? errors.at(-1)?.message ?? 'no reason is known';
  const data = { run: id, status: status satisfies RunStatus, reason };
  return {
    type: 'run.lost',
    error: new RunchartError(code, `run ${id} is ${status}: ${why}`, { data }),
  };
}

function asRunchartError(error: unknown): RunchartError {
  if (error instanceof RunchartError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new RunchartError('internal', `the run could not be followed: ${message}`, {
    cause: error,
  });
}
