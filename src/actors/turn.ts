/**
 * Collects what one message causes: events with their numbers, rows, and the effects that wait for
 * the commit. Invariant: event numbers are given here, in the order of decision, without a gap.
 */

import type { RunchartError } from '../errors.js';
import type { JsonValue } from '../plan/json.js';
import type { AttemptName } from './messages.js';
import type {
  ActorVersionRecord,
  ArtifactRecord,
  AttemptRecord,
  EventRecord,
  IdempotencyKeyRecord,
  NodeRunRecord,
  PastInputRecord,
  PlanRecord,
  ResponseRecord,
  Round,
  RunChange,
  RunRecord,
  RunSettings,
  SignalRecord,
  TaskRecord,
  TimerRecord,
  TurnRecord,
} from './records.js';
import type { Chunk } from './streams/chunk.js';

/** What a turn wants done outside. Done only after the turn is durable; the key is stable over crashes. */
export type Effect =
  | {
      readonly type: 'attempt.start';
      /** Path of the node run. */
      readonly node: string;
      readonly handler: string;
      readonly generation: number;
      readonly attempt: number;
      /** Whether no further try is left after this one. */
      readonly isLastTry: boolean;
      /** `run/node/generation/attempt`. */
      readonly key: string;
      readonly input: JsonValue | undefined;
      /** Payload of the newest heartbeat of the attempt before. */
      readonly lastHeartbeat: JsonValue | undefined;
      /** What reviewers said of earlier tries, oldest first. */
      readonly feedback: readonly Round[];
    }
  | {
      readonly type: 'check.start';
      /** Path of the node run whose product is checked. */
      readonly node: string;
      readonly handler: string;
      readonly generation: number;
      readonly attempt: number;
      readonly check: string;
      /** Number of its try, from 1. */
      readonly number: number;
      /** Whether the check is not tried again where its handler fails. */
      readonly isLastTry: boolean;
      /** `run/node/generation/attempt/checks/check/number`. */
      readonly key: string;
      readonly input: JsonValue;
    }
  | {
      readonly type: 'child.start';
      readonly node: string;
      /** Id of the run to start. */
      readonly id: string;
      /** Name of its plan among those of the parent's plan. */
      readonly plan: string;
      readonly input: JsonValue | undefined;
      readonly settings: RunSettings;
    }
  | {
      readonly type: 'child.cancel' | 'child.pause' | 'child.resume';
      /** Path of the node run that it works for. */
      readonly node: string;
      readonly id: string;
    }
  | { readonly type: 'attempt.abort'; readonly node: string; readonly key: string }
  | {
      /** A worker outside has streamed these. */
      readonly type: 'stream.push';
      readonly name: AttemptName;
      readonly chunks: readonly Chunk[];
      /** Of the first of them. */
      readonly number: number;
    }
  | {
      readonly type: 'stream.end';
      /** `run/node/generation/attempt`. */
      readonly key: string;
      /** Number of the marker in the log. */
      readonly seq: number | null;
    }
  | { readonly type: 'timer.arm'; readonly dueAt: number }
  | { readonly type: 'turn.continue' };

export interface EventDetail {
  readonly [key: string]: JsonValue | undefined;
}

const NONE: readonly never[] = [];

export class Turn {
  readonly effects: Effect[] = [];
  /** What the caller is told once the turn is durable. */
  reply: unknown;
  refusal: RunchartError | undefined;

  readonly #run: number;
  readonly #of: string;
  readonly #number: number;
  readonly #reason: string;
  readonly #at: number;
  #seq: number;
  #runCreated: RunRecord | undefined;
  #runChanged: RunChange | undefined;
  readonly #events: EventRecord[] = [];
  readonly #nodeRuns = new Map<string, NodeRunRecord>();
  #pastNodeRuns: NodeRunRecord[] | undefined;
  #pastInputs: Map<string, PastInputRecord> | undefined;
  readonly #versions = new Map<string, ActorVersionRecord>();
  readonly #attempts = new Map<string, AttemptRecord>();
  readonly #tasks = new Map<string, TaskRecord>();
  readonly #responses: ResponseRecord[] = [];
  readonly #artifacts: ArtifactRecord[] = [];
  readonly #timersArmed = new Map<string, TimerRecord>();
  readonly #timersCleared: string[] = [];
  #signals: Map<string, SignalRecord> | undefined;
  #plans: PlanRecord[] | undefined;
  /** What the caller is to be told again should the call be made again. */
  keptAnswer: IdempotencyKeyRecord | undefined;

  constructor(params: {
    readonly run: number;
    /** Id of the run. */
    readonly of: string;
    readonly number: number;
    readonly reason: string;
    readonly at: number;
    readonly seq: number;
  }) {
    this.#run = params.run;
    this.#of = params.of;
    this.#number = params.number;
    this.#reason = params.reason;
    this.#at = params.at;
    this.#seq = params.seq;
  }

  get at(): number {
    return this.#at;
  }

  /** Number of the newest event. */
  get seq(): number {
    return this.#seq;
  }

  /** Number of node runs that this turn has changed. */
  get size(): number {
    return this.#nodeRuns.size;
  }

  get isEmpty(): boolean {
    return this.#events.length === 0;
  }

  /** Appends an event; undefined details are left out. Returns its number. */
  event(
    type: string,
    node: string | null,
    attempt: number | null,
    detail: EventDetail = {},
  ): number {
    this.#seq += 1;
    const detailJson = JSON.stringify(detail);
    this.#events.push({
      run: this.#run,
      seq: this.#seq,
      type,
      node,
      attempt,
      detailJson,
      at: this.#at,
    });
    return this.#seq;
  }

  createRun(record: RunRecord): void {
    this.#runCreated = record;
  }

  changeRun(change: RunChange): void {
    if (this.#runCreated === undefined) this.#runChanged = change;
    else this.#runCreated = { ...this.#runCreated, ...change };
  }

  putNodeRun(record: NodeRunRecord): void {
    this.#nodeRuns.set(record.node, record);
  }

  /** Keeps a generation that has come to its end. */
  addPastNodeRun(record: NodeRunRecord): void {
    this.#pastNodeRuns ??= [];
    this.#pastNodeRuns.push(record);
  }

  /** Keeps the input that attempts up to this one have worked with; where it is kept already, that stands. */
  addPastInput(record: PastInputRecord): void {
    this.#pastInputs ??= new Map();
    const key = `${record.node}/${record.generation}/${record.attempt}`;
    if (!this.#pastInputs.has(key)) this.#pastInputs.set(key, record);
  }

  putVersion(record: ActorVersionRecord): void {
    this.#versions.set(record.actor, record);
  }

  putAttempt(record: AttemptRecord): void {
    this.#attempts.set(`${record.node}/${record.generation}/${record.attempt}`, record);
  }

  putTask(record: TaskRecord): void {
    this.#tasks.set(record.id, record);
  }

  addResponse(record: ResponseRecord): void {
    this.#responses.push(record);
  }

  addArtifact(record: ArtifactRecord): void {
    this.#artifacts.push(record);
  }

  putSignal(record: SignalRecord): void {
    this.#signals ??= new Map();
    this.#signals.set(record.id, record);
  }

  addPlan(record: PlanRecord): void {
    this.#plans ??= [];
    this.#plans.push(record);
  }

  armTimer(record: TimerRecord): void {
    this.#timersArmed.set(record.id, record);
    this.effects.push({ type: 'timer.arm', dueAt: record.dueAt });
  }

  /** Clears a timer, and one of the same id that an earlier turn has stored. */
  clearTimer(id: string): void {
    this.#timersArmed.delete(id);
    this.#timersCleared.push(id);
  }

  /** The turn as the journal takes it. */
  seal(): TurnRecord {
    return {
      turn: this.#number,
      run: this.#run,
      of: this.#of,
      seq: this.#seq,
      reason: this.#reason,
      at: this.#at,
      rows: {
        ...(this.#runCreated === undefined ? {} : { runCreated: this.#runCreated }),
        ...(this.#runChanged === undefined ? {} : { runChanged: this.#runChanged }),
        nodeRuns: [...this.#nodeRuns.values()],
        pastNodeRuns: this.#pastNodeRuns ?? NONE,
        pastInputs: this.#pastInputs === undefined ? NONE : [...this.#pastInputs.values()],
        actorVersions: [...this.#versions.values()],
        attempts: [...this.#attempts.values()],
        events: this.#events,
        tasks: [...this.#tasks.values()],
        responses: this.#responses,
        artifacts: this.#artifacts,
        timersArmed: [...this.#timersArmed.values()],
        timersCleared: this.#timersCleared,
        signals: this.#signals === undefined ? NONE : [...this.#signals.values()],
        plans: this.#plans ?? NONE,
        idempotencyKeys: this.keptAnswer === undefined ? NONE : [this.keptAnswer],
      },
    };
  }
}
