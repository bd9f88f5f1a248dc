/**
 * The journal and the store in memory, for tests of plans and of the kernel: the same promises as
 * the files on disk, but for surviving the process. Commits can be held back and made to fail.
 */
import { randomUUID } from 'node:crypto';
import { isPausedWithParent, reportOf } from '../actors/child-report.js';
import type { LogTrimRecord } from '../actors/delivery-records.js';
import {
  CommitError,
  type CommitErrorCode,
  type FreeRow,
  type Journal,
  type JournalHealth,
  type RunKeyRecord,
  type RunStore,
  type ScheduleRecord,
} from '../actors/ports.js';
import {
  type IdempotencyKeyRecord,
  MAX_IDEMPOTENCY_KEYS,
  type RunRecord,
  type SignalRecord,
  type StoredRun,
  type TurnRecord,
} from '../actors/records.js';
import { isFinal } from '../machines/statuses.js';
import { encodeTurn } from '../persistence/encode.js';
import { MemoryAccess } from './memory-access.js';
import { MemoryArtifacts } from './memory-artifacts.js';
import { MemoryDeliveries } from './memory-deliveries.js';
import { addRow, marked, removeRows } from './memory-history.js';
import { MemoryRun } from './memory-run.js';
import { MemoryStoredPlans } from './memory-stored-plans.js';

export { MemoryRun } from './memory-run.js';

/** A turn, or rows that belong to no run. */
interface Pending {
  readonly write: TurnRecord | readonly FreeRow[];
  readonly resolve: () => void;
  readonly reject: (error: CommitError) => void;
}

export class MemoryStorage {
  readonly runs = new Map<string, MemoryRun>();
  readonly plans = new Map<string, string>();
  readonly schedules = new Map<string, ScheduleRecord>();
  readonly runKeys = new Map<string, RunKeyRecord>();
  readonly access = new MemoryAccess();
  /** Payloads that are too large for a row. */
  readonly artifacts = new MemoryArtifacts();
  readonly deliveries = new MemoryDeliveries();
  /** How far retention has come, by tenant. */
  readonly logTrims = new Map<string, LogTrimRecord>();
  readonly storedPlans = new MemoryStoredPlans();
  /** While true, turns wait until `flush`. */
  isHeld = false;
  readonly #byNumber = new Map<number, MemoryRun>();
  readonly #pending: Pending[] = [];
  readonly #voided = new Set<number>();
  readonly #answers = new Map<string, IdempotencyKeyRecord>();
  #fail: ((turn: TurnRecord) => CommitErrorCode | undefined) | undefined;
  readonly #positionSecret = randomUUID();
  #turn = 0;
  #lastTurnAt: number | undefined;

  /** Makes turns fail for which `decide` names a code; undefined ends it. */
  failWhen(decide: ((turn: TurnRecord) => CommitErrorCode | undefined) | undefined): void {
    this.#fail = decide;
  }

  /** Commits what waits, in order. */
  flush(): void {
    for (const { write, resolve, reject } of this.#pending.splice(0)) {
      if (!('turn' in write)) {
        for (const row of write) this.#put(row);
        resolve();
        continue;
      }
      const code = this.#voided.has(write.run) ? 'turn-refused' : this.#refuse(write);
      if (code === undefined) {
        this.#apply(write);
        resolve();
      } else {
        this.#voided.add(write.run);
        reject(new CommitError(code, `turn ${write.turn} is void`));
      }
    }
  }

  /** What a new process finds: nothing waits, and no run is void. */
  reopen(): void {
    this.#pending.length = 0;
    this.#voided.clear();
  }

  /** The rows of the run with a number. */
  numbered(run: number): MemoryRun | undefined {
    return this.#byNumber.get(run);
  }

  /** As the files on disk would refuse it. */
  #refuse(turn: TurnRecord): CommitErrorCode | undefined {
    const chosen = this.#fail?.(turn);
    if (chosen !== undefined) return chosen;
    try {
      encodeTurn(turn);
      return undefined;
    } catch (error) {
      return error instanceof CommitError ? error.code : 'turn-refused';
    }
  }

  #apply(turn: TurnRecord): void {
    const { runCreated } = turn.rows;
    const run = runCreated === undefined ? this.#byNumber.get(turn.run) : new MemoryRun(runCreated);
    if (run === undefined) throw new Error(`turn ${turn.turn} is of an unknown run`);
    this.#byNumber.set(turn.run, run);
    this.runs.set(run.record.id, run);
    this.#turn = turn.turn;
    if (run.record.originJson?.includes('"type":"import"') !== true) this.#lastTurnAt = turn.at;
    run.apply(turn);
    for (const { hash, planJson } of turn.rows.plans) {
      if (!this.plans.has(hash)) this.plans.set(hash, planJson);
    }
  }

  #put(row: FreeRow): void {
    switch (row.type) {
      case 'schedule.put':
        this.schedules.set(row.record.id, row.record);
        return;
      case 'schedule.remove':
        this.schedules.delete(row.id);
        return;
      case 'run-key.put':
        this.runKeys.set(`${row.record.purpose} ${row.record.key}`, row.record);
        return;
      case 'idempotency-key.put':
        this.#answersOf(row.record.run).set(row.record.key, row.record);
        return;
      case 'token.put':
      case 'token.revoke':
      case 'token.used':
      case 'audit.put':
      case 'audit.trim':
      case 'audit.expire':
      case 'task-link.put':
      case 'task-link.sweep':
        this.access.put(row);
        return;
      case 'run-keys.remove':
        for (const [key, { runId }] of this.runKeys) {
          const isReplaced = this.runKeys.has(`replacement ${runId}`);
          if (row.runs.includes(runId) && !isReplaced) this.runKeys.delete(key);
        }
        return;
      case 'idempotency-keys.remove':
        for (const [key, { at }] of this.#answers) if (at < row.before) this.#answers.delete(key);
        return;
      case 'webhook.put':
      case 'webhook.remove':
      case 'lane.put':
      case 'lane.remove':
      case 'lanes.remove':
      case 'dead-letter.put':
      case 'dead-letter.remove':
      case 'dead-letters.remove':
        this.deliveries.put(row);
        return;
      case 'stored-plan.put':
        this.storedPlans.put(row.record);
        return;
      case 'log.trim': {
        const known = this.logTrims.get(row.record.tenant) ?? { turn: 0, seq: 0 };
        const { turn, seq } = row.record;
        const isFurther = turn > known.turn || (turn === known.turn && seq > known.seq);
        if (isFurther) this.logTrims.set(row.record.tenant, row.record);
        return;
      }
      // The number of the newest turn is kept anyway.
      case 'turn.keep':
        return;
      case 'run.remove':
        this.runs.delete(this.#byNumber.get(row.run)?.record.id ?? '');
        this.#byNumber.delete(row.run);
        return;
      case 'history.add':
        addRow(this.#numbered(row.record.run), row);
        return;
      case 'history.remove':
        for (const run of this.#byNumber.values()) removeRows(run, row.table, row.keys);
        return;
      default: {
        const run = this.#numbered(row.run);
        run.record = marked(run.record, row);
      }
    }
  }

  /** Of a run, or of the calls that are about none. */
  #answersOf(run: number): Map<string, IdempotencyKeyRecord> {
    return run === 0 ? this.#answers : this.#numbered(run).idempotencyKeys;
  }

  #numbered(run: number): MemoryRun {
    const rows = this.#byNumber.get(run);
    if (rows === undefined) throw new Error(`there is no run ${run}`);
    return rows;
  }

  #enqueue(write: Pending['write']): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ write, resolve, reject });
      if (!this.isHeld) queueMicrotask(() => this.flush());
    });
  }

  readonly journal: Journal = {
    storePlan: async (hash, planJson) => {
      this.plans.set(hash, planJson);
    },
    commit: (turn) => this.#enqueue(turn),
    write: (rows) => this.#enqueue(rows),
    release: (run) => {
      this.#voided.delete(run);
    },
    health: (): JournalHealth => ({ state: 'ok', queued: this.#pending.length }),
    close: async () => this.flush(),
  };

  readonly store: RunStore = {
    positionSecret: async () => this.#positionSecret,
    highWater: async () => ({ turn: this.#turn, run: Math.max(0, ...this.#byNumber.keys()) }),
    loadPlan: async (hash) => this.plans.get(hash),
    findRun: async (id) => this.runs.get(id)?.record,
    loadRun: async (id) => this.#load(id),
    findTask: async (id) => {
      for (const run of this.runs.values()) {
        const task = run.tasks.get(id);
        if (task !== undefined) return { ...task, runId: run.record.id };
      }
      return undefined;
    },
    unfinishedRuns: async (after, limit, marks) => {
      const last = after === undefined ? 0 : (this.runs.get(after)?.record.run ?? 0);
      const later = [...this.runs.values()].filter(
        (run) => run.record.run > last && (isInMotion(run) || this.#waitsUnder(run, marks)),
      );
      return later.slice(0, limit).map((run) => run.record.id);
    },
    untoldChildren: async (after, limit) => {
      const records = [...this.runs.values()].map(({ record }) => record);
      const untold = records.filter((record) => record.id > after && this.#isUntold(record));
      untold.sort((a, b) => (a.id < b.id ? -1 : 1));
      return untold.slice(0, limit);
    },
    lastTurnAt: async () => this.#lastTurnAt,
    dueTimers: async (now, limit) =>
      this.#timers()
        .filter((timer) => timer.dueAt <= now)
        .slice(0, limit),
    nextDue: async (now) => this.#timers().find((timer) => timer.dueAt > now)?.dueAt,
    schedules: {
      find: async (id) => this.schedules.get(id),
      list: async (after, limit) =>
        [...this.schedules.values()]
          .filter(({ id }) => id > after)
          .sort(byId)
          .slice(0, limit),
      due: async (now, limit) =>
        this.#schedulesByDueAt()
          .filter(({ dueAt }) => dueAt <= now)
          .slice(0, limit),
      nextDue: async (now) => this.#schedulesByDueAt().find(({ dueAt }) => dueAt > now)?.dueAt,
      runsBetween: async (from, before) => {
        const ids = [...this.runs.keys()].filter((id) => id >= from && id < before);
        return { count: ids.length, last: ids.sort().at(-1) };
      },
    },
    runKeys: {
      find: async (purpose, key) => this.runKeys.get(`${purpose} ${key}`),
      superseded: async (after, limit) => {
        const ids = [...this.runKeys.values()].flatMap((record) => this.#supersededBy(record));
        const later = ids.filter((id) => id > after);
        return later.sort().slice(0, limit);
      },
      replaced: async (after, limit) => {
        const pairs = [...this.runKeys.values()]
          .filter(({ purpose, key }) => purpose === 'replacement' && key > after)
          .map(({ key, runId }) => ({ run: key, by: runId }))
          .filter(({ run, by }) => this.#isLive(run) && this.#isReplacement(by, run));
        return pairs.sort((a, b) => (a.run < b.run ? -1 : 1)).slice(0, limit);
      },
    },
    findAnswer: async (key) => this.#answers.get(key),
    access: this.access,
    deliveries: this.deliveries.rows,
    close: () => {},
  };

  #isReplacement(id: string, of: string): boolean {
    const origin = JSON.parse(this.runs.get(id)?.record.originJson ?? '{}') as {
      readonly type?: string;
      readonly run?: string;
    };
    return origin.type === 'replacement' && origin.run === of;
  }

  #isLive(id: string): boolean {
    const run = this.runs.get(id);
    return run !== undefined && !isFinal(run.record.status);
  }

  #schedulesByDueAt() {
    return [...this.schedules.values()]
      .flatMap((record) => (record.dueAt === null ? [] : [{ ...record, dueAt: record.dueAt }]))
      .sort((a, b) => a.dueAt - b.dueAt || byId(a, b));
  }

  #supersededBy({ purpose, runId, supersededId }: RunKeyRecord): string[] {
    const old = this.runs.get(supersededId ?? '');
    const isPending = old?.record.status === 'pending' && this.runs.has(runId);
    return purpose === 'debounce' && isPending ? [old.record.id] : [];
  }

  /** Whether it waits with a timer, and its plan has one of the marks. */
  #waitsUnder({ record, timers }: MemoryRun, marks: readonly string[]): boolean {
    const planJson = this.plans.get(record.planHash) ?? '';
    const isMarked = marks.some((mark) => planJson.includes(mark));
    return !isFinal(record.status) && timers.size > 0 && isMarked;
  }

  /** Whether the run that it works for has something to take note of, or it has not heard of its pause. */
  #isUntold(record: RunRecord): boolean {
    const { id, status, parentId, parentNode } = record;
    const parent = this.runs.get(parentId ?? '');
    const host = parent?.nodeRuns.get(parentNode ?? '');
    if (parent === undefined || isFinal(parent.record.status)) return false;
    if (host?.status !== 'running') return false;
    if (isFinal(status)) return true;
    const { inside } = host;
    if (status === 'paused') {
      return inside !== `${id} paused${isPausedWithParent(reportOf(record)) ? ' shared' : ''}`;
    }
    const isExempt = inside?.endsWith(' exempt') ?? false;
    if (parent.record.status === 'paused' && !isExempt)
      return status !== 'pending' && status !== 'ready';
    const isKnown = inside === `${id} ${status}${isExempt ? ' exempt' : ''}`;
    return !isKnown && (status === 'awaiting-human' || status === 'blocked');
  }

  #timers() {
    return [...this.runs.values()]
      .flatMap((run) =>
        [...run.timers.values()].map((timer) => ({ ...timer, runId: run.record.id })),
      )
      .sort((a, b) => a.dueAt - b.dueAt);
  }

  #load(id: string): StoredRun | undefined {
    const run = this.runs.get(id);
    if (run === undefined) return undefined;
    const nodeRuns = run.nodeRunsAtWork;
    const live = nodeRuns.filter((row) => !isFinal(row.status) && row.status !== 'pending');
    return {
      record: run.record,
      seq: run.seq,
      planJson: this.plans.get(run.record.planHash) ?? '',
      nodeRuns,
      snapshots: ['', ...live.map((row) => row.node)].flatMap(
        (actor) => run.newestVersion(actor) ?? [],
      ),
      openAttempts: [...run.attempts.values()].filter((attempt) => attempt.outcome === null),
      openTasks: [...run.tasks.values()].filter((task) => task.status === 'open'),
      heartbeats: run.heartbeats,
      votes: run.responses.filter(({ task }) => run.tasks.get(task)?.status === 'open'),
      timers: [...run.timers.values()],
      signals: [...run.signals.values()].sort(byAge),
      artifacts: run.artifactsAtWork,
      artifactVersions: run.artifactVersions,
      idempotencyKeys: [...run.idempotencyKeys.values()].slice(-MAX_IDEMPOTENCY_KEYS),
    };
  }
}

function byAge(a: SignalRecord, b: SignalRecord): number {
  return a.sentAt - b.sentAt || (a.id < b.id ? -1 : 1);
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1;
}

function isInMotion(run: MemoryRun): boolean {
  const { status } = run.record;
  const hasOpenAttempt = [...run.attempts.values()].some((attempt) => attempt.outcome === null);
  return status === 'pending' || status === 'ready' || status === 'running' || hasOpenAttempt;
}
