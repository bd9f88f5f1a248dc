/**
 * Replays a run: folds its log up to an event and says whether what is stored agrees. Executes nothing
 * and evaluates nothing. Invariants: 1. events are read a page at a time; 2. what is compared is of one
 * moment: a run that went on meanwhile is read again, a few times.
 */
import type { RunRecord } from '../actors/records.js';
import { RunchartError } from '../errors.js';
import { compilePlan } from '../plan/compile.js';
import { formatIssues } from '../plan/issue.js';
import type { PlanVersion } from '../plan/plan-version.js';
import type { HistoryRows } from './history-rows.js';
import { RunFold } from './run-fold.js';
import type { RunSnapshot } from './run-snapshot.js';
import { type Difference, differencesOf, stateHash } from './state-hash.js';
import { differencesFromVersions, storedSnapshot } from './stored-snapshot.js';

export interface Replayed {
  readonly snapshot: RunSnapshot;
  readonly hash: string;
  /** Where what is stored says something else; undefined where nothing stored is of that event. */
  readonly differences: readonly Difference[] | undefined;
}

/** How often a run that goes on is read again before it is given up to compare. */
const MAX_READS = 5;

/**
 * The run as it was after event `to`, or after its newest. Rejects with `argument-invalid` where it has
 * no such event, `history-trimmed` where retention took its first ones, `run-unrestorable` where a plan
 * version does not compile.
 */
export async function replay(rows: HistoryRows, record: RunRecord, to?: number): Promise<Replayed> {
  assertWhole(record);
  if (to !== undefined) return replayTo(rows, record, to);
  let replayed: Replayed | undefined;
  for (let reads = 0; reads < MAX_READS; reads++) {
    replayed = await replayNewest(rows, record.id);
    if (replayed.differences !== undefined) break;
  }
  return replayed as Replayed;
}

/** Folds all that is there, and compares it with rows that are of the same event. */
async function replayNewest(rows: HistoryRows, id: string): Promise<Replayed> {
  const record = await rows.getRun(id);
  if (record === undefined) throw new RunchartError('run-unknown', `there is no run ${id}`);
  const seq = await rows.newestSeq(record.run);
  const stored = storedSnapshot({ ...(await readTold(rows, record)), seq });
  const snapshot = await foldTo(rows, record, seq);
  const hasMoved = (await rows.newestSeq(record.run)) !== seq;
  const differences = hasMoved ? undefined : differencesOf(snapshot, stored);
  return { snapshot, hash: stateHash(snapshot), differences };
}

/** An earlier event: where it ends a turn, the snapshots of the actors say what it was. */
async function replayTo(rows: HistoryRows, record: RunRecord, to: number): Promise<Replayed> {
  const newest = await rows.newestSeq(record.run);
  if (!Number.isSafeInteger(to) || to < 1 || to > newest) {
    throw new RunchartError('argument-invalid', `run ${record.id} has no event ${to}`, {
      hint: `its events are 1 to ${newest}`,
    });
  }
  const snapshot = await foldTo(rows, record, to);
  const checkpoint = await rows.checkpointOf(record.run, to);
  const differences =
    checkpoint?.seq === to
      ? differencesFromVersions(snapshot, await rows.versionsAt(record.run, to))
      : undefined;
  return { snapshot, hash: stateHash(snapshot), differences };
}

function assertWhole({ id, trimmedTo }: RunRecord): void {
  if (trimmedTo === 0) return;
  const message = `the events of run ${id} up to ${trimmedTo} were removed by retention`;
  throw new RunchartError('history-trimmed', message, {
    hint: `a run is replayed from its first event; its state from event ${trimmedTo} on can be read`,
  });
}

async function foldTo(rows: HistoryRows, record: RunRecord, to: number): Promise<RunSnapshot> {
  const versions = new PlanVersions(rows);
  const fold = new RunFold((hash) => versions.get(hash));
  for await (const event of rows.rowsOf(record.run, 'events')) {
    if (event.seq > to) break;
    await versions.prepare(event.detailJson);
    try {
      fold.take(event);
    } catch (error) {
      const message = `run ${record.id} cannot be replayed: ${(error as Error).message}`;
      throw new RunchartError('run-unrestorable', message, { cause: error });
    }
  }
  return fold.snapshot();
}

/** Plan versions that the events of a run name, compiled when they come. */
export class PlanVersions {
  readonly #rows: Pick<HistoryRows, 'loadPlan'>;
  readonly #versions = new Map<string, PlanVersion>();

  constructor(rows: Pick<HistoryRows, 'loadPlan'>) {
    this.#rows = rows;
  }

  get(hash: string): PlanVersion | undefined {
    return this.#versions.get(hash);
  }

  /** Hashes of the versions, in the order in which they came. */
  get hashes(): readonly string[] {
    return [...this.#versions.keys()];
  }

  /** Loads the version that an event names, where it names one. */
  async prepare(detailJson: string): Promise<void> {
    if (!detailJson.includes('"plan":"sha256:')) return;
    const { plan } = JSON.parse(detailJson) as { plan?: string };
    if (plan === undefined || this.#versions.has(plan)) return;
    const planJson = await this.#rows.loadPlan(plan);
    if (planJson === undefined) return;
    const compiled = compilePlan(JSON.parse(planJson));
    if (!compiled.ok || compiled.version.hash !== plan) {
      const why = compiled.ok ? 'it does not fit its hash' : formatIssues(compiled.issues);
      throw new RunchartError('run-unrestorable', `plan ${plan} does not compile: ${why}`);
    }
    this.#versions.set(plan, compiled.version);
  }
}

async function readTold(rows: HistoryRows, record: RunRecord) {
  const all = async <T>(found: AsyncIterable<T>): Promise<T[]> => {
    const list: T[] = [];
    for await (const row of found) list.push(row);
    return list;
  };
  const { run } = record;
  return {
    record,
    nodeRuns: await all(rows.rowsOf(run, 'nodeRuns')),
    pastNodeRuns: await all(rows.rowsOf(run, 'pastNodeRuns')),
    attempts: await all(rows.rowsOf(run, 'attempts')),
    artifacts: await all(rows.rowsOf(run, 'artifacts')),
    tasks: await all(rows.rowsOf(run, 'tasks')),
    timers: await all(rows.rowsOf(run, 'timers')),
    signals: await all(rows.rowsOf(run, 'signals')),
  };
}
