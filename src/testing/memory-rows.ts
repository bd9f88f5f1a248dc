/** Reads of the storage in memory, in the order and with the limits of the database's queries. */
import {
  type EventRecord,
  HIDDEN,
  type NodeRunRecord,
  type RunRecord,
  type TaskRecord,
} from '../actors/records.js';
import { refuseResponder } from '../actors/run/entitlement.js';
import { tenantOf } from '../actors/tenant.js';
import { isFinal } from '../machines/statuses.js';
import type { RunRows } from '../storage/run-rows.js';
import {
  type ArtifactVersion,
  type AttemptKey,
  MAX_PAGE_ROWS as MAX,
  type Tallies,
} from '../storage/run-rows.js';
import type { Storage } from '../storage/storage.js';
import { memoryLog } from './memory-deliveries.js';
import { chainedTurns, keysOf, rowsOf } from './memory-history.js';
import type { MemoryRun } from './memory-run.js';
import { MemoryStorage } from './memory-storage.js';

const ANY = Number.MAX_SAFE_INTEGER;

/**
 * Storage in memory, for `createOrchestrator({ storage })` in tests: it keeps the promises of a database but for
 * surviving the process. Every read goes through all that there is.
 */
export function memoryStorage(): Storage {
  const memory = new MemoryStorage();
  const { journal, store, artifacts } = memory;
  return { journal, store, artifacts, rows: memoryRows(memory), close: () => journal.close() };
}

/** The rows of `storage`, for a RunReader. */
export function memoryRows(storage: MemoryStorage): RunRows {
  const of = <T>(run: number, read: (rows: MemoryRun) => Iterable<T>): T[] => {
    const rows = storage.numbered(run);
    return rows === undefined ? [] : [...read(rows)];
  };
  const events = (run: number, isWanted: (event: EventRecord) => boolean, limit: number) =>
    page(of(run, (rows) => rows.events).filter(isWanted), limit);
  return {
    log: memoryLog(
      () => storage.runs.values(),
      () => storage.logTrims.values(),
      (hash) => titleIn(storage.plans.get(hash)),
    ),
    storedPlans: storage.storedPlans,
    loadPlan: (hash) => storage.store.loadPlan(hash),
    findTask: (id) => storage.store.findTask(id),
    listRuns: async ({ status, limit, before = Number.POSITIVE_INFINITY, tenant }) => {
      const records = [...storage.runs.values()].map((run) => run.record).filter(isVisible);
      const found = records.filter(
        (record) =>
          record.run < before && isOf(status, record.status) && isOf(tenant, tenantOf(record.id)),
      );
      found.sort((a, b) => b.run - a.run);
      return page(found, limit);
    },
    tallies: async () => talliesOf([...storage.runs.values()]),
    getRun: async (id) => [storage.runs.get(id)?.record].find(isVisible),
    listNodeRuns: async (run, after = '', limit = MAX, scope?: string) => {
      const rows = of(run, ({ nodeRuns }) => nodeRuns.values());
      const found = rows.filter((row) => isOf(scope, row.scope) && compare(row.node, after) > 0);
      found.sort((a, b) => compare(a.node, b.node));
      return page(found, limit);
    },
    generations: async (run, node) => {
      const past = of(run, ({ pastNodeRuns }) => pastNodeRuns).filter((row) => row.node === node);
      const present = of(run, ({ nodeRuns }) => nodeRuns.values()).filter(
        (row) => row.node === node,
      );
      return [...past, ...present];
    },
    events: async (run, after, limit) => events(run, ({ seq }) => seq > after, limit),
    usesPlan: async (tenant, hash) =>
      [...storage.runs.values()].some(
        ({ record }) => tenantOf(record.id) === tenant && record.planHash === hash,
      ),
    getNodeRun: async (run, node) => storage.numbered(run)?.nodeRuns.get(node),
    pastNodeRuns: async (run, after) => {
      const found = of(run, ({ pastNodeRuns }) => pastNodeRuns).sort(byNode);
      return page(after === undefined ? found : found.filter((row) => byNode(row, after) > 0), MAX);
    },
    eventsOfType: async (run, wanted, limit, after = 0) =>
      events(run, ({ seq, type }) => seq > after && type === wanted, limit),
    countEvents: async (run, wanted) =>
      events(run, ({ type }) => type === wanted, Number.POSITIVE_INFINITY).length,
    newestSeq: async (run) => storage.numbered(run)?.seq ?? 0,
    checkpointOf: async (run, seq) => of(run, ({ turns }) => turns).find((turn) => turn.seq >= seq),
    anchorBefore: async (run, at, upTo = ANY, seq = ANY) => {
      const turns = of(run, (rows) => rows.turns).slice(0, -1);
      return turns.findLast((one) => one.at <= at && one.turn <= upTo && one.seq <= seq)?.seq ?? 0;
    },
    versionsAt: async (run, seq, { after, limit = Number.POSITIVE_INFINITY } = {}) => {
      const versions = of(run, (rows) => rows.versions).filter((version) => version.seq <= seq);
      const newest = [...new Map(versions.map((version) => [version.actor, version])).values()];
      const found = newest.filter(({ actor }) => after === undefined || compare(actor, after) > 0);
      return found.sort((a, b) => compare(a.actor, b.actor)).slice(0, limit);
    },
    versionsBetween: async (run, { after, upTo }, actors) => {
      const wanted = new Set(actors);
      return of(run, (rows) => rows.versions).filter(
        ({ actor, seq }) => wanted.has(actor) && seq > after && seq <= upTo,
      );
    },
    attempts: async (run, node) => {
      const rows = of(run, ({ attempts }) => attempts.values());
      return page(rows.filter((row) => row.node === node).sort(byAge), MAX);
    },
    claimedRuns: async (claim) =>
      [...storage.runs.values()].flatMap(({ record, attempts }) =>
        [...attempts.values()].some(
          ({ endedAt, leaseJson }) =>
            endedAt === null && leaseJson?.includes(`"claim":"${claim}"`) === true,
        )
          ? [record.id]
          : [],
      ),
    attempt: async (run, { node, generation, attempt }) =>
      of(run, ({ attempts }) => attempts.values()).find(
        (row) => row.node === node && row.generation === generation && row.attempt === attempt,
      ),
    listAttempts: async (run, { node, after, limit = MAX } = {}) => {
      const byKey = (a: AttemptKey, b: AttemptKey) => compare(a.node, b.node) || byAge(a, b);
      const rows = of(run, ({ attempts }) => attempts.values()).filter(
        (row) => isOf(node, row.node) && (after === undefined || byKey(row, after) > 0),
      );
      return page(rows.sort(byKey), limit);
    },
    inputsOf: async (run, attempts) => {
      const rows = storage.numbered(run);
      return attempts.map((key) => rows?.inputOf(key) ?? null);
    },
    checkpoints: async (run, after, limit) =>
      page(
        of(run, ({ turns }) => turns).filter(({ seq }) => seq > after),
        limit,
      ),
    listTasks: async ({ status, run, assignee, answerableBy, limit, after = '', tenant }) => {
      const runs = [...storage.runs.values()].filter(({ record }) =>
        isOf(tenant, tenantOf(record.id)),
      );
      const tasks = runs.flatMap((rows) => [...rows.tasks.values()]);
      const hasVoted = (task: TaskRecord, name: string) =>
        of(task.run, ({ responses }) => responses).some(
          (vote) => vote.task === task.id && vote.responder === name,
        );
      const isFor = (task: TaskRecord) =>
        answerableBy === undefined ||
        (refuseResponder(task, answerableBy) === undefined && !hasVoted(task, answerableBy.name));
      const found = tasks.filter(
        (task) =>
          isOf(status, task.status) &&
          isOf(run, task.run) &&
          isOf(assignee, task.assignee) &&
          isFor(task) &&
          compare(task.id, after) > 0,
      );
      found.sort((a, b) => compare(a.id, b.id));
      return page(found, limit);
    },
    getHiddenRun: async (id) => [storage.runs.get(id)?.record].find(isHidden),
    hiddenRuns: async (after) => recordsAfter(storage, after).filter(isHidden),
    namedPayloads: async (digests) => new Set(digests),
    runsAfter: async (after) => recordsAfter(storage, after).filter(isVisible),
    childrenOf: async (id, after) => {
      const records = [...storage.runs.values()].map((run) => run.record);
      const found = records
        .filter(({ parentId, run }) => parentId === id && run > after)
        .filter(isVisible);
      return found.sort((a, b) => a.run - b.run);
    },
    rowsOf: (run, table) => inOrder(of(run, (rows) => rowsOf(rows, table))),
    keysOf: (run, table, range, limit) =>
      inPages(
        of(run, (rows) => keysOf(rows, table, range)),
        limit,
      ),
    turnsOf: (run, after) =>
      inOrder(of(run, chainedTurns).filter(({ checkpoint }) => checkpoint.seq > after)),
    // What is in memory has no chain: nothing comes between writing and reading it.
    verifyChain: async (run) => {
      const turns = of(run, (rows) => rows.turns);
      return {
        run,
        end: { seq: turns.at(-1)?.seq ?? 0, hash: '' },
        turns: turns.length,
        findings: [],
      };
    },
    responses: async (run, task) => {
      const responses = of(run, (rows) => rows.responses);
      return page(
        responses.filter((response) => response.task === task),
        MAX,
      );
    },
    tasksWithIssues: async (run) => {
      const rows = of(run, ({ tasks }) => tasks.values());
      const found = rows.filter((row) => row.issuesJson !== null);
      found.sort((a, b) => compare(a.id, b.id));
      return page(found, MAX);
    },
    attemptsWithIssues: async (run) => {
      const rows = of(run, ({ attempts }) => attempts.values());
      const found = rows.filter((row) => row.issuesJson !== null);
      found.sort((a, b) => compare(a.node, b.node) || byAge(a, b));
      return page(found, MAX);
    },
    artifact: async (run, name, version) => {
      const named = of(run, (rows) => rows.artifacts).filter((row) => row.name === name);
      return version === undefined
        ? named.findLast(({ standing }) => standing === 'accepted')
        : named.find((row) => row.version === version);
    },
    artifacts: async (run, after, limit = MAX) => {
      const byNumber = (a: ArtifactVersion, b: ArtifactVersion) =>
        compare(a.name, b.name) || a.version - b.version;
      const artifacts = of(run, (rows) => rows.artifacts).sort(byNumber);
      const later = artifacts.filter((row) => after === undefined || byNumber(row, after) > 0);
      return page(later, limit);
    },
    signals: async (run, after = Number.NEGATIVE_INFINITY, limit = MAX) => {
      const signals = of(run, (rows) => rows.signals.values()).filter(({ seq }) => seq > after);
      return page(
        signals.sort((a, b) => a.seq - b.seq),
        limit,
      );
    },
    lastTurnBefore: async (run, seq) =>
      of(run, ({ turns }) => turns).findLast((turn) => turn.seq < seq)?.seq ?? 0,
  };
}

function titleIn(planJson: string | undefined): string | undefined {
  return planJson === undefined ? undefined : (JSON.parse(planJson) as { title: string }).title;
}

/** Runs that are on their way in or out are there for nobody. */
function isVisible(record: RunRecord | undefined): record is RunRecord {
  return record !== undefined && record.trimmedTo !== HIDDEN;
}

function isHidden(record: RunRecord | undefined): record is RunRecord {
  return record?.trimmedTo === HIDDEN;
}

function recordsAfter(storage: MemoryStorage, after: number): RunRecord[] {
  const records = [...storage.runs.values()].map((run) => run.record);
  return records.filter(({ run }) => run > after).sort((a, b) => a.run - b.run);
}

async function* inOrder<T>(rows: readonly T[]): AsyncGenerator<T, void, undefined> {
  yield* rows;
}

async function* inPages<T>(
  rows: readonly T[],
  limit: number,
): AsyncGenerator<readonly T[], void, undefined> {
  for (let start = 0; start < rows.length; start += limit) yield rows.slice(start, start + limit);
}

function isOf<T>(wanted: T | undefined, value: T): boolean {
  return wanted === undefined || wanted === value;
}

function page<T>(rows: readonly T[], limit: number): T[] {
  return rows.slice(0, Math.min(Math.max(limit, 0), MAX));
}

/** As the database orders texts: by code points. */
function talliesOf(runs: readonly MemoryRun[]): Tallies {
  const live: Tallies['runs'] = {};
  for (const { status } of runs.map(({ record }) => record)) {
    if (!isFinal(status)) live[status] = (live[status] ?? 0) + 1;
  }
  const tasks = runs.flatMap((run) => [...run.tasks.values()]);
  return {
    runs: live,
    openTasks: tasks.filter(({ status }) => status === 'open').length,
    timers: runs.reduce((sum, run) => sum + run.timers.size, 0),
  };
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

type NodeKey = Pick<NodeRunRecord, 'node' | 'generation'>;
function byNode(a: NodeKey, b: NodeKey): number {
  return compare(a.node, b.node) || a.generation - b.generation;
}

function byAge(a: AttemptKey, b: AttemptKey): number {
  return a.generation - b.generation || a.attempt - b.attempt;
}
