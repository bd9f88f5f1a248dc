/**
 * What a run amounts to at an event, in plain values: the form in which what events say and what rows
 * say are compared and hashed. Invariant: nothing in it depends on the number that the run, or a turn
 * of it, has in its database.
 */
import type { AttemptRecord, TaskRecord } from '../actors/records.js';
import type { Reason } from '../machines/node-run-events.js';
import type { NodeStatus, RunStatus } from '../machines/statuses.js';

export interface NodeRunPart {
  /** Path of the node run. */
  readonly node: string;
  readonly status: NodeStatus;
  readonly generation: number;
  /** Number of the newest attempt; 0 before the first. */
  readonly attempt: number;
  readonly outcome: string | null;
  readonly action: string | null;
  readonly reason: Reason | null;
  /** Outcome of each outgoing edge, a letter each, in edge order; empty until they are decided. */
  readonly edges: string;
}

export interface AttemptPart {
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  readonly outcome: AttemptRecord['outcome'];
  readonly startedAt: number;
  readonly endedAt: number | null;
}

/** Where a product is found; what is in it is not the log's affair. */
export interface ArtifactPart {
  readonly name: string;
  readonly version: number;
  readonly kind: string;
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  readonly standing: 'accepted' | 'rejected';
}

export interface TaskPart {
  readonly id: string;
  /** Empty where the task is the run's own. */
  readonly node: string;
  readonly kind: string;
  readonly status: TaskRecord['status'];
  readonly openedAt: number;
  readonly closedAt: number | null;
}

/** A wait that the log tells of: that of a retry, and that of a sleep. */
export interface TimerPart {
  readonly node: string;
  readonly kind: 'retry' | 'sleep';
  readonly dueAt: number;
}

export interface SignalPart {
  readonly id: string;
  readonly name: string;
  /** Path of the node run that got it; empty where it was discarded. */
  readonly deliveredTo: string | null;
}

/** The parts of a run that come in numbers, each by its key. */
export interface RunParts {
  readonly nodes: ReadonlyMap<string, NodeRunPart>;
  /** Generations that are over. */
  readonly past: ReadonlyMap<string, NodeRunPart>;
  readonly attempts: ReadonlyMap<string, AttemptPart>;
  readonly artifacts: ReadonlyMap<string, ArtifactPart>;
  readonly tasks: ReadonlyMap<string, TaskPart>;
  readonly timers: ReadonlyMap<string, TimerPart>;
  readonly signals: ReadonlyMap<string, SignalPart>;
}

export interface RunSnapshot extends RunParts {
  /** Number of the newest event that it takes account of. */
  readonly seq: number;
  /** Null before the first event. */
  readonly status: RunStatus | null;
  readonly reason: Reason | null;
  /** Hash of the plan version. */
  readonly plan: string;
}

/** Names of the parts, in the order in which they are hashed. Part of the hash's format. */
export const PART_NAMES = [
  'nodes',
  'past',
  'attempts',
  'artifacts',
  'tasks',
  'timers',
  'signals',
] as const satisfies readonly (keyof RunParts)[];

export const TOLD_TIMERS: ReadonlySet<string> = new Set<TimerPart['kind']>(['retry', 'sleep']);

export const pastKey = ({ node, generation }: NodeRunPart): string => `${node}/${generation}`;
export const attemptKey = (part: {
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
}): string => `${part.node}/${part.generation}/${part.attempt}`;
export const artifactKey = (part: { readonly name: string; readonly version: number }): string =>
  `${part.name}/${part.version}`;
export const timerKey = (part: { readonly node: string; readonly kind: string }): string =>
  `${part.node}/${part.kind}`;
