/**
 * The rows of a run as they were at one of its events, put together from what is never changed: events,
 * final node runs, and the generations that came after them. Invariant: reading it while the run goes on
 * gives the same, since a final row stays as it is until it moves to the past.
 */
import type {
  ActorVersionRecord,
  ArtifactRecord,
  NodeRunRecord,
  ResponseRecord,
  RunRecord,
  SignalRecord,
  TaskRecord,
} from '../actors/records.js';
import { isFinal } from '../machines/statuses.js';
import { PAGE, pages } from '../pages.js';
import type { RunRows } from '../storage/run-rows.js';
import { eventsOfType, planAt } from './plan-at.js';
import { readSignals } from './signals-at.js';

export interface RunAt {
  /** Number of the event. */
  readonly seq: number;
  /** Hash of the plan version that the run was pinned to. */
  readonly planHash: string;
  /** Node runs of the plan itself that were final by then, by id. */
  readonly finals: ReadonlyMap<string, NodeRunRecord>;
  /** Whether the outcomes of edges in `finals` are those of that plan: a later replan may have changed them. */
  readonly hasEdges: boolean;
  /** Ids of nodes whose work was undone since, by a compensation. */
  readonly undone: ReadonlySet<string>;
}

export async function readRunAt(rows: RunRows, record: RunRecord, seq: number): Promise<RunAt> {
  const { run } = record;
  // In this order: a row that moves to the past meanwhile is found there.
  const current = pages<NodeRunRecord>((after) => rows.listNodeRuns(run, after?.node, PAGE, ''));
  const finals = new Map<string, NodeRunRecord>();
  for await (const row of current)
    if (isFinal(row.status) && row.seq <= seq) finals.set(row.node, row);
  const renewals = await readRenewals(rows, run);
  for await (const row of pages<NodeRunRecord>((after) => rows.pastNodeRuns(run, after))) {
    if (row.scope !== '' || !isFinal(row.status) || row.seq > seq) continue;
    // One whose renewal is not told has gone by then: retention took the event, or it was current above.
    const renewed = renewals.get(row.node)?.find((at) => at > row.seq);
    if (renewed !== undefined && renewed > seq) finals.set(row.node, row);
  }
  const [replanned] = await rows.eventsOfType(run, 'run.replanned', 1, seq);
  const planHash = await planAt(rows, record, seq);
  return {
    ...{ seq, planHash, finals },
    hasEdges: replanned === undefined,
    undone: await readUndone(rows, run),
  };
}

/** By node, the numbers of the events with which another generation of it began, ascending. */
async function readRenewals(rows: RunRows, run: number): Promise<ReadonlyMap<string, number[]>> {
  const renewals = new Map<string, number[]>();
  for await (const { seq, detailJson } of eventsOfType(rows, run, 'nodes.renewed')) {
    for (const node of (JSON.parse(detailJson) as { readonly nodes: string[] }).nodes) {
      const known = renewals.get(node);
      if (known === undefined) renewals.set(node, [seq]);
      else known.push(seq);
    }
  }
  return renewals;
}

async function readUndone(rows: RunRows, run: number): Promise<ReadonlySet<string>> {
  const undone = new Set<string>();
  for await (const row of pages<NodeRunRecord>((after) =>
    rows.listNodeRuns(run, after?.node, PAGE, '~'),
  )) {
    if (row.status === 'completed' || row.status === 'partial') undone.add(row.node.slice(2));
  }
  return undone;
}

/**
 * Number of the event at which a run that failed or was cancelled still went on: the last one before the
 * turn in which its end began. 0 where that was its first turn.
 */
export async function lastEventBeforeEnding(rows: RunRows, { run }: RunRecord): Promise<number> {
  const newest = await rows.newestSeq(run);
  const [actor] = await rows.versionsAt(run, newest - 1);
  // The run's own snapshot comes first. Where it was ending before its last turn, it says since when.
  const isEnding = actor?.actor === '' && actor.snapshotJson.includes('"ending"');
  return rows.lastTurnBefore(run, isEnding ? actor.seq : newest);
}

/** What belongs to node runs that are carried over. */
export interface Belongings {
  readonly versions: readonly ActorVersionRecord[];
  readonly artifacts: readonly ArtifactRecord[];
  readonly tasks: readonly TaskRecord[];
  readonly responses: readonly ResponseRecord[];
  /** Told by then; those that no carried node run received are there to be received. */
  readonly signals: readonly SignalRecord[];
}

/** Reads what belongs to `carried`, node runs of the plan itself by id, at event `seq`. */
export async function readBelongings(
  rows: RunRows,
  run: number,
  seq: number,
  carried: ReadonlyMap<string, NodeRunRecord>,
): Promise<Belongings> {
  const versions = await rows.versionsAt(run, seq);
  const artifacts: ArtifactRecord[] = [];
  for await (const artifact of pages<ArtifactRecord>((after) => rows.artifacts(run, after))) {
    if (isOf(carried, artifact)) artifacts.push(artifact);
  }
  const tasks: TaskRecord[] = [];
  const responses: ResponseRecord[] = [];
  const everyTask = pages<TaskRecord>((after) =>
    rows.listTasks({ run, limit: PAGE, ...(after && { after: after.id }) }),
  );
  for await (const task of everyTask) {
    if (carried.get(task.node)?.generation !== task.generation || task.status === 'open') continue;
    tasks.push(task);
    responses.push(...(await rows.responses(run, task.id)));
  }
  return {
    versions: versions.filter(({ actor }) => carried.has(actor)),
    artifacts,
    tasks,
    responses,
    signals: await readSignals(rows, run, seq, carried),
  };
}

/** Whether a node run that is carried, or something inside of one, has brought it. */
function isOf(carried: ReadonlyMap<string, NodeRunRecord>, artifact: ArtifactRecord): boolean {
  const { node, generation } = artifact;
  const inside = /^([^[/#]+)(?:#(\d+))?\[/.exec(node);
  if (inside === null) return carried.get(node)?.generation === generation;
  const [, host = '', number = '1'] = inside;
  return carried.get(host)?.generation === Number(number);
}
