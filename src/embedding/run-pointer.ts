/**
 * What an actor that stands for a run shows, and the little of it that is persisted: a pointer, which is
 * the id of the run and the number of the newest event that was emitted.
 */
import type { Snapshot } from 'xstate';
import { type ErrorCode, isErrorCode, RunchartError } from '../errors.js';
import type { NodeStatus, RunStatus } from '../machines/statuses.js';
import { isJsonObject, type JsonObject } from '../plan/json.js';
import { type EmbeddedStart, readRunId } from '../start-options.js';

/** What is known of the run, as of event `seq`. */
export interface RunLogicContext {
  /** Id of the run. It is drawn when the actor is created, so that a start that is repeated is the same. */
  readonly run: string;
  /** Number of the newest event that was emitted; 0 before the first. */
  readonly seq: number;
  /** Null until it was read, and while an actor that was restored catches up. */
  readonly status: RunStatus | null;
  /** Number of nodes with each status; null where `status` is. */
  readonly nodes: Readonly<Record<NodeStatus, number>> | null;
}

/** Snapshot of an actor that stands for a run. Restored as done it has no output: its host had that before. */
export type RunLogicSnapshot<Input = unknown, Output = unknown> = Snapshot<Output> & {
  readonly context: RunLogicContext;
  /** What the run is started with, until its start is durable. */
  readonly start: EmbeddedStart<Input> | null;
};

/** A run that was never read. */
export function newPointer<Input, Output>(
  run: string,
  start: EmbeddedStart<Input> | null,
  seq = 0,
): RunLogicSnapshot<Input, Output> {
  const context = { run, seq, status: null, nodes: null };
  return { status: 'active', output: undefined, error: undefined, context, start };
}

/** The part of a snapshot that is worth keeping: no output, no counts, and errors as plain records. */
export function persistedPointer({
  status,
  error,
  context: { run, seq },
  start,
}: RunLogicSnapshot): Snapshot<unknown> {
  const kept = {
    status,
    output: undefined,
    error: error === undefined ? undefined : toRecord(error),
    context: { run, seq },
    ...(start !== null && { start }),
  };
  return kept as Snapshot<unknown>;
}

/** Reads a pointer back. Throws `argument-invalid` where it is none. */
export function restoredPointer<Input, Output>(
  persisted: Snapshot<unknown>,
): RunLogicSnapshot<Input, Output> {
  const { status, error, context, start } = persisted as unknown as JsonObject;
  const run = isJsonObject(context) ? context.run : undefined;
  const seq = isJsonObject(context) ? context.seq : undefined;
  if (typeof run !== 'string' || !Number.isSafeInteger(seq) || Number(seq) < 0) {
    throw new RunchartError('argument-invalid', 'the snapshot of the actor points to no run', {
      hint: 'restore what getPersistedSnapshot() of its host gave, unchanged',
    });
  }
  const pointer = newPointer<Input, Output>(
    readRunId(run),
    isJsonObject(start) ? (start as EmbeddedStart<Input>) : null,
    Number(seq),
  );
  const revived = status === 'error' ? { status, error: toError(error) } : { status };
  return { ...pointer, ...revived } as RunLogicSnapshot<Input, Output>;
}

function toRecord(error: unknown): JsonObject {
  const { code, message, hint, data } = error as Partial<RunchartError>;
  return {
    code: code ?? 'internal',
    message: message ?? String(error),
    ...(hint !== undefined && { hint }),
    ...(data !== undefined && { data }),
  };
}

function toError(record: unknown): RunchartError {
  const { code, message, hint, data } = (record ?? {}) as Partial<RunchartError>;
  const known: ErrorCode = isErrorCode(code) ? code : 'internal';
  return new RunchartError(known, message ?? 'the run could not be followed', {
    ...(hint !== undefined && { hint }),
    ...(data !== undefined && { data }),
  });
}
