/** What the decisions of one turn have to work with: the run as it stands, and the means to move it. */
import type { RunchartError } from '../../errors.js';
import type { NodeRunEvent } from '../../machines/node-run-events.js';
import type { RunEvent } from '../../machines/run-events.js';
import type { NodeStatus, RunStatus } from '../../machines/statuses.js';
import type { CompileResult } from '../../plan/compile.js';
import type { PlanVersion } from '../../plan/plan-version.js';
import type { Plan } from '../../plan/schema.js';
import type { Environment } from '../environment.js';
import type { ExternalHandler } from '../external-handler.js';
import type { PlaceOfWork } from '../handlers.js';
import type { AttemptRecord } from '../records.js';
import type { SaidOnce } from '../said-once.js';
import type { StreamedAttempts } from '../streams/stream-hub.js';
import type { Turn } from '../turn.js';
import type { ActorTree } from './actor-tree.js';
import type { Claim } from './claim.js';
import type { Permit } from './permits.js';
import type { RunModel } from './run-model.js';
import type { NodeRun, Scope } from './scope.js';

/** The process's limits on what is at work, as one run sees them. */
export interface Slots {
  /** `busy`: no slot is free, or other runs wait in front. `shut`: this handler or key has to wait. */
  tryTake(permit: Permit): 'granted' | 'busy' | 'shut';
  /** Gives back what a node run was granted; `failed` where its handler is at fault. */
  release(node: string, outcome: 'ok' | 'failed' | 'other'): void;
}

export interface DeciderServices {
  readonly environment: Environment;
  readonly slots: Slots;
  /** Names this process in the attempts that it starts. */
  readonly worker: string;
  /** Number of node runs that one turn may change before it goes on in another. */
  readonly maxTurnSize: number;
  /** How long running handlers may go on once their run is ending, in milliseconds. */
  readonly graceMs: number;
  /** Says why this process cannot do the work of a plan, or nothing. */
  refusal(version: PlanVersion): RunchartError | undefined;
  /** Compiles a plan that came about in the run. */
  compile(plan: Plan): CompileResult;
  /** What is known of work that external workers do; undefined where it is done here. */
  external(handler: string): ExternalHandler | undefined;
  /** What this process has refused and told: once is enough. */
  readonly refused: SaidOnce;
  /** What attempts at work have streamed. */
  readonly streams: StreamedAttempts;
  /** Where the work of a handler is done. */
  place(handler: string): PlaceOfWork;
}

export interface Decider {
  readonly model: RunModel;
  readonly tree: ActorTree;
  readonly turn: Turn;
  readonly services: DeciderServices;
  /** Status of the run as the log has it. */
  recordedStatus: RunStatus | null;
  /** A paused run takes the one step that it was asked for. */
  isStepping: boolean;
  /** A worker asks for attempts in this turn. */
  claim: Claim | undefined;
  /** The run is failing or being cancelled. */
  readonly isEnding: boolean;
  /** Nothing that is due may start: an operator paused the run, or a person is asked about its budget. */
  readonly isHeld: boolean;
  /** The turn has changed as much as one turn may. */
  readonly isFull: boolean;
  /** The innermost state of a node run. */
  stateOf(run: NodeRun): string;
  /** Takes an event to a node run's statechart, and records what it decided. */
  step(run: NodeRun, event: NodeRunEvent): NodeStatus;
  /** Takes an event to the run's statechart. */
  stepRun(event: RunEvent): void;
  /** Starts a ready node run: what needs a slot is put in line. */
  begin(run: NodeRun): void;
  /** The row of a node run has to be stored again. */
  touch(run: NodeRun): void;
  /** The run may start: now, and no sooner. */
  admit(): void;
  /** The run starts at a later time. */
  schedule(startAt: number): void;
  /** Records a change of the run's status since it was last recorded. */
  recordRunStatus(): void;
  /** Closes the open attempt of a node run, if it has one. */
  closeAttempt(run: NodeRun, end: Partial<AttemptRecord> & Pick<AttemptRecord, 'outcome'>): void;
  /** Key of a node run's current attempt, for whatever it does outside: stable over crashes, never reused. */
  attemptKey(run: NodeRun): string;
  /** Tells what works for a node run to stop. */
  abortWork(run: NodeRun): void;
  /** A node run that must not fail has failed: the run ends, or what its scope lies inside of fails. */
  abortScope(scope: Scope, run: NodeRun): void;
}
