/** The rows of one run in memory. */
import {
  type ActorVersionRecord,
  type ArtifactRecord,
  type AttemptRecord,
  COMPENSATIONS,
  type EventRecord,
  type IdempotencyKeyRecord,
  type NodeRunRecord,
  type PastInputRecord,
  type ResponseRecord,
  type RunRecord,
  type SignalRecord,
  type TaskRecord,
  type TimerRecord,
  type TurnRecord,
} from '../actors/records.js';
import type { AttemptKey } from '../storage/run-rows.js';

/** All rows of one run. */
export class MemoryRun {
  record: RunRecord;
  seq = 0;
  readonly nodeRuns = new Map<string, NodeRunRecord>();
  readonly pastNodeRuns: NodeRunRecord[] = [];
  readonly pastInputs = new Map<string, PastInputRecord>();
  readonly versions: ActorVersionRecord[] = [];
  readonly attempts = new Map<string, AttemptRecord>();
  readonly events: EventRecord[] = [];
  readonly tasks = new Map<string, TaskRecord>();
  readonly responses: ResponseRecord[] = [];
  readonly artifacts: ArtifactRecord[] = [];
  readonly timers = new Map<string, TimerRecord>();
  readonly signals = new Map<string, SignalRecord>();
  readonly idempotencyKeys = new Map<string, IdempotencyKeyRecord>();
  readonly turns: TurnRecord[] = [];

  constructor(record: RunRecord) {
    this.record = record;
  }

  apply(turn: TurnRecord): void {
    const { rows } = turn;
    if (rows.runChanged !== undefined) this.record = { ...this.record, ...rows.runChanged };
    for (const row of rows.nodeRuns) this.nodeRuns.set(row.node, row);
    this.pastNodeRuns.push(...rows.pastNodeRuns);
    for (const row of rows.pastInputs) {
      const key = `${row.node}/${row.generation}/${row.attempt}`;
      if (!this.pastInputs.has(key)) this.pastInputs.set(key, row);
    }
    this.versions.push(...rows.actorVersions);
    for (const row of rows.attempts) {
      this.attempts.set(`${row.node}/${row.generation}/${row.attempt}`, row);
    }
    this.events.push(...rows.events);
    for (const row of rows.tasks) this.tasks.set(row.id, row);
    this.responses.push(...rows.responses);
    this.artifacts.push(...rows.artifacts);
    for (const id of rows.timersCleared) this.timers.delete(id);
    for (const row of rows.timersArmed) this.timers.set(row.id, row);
    for (const row of rows.signals) this.signals.set(row.id, row);
    for (const row of rows.idempotencyKeys) this.idempotencyKeys.set(row.key, row);
    this.seq = turn.seq;
    this.turns.push(turn);
  }

  /** Node runs of what is at work: those of earlier iterations are history. */
  get nodeRunsAtWork(): NodeRunRecord[] {
    const rows = [...this.nodeRuns.values()];
    const inside = rows.flatMap((row) => (row.status === 'running' ? [row.inside] : []));
    const scopes = new Set(['', COMPENSATIONS, ...inside]);
    return rows.filter((row) => scopes.has(row.scope));
  }

  /** What the node run of an attempt had as input while that was at work. */
  inputOf({ node, generation, attempt }: AttemptKey): string | null {
    const replaced = [...this.pastInputs.values()]
      .filter((row) => row.node === node && row.generation === generation)
      .filter((row) => row.attempt >= attempt)
      .sort((a, b) => a.attempt - b.attempt);
    const isIts = (row: NodeRunRecord) => row.node === node && row.generation === generation;
    const present = [this.nodeRuns.get(node)].find((row) => row !== undefined && isIts(row));
    const [kept = present ?? this.pastNodeRuns.find(isIts)] = replaced;
    return kept?.inputJson ?? null;
  }

  /** Of each node run, the newest accepted one of each name that its generation made. */
  get artifactsAtWork(): ArtifactRecord[] {
    const current = this.artifacts.filter(
      ({ node, generation, standing }) =>
        standing === 'accepted' && this.nodeRuns.get(node)?.generation === generation,
    );
    const newest = new Map(current.map((row) => [JSON.stringify([row.node, row.name]), row]));
    return [...newest.values()];
  }

  /** Of each node run, the newest payload that its generation was alive with. */
  get heartbeats(): { readonly node: string; readonly payloadJson: string }[] {
    const beaten = [...this.attempts.values()]
      .filter(({ node, generation }) => this.nodeRuns.get(node)?.generation === generation)
      .sort((a, b) => a.attempt - b.attempt)
      .flatMap(({ node, heartbeatJson }) =>
        heartbeatJson === null ? [] : [[node, heartbeatJson]],
      );
    return [...new Map(beaten as [string, string][])].map(([node, payloadJson]) => ({
      node,
      payloadJson,
    }));
  }

  get artifactVersions(): { readonly name: string; readonly version: number }[] {
    const newest = new Map(this.artifacts.map(({ name, version }) => [name, version]));
    return [...newest].map(([name, version]) => ({ name, version }));
  }

  newestVersion(actor: string): ActorVersionRecord | undefined {
    return this.versions.findLast((version) => version.actor === actor);
  }
}
