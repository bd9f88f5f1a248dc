/** Reads runs as the API shows them. Works beside the process that owns the database. */

import type { ArtifactStore, RunStore } from './actors/ports.js';
import type {
  ArtifactRecord,
  AttemptRecord,
  EventRecord,
  NodeRunRecord,
  Principal,
  ResponseRecord,
  RunRecord,
  SignalRecord,
  TaskPeople,
  TaskRecord,
} from './actors/records.js';
import { readArtifact, toArtifact } from './artifact-reader.js';
import { planAt } from './change/plan-at.js';
import { listChanges } from './context-changes.js';
import { RunchartError } from './errors.js';
import { explainNode } from './explain/why.js';
import { assertKept } from './history/assert-kept.js';
import { exportRun } from './history/export-run.js';
import type { HistoryRows } from './history/history-rows.js';
import { replay } from './history/replay.js';
import { type ReplayView, toReplayView, type VerificationView } from './history/replay-view.js';
import { artifactsBefore, failuresFromRows, inOrderOfTime } from './history/trimmed-run.js';
import { verifyHistory } from './history/verify-history.js';
import { listIssues } from './issue-list.js';
import { isFinal, type NodeStatus, type RunStatus } from './machines/statuses.js';
import type { TaskStatus } from './machines/task-events.js';
import {
  type ArtifactVersion,
  MAX_PAGE_ROWS,
  type RunPage,
  RunQueries,
  type TaskPage,
} from './persistence/queries.js';
import type { Reader } from './persistence/reader.js';
import { SqliteRunStore } from './persistence/store.js';
import { planToMermaid } from './plan/diagram.js';
import { edgeIds } from './plan/edge-ids.js';
import type { Issue } from './plan/issue.js';
import type { JsonObject, JsonValue } from './plan/json.js';
import type { Plan } from './plan/schema.js';
import { stateFromVersions } from './run-state.js';
import type {
  ArtifactView,
  AttemptView,
  ContextChange,
  Explanation,
  NodeRunView,
  ResponseView,
  RunDetails,
  RunError,
  RunEvent,
  RunOrigin,
  RunResult,
  RunState,
  RunSummary,
  TaskView,
} from './views.js';

export interface RunFilter {
  readonly status?: RunStatus;
  /** Most runs to return; 50 unless given, 1,000 at most. */
  readonly limit?: number;
  /** Only runs created before this one. */
  readonly before?: string;
}

/** Reads of stored rows, by the number of their run. A call gives at most 1,000 rows; all are durable. */
export interface RunRows extends HistoryRows, Pick<RunStore, 'loadPlan' | 'findTask'> {
  /** Newest first. */
  listRuns(page: RunPage): Promise<readonly RunRecord[]>;
  /** By path. `after` is the path that ended the page before; `scope` limits them to one scope. */
  listNodeRuns(
    run: number,
    after?: string,
    limit?: number,
    scope?: string,
  ): Promise<readonly NodeRunRecord[]>;
  /** Every generation of a node run, the past ones and the present one, oldest first. */
  generations(run: number, node: string): Promise<readonly NodeRunRecord[]>;
  /** Events with a number above `after`, in order. */
  events(run: number, after: number, limit: number): Promise<readonly EventRecord[]>;
  getNodeRun(run: number, node: string): Promise<NodeRunRecord | undefined>;
  /** Generations of node runs that are over, by path; `after` is the last row of the page before. */
  pastNodeRuns(
    run: number,
    after?: Pick<NodeRunRecord, 'node' | 'generation'>,
  ): Promise<readonly NodeRunRecord[]>;
  /** Events of one type with a number above `after`, in order. */
  eventsOfType(
    run: number,
    type: string,
    limit: number,
    after?: number,
  ): Promise<readonly EventRecord[]>;
  countEvents(run: number, type: string): Promise<number>;
  /** Attempts of one node, oldest first. */
  attempts(run: number, node: string): Promise<readonly AttemptRecord[]>;
  /** By id. */
  listTasks(page: TaskPage): Promise<readonly TaskRecord[]>;
  /** Answers to a task, oldest first. */
  responses(run: number, task: string): Promise<readonly ResponseRecord[]>;
  /** Attempts that have issues, by node, oldest first. */
  attemptsWithIssues(run: number): Promise<readonly AttemptRecord[]>;
  /** One version of an artifact; the newest accepted one unless `version` is given. */
  artifact(run: number, name: string, version?: number): Promise<ArtifactRecord | undefined>;
  /** Versions of artifacts by name, then version; `after` is the one that ended the page before. */
  artifacts(
    run: number,
    after?: ArtifactVersion,
    limit?: number,
  ): Promise<readonly ArtifactRecord[]>;
  /** In the order in which they came, those after number `after`. */
  signals(run: number, after?: number): Promise<readonly SignalRecord[]>;
  /** Number of the last event of the newest turn that ended before event `seq`; 0 where there is none. */
  lastTurnBefore(run: number, seq: number): Promise<number>;
}

export interface TaskFilter {
  readonly status?: TaskStatus;
  /** Id of the run that asks. */
  readonly run?: string;
  /** To whom the task belongs. */
  readonly assignee?: string;
  /** Most tasks to return; 100 unless given, 1,000 at most. */
  readonly limit?: number;
  /** Id of the task that ended the page before. */
  readonly after?: string;
}

export interface NodeRunPage {
  readonly after?: string;
  readonly limit?: number;
  /** Path of a scope: empty for the nodes of the plan, `research[2]`, `translate[]`, `~`. */
  readonly scope?: string;
}

export interface ArtifactPage {
  /** The last one of the page before. */
  readonly after?: ArtifactVersion;
  readonly limit?: number;
}

/** The rows of a database. */
export function sqlRows(reader: Reader): RunRows {
  const store = new SqliteRunStore(reader);
  return Object.assign(new RunQueries(reader), {
    loadPlan: (hash: string) => store.loadPlan(hash),
    findTask: (id: string) => store.findTask(id),
  });
}

export class RunReader {
  /** The rows that it reads. */
  readonly rows: RunRows;
  readonly #payloads: Pick<ArtifactStore, 'get'>;

  /** Reads a database, or rows that are kept elsewhere; `payloads` has what is too large for rows. */
  constructor(source: Reader | RunRows, payloads: Pick<ArtifactStore, 'get'>) {
    this.rows = 'jsonRows' in source ? sqlRows(source) : source;
    this.#payloads = payloads;
  }

  /** What the history of runs is read from. */
  get history(): HistoryRows {
    return this.rows;
  }

  /** Newest first. */
  async list(filter: RunFilter = {}): Promise<RunSummary[]> {
    const { status, limit = 50, before } = filter;
    const cursor = before === undefined ? undefined : await this.#record(before);
    const records = await this.rows.listRuns({
      limit,
      ...(status !== undefined && { status }),
      ...(cursor !== undefined && { before: cursor.run }),
    });
    return records.map(toSummary);
  }

  /** All runs that have not ended, newest first. */
  async *live(): AsyncIterableIterator<RunSummary> {
    let before: string | undefined;
    for (;;) {
      const page = await this.list({
        limit: MAX_PAGE_ROWS,
        ...(before !== undefined && { before }),
      });
      for (const run of page) if (!isFinal(run.status)) yield run;
      before = page.at(-1)?.id;
      if (page.length < MAX_PAGE_ROWS) return;
    }
  }

  async summary(id: string): Promise<RunSummary> {
    return toSummary(await this.#record(id));
  }

  /** The run with its node runs, open tasks and artifacts. Nodes that were never touched are listed too. */
  async details(id: string): Promise<RunDetails> {
    const record = await this.#record(id);
    const plan = await this.plan(record.planHash);
    const rows = await this.#nodeRuns(record.run);
    const untouched: NodeStatus = isFinal(record.status) ? 'cancelled' : 'pending';
    const open = await this.rows.listTasks({
      run: record.run,
      status: 'open',
      limit: MAX_PAGE_ROWS,
    });
    const artifacts = await this.rows.artifacts(record.run);
    return {
      ...toSummary(record),
      inputs: JSON.parse(record.inputJson) as JsonValue,
      seq: await this.rows.newestSeq(record.run),
      nodes: plan.nodes.map(({ id: node }) => {
        const row = rows.get(node);
        return row === undefined ? { node, status: untouched, attempt: 0 } : toNodeRun(row);
      }),
      tasks: open.map((task) => toTask(task, id)),
      artifacts: artifacts.map(toArtifact),
      issues: await listIssues(this.rows, record.run),
    };
  }

  async result(id: string): Promise<RunResult> {
    const record = await this.#record(id);
    const outputs: Record<string, JsonValue> = {};
    // What a replan removed is no node of the run any more.
    const { nodes } = await this.plan(record.planHash);
    const own = new Set(nodes.map((node) => node.id));
    for (const row of (await this.#nodeRuns(record.run)).values()) {
      if (row.outputJson !== null && own.has(row.node))
        outputs[row.node] = JSON.parse(row.outputJson) as JsonValue;
    }
    return {
      id,
      status: record.status,
      outputs,
      ...(record.outputJson !== null && { output: JSON.parse(record.outputJson) as JsonValue }),
      ...(await this.#failures(record)),
      reason: parseObject(record.reasonJson),
    };
  }

  /**
   * Node runs inside of loops, maps and compensations too, by path: `research[2]/search`, `translate[3]`,
   * `~/charge`. At most `limit`, and at most 1,000, after the path `after`.
   */
  async nodeRuns(id: string, options: NodeRunPage = {}): Promise<NodeRunView[]> {
    const record = await this.#record(id);
    const { after, limit, scope } = options;
    const rows = await this.rows.listNodeRuns(record.run, after, limit, scope);
    return rows.map(toNodeRun);
  }

  /** Mermaid text of the run's plan, with the status of each node and the edges taken. */
  async diagram(id: string): Promise<string> {
    const record = await this.#record(id);
    const plan = await this.plan(record.planHash);
    const rows = await this.#nodeRuns(record.run);
    const untouched: NodeStatus = isFinal(record.status) ? 'cancelled' : 'pending';
    const statuses = Object.fromEntries(
      plan.nodes.map((node) => [node.id, rows.get(node.id)?.status ?? untouched]),
    );
    return planToMermaid(plan, { statuses, takenEdges: takenEdges(plan, rows) });
  }

  /** The run as it was at event `seq`; rejects with `argument-invalid` where it has no such event. */
  async stateAt(id: string, seq: number): Promise<RunState> {
    const record = await this.#record(id);
    assertKept(record, seq);
    const checkpoint = await this.rows.checkpointOf(record.run, seq);
    if (checkpoint === undefined || seq < 1) {
      throw new RunchartError('argument-invalid', `run ${id} has no event ${seq}`);
    }
    const { nodes } = await this.plan(await planAt(this.rows, record, seq));
    const versions = await this.rows.versionsAt(record.run, seq);
    const stored = await this.rows.eventsOfType(record.run, 'artifact.stored', MAX_PAGE_ROWS);
    const isWhole = record.trimmedTo === 0;
    const artifacts = isWhole
      ? stored.filter((event) => event.seq <= seq).map(({ detailJson }) => JSON.parse(detailJson))
      : artifactsBefore(
          await this.rows.artifacts(record.run),
          stored.filter((event) => event.seq > seq),
        );
    return {
      run: id,
      seq,
      cause: checkpoint.reason,
      at: checkpoint.at,
      ...stateFromVersions(
        nodes.map((node) => node.id),
        versions,
      ),
      artifacts: artifacts as { name: string; version: number }[],
    };
  }

  /**
   * The run made again from its log, after event `to` or after its newest: statuses, edge outcomes,
   * attempts, references to artifacts, with a hash, and whether what is stored agrees. Executes nothing.
   * Rejects with `argument-invalid`, `history-trimmed`, `run-unrestorable`.
   */
  async replay(id: string, options: { readonly to?: number } = {}): Promise<ReplayView> {
    const record = await this.#record(id);
    return toReplayView(id, await replay(this.rows, record, options.to));
  }

  /**
   * A run that has ended as one file, line by line, with the runs of its subplans: all that is stored of
   * it, for `Orchestrator.import`. Rejects with `run-not-ended`, `history-trimmed`, `export-damaged`.
   */
  async *export(id: string): AsyncGenerator<string, void, undefined> {
    yield* exportRun(this.rows, await this.#record(id), this.#payloads);
  }

  /** Checks a run: its hash chain and snapshots, and that its log replays to what is stored. */
  async verify(id: string): Promise<VerificationView> {
    return verifyHistory(this.rows, await this.#record(id));
  }

  /**
   * Why a node run has its status: edges, conditions, values, attempts, policies. `node` is its path,
   * as `research[2]/decide`, `translate[3]` or `~/charge`. Rejects with `node-unknown`.
   */
  async why(id: string, node: string): Promise<Explanation> {
    return explainNode(this.rows, await this.#record(id), node);
  }

  /** The plan of a version. */
  async plan(hash: string): Promise<Plan> {
    const planJson = await this.rows.loadPlan(hash);
    if (planJson === undefined) throw new RunchartError('plan-unknown', `there is no plan ${hash}`);
    return JSON.parse(planJson) as Plan;
  }

  /** Events with a number above `after`, in order; at most `limit`, and at most 1,000. */
  async events(id: string, after = 0, limit = MAX_PAGE_ROWS): Promise<RunEvent[]> {
    const record = await this.#record(id);
    assertKept(record, after);
    const events = await this.rows.events(record.run, after, limit);
    return events.map((event) => toEvent(event, id));
  }

  /**
   * How what the run knows has changed: outputs set by nodes, and deleted as nodes began again. At most
   * `limit`, and at most 1,000, whose event has a number above `after`; those of one event stay together.
   */
  async changes(id: string, after = 0, limit = MAX_PAGE_ROWS): Promise<ContextChange[]> {
    const { run } = await this.#record(id);
    return listChanges(this.rows, run, after, Math.min(limit, MAX_PAGE_ROWS));
  }

  async attempts(id: string, node: string): Promise<AttemptView[]> {
    const record = await this.#record(id);
    return (await this.rows.attempts(record.run, node)).map(toAttempt);
  }

  /**
   * Every version of every artifact, by name, rejected ones too; large payloads are not read. At most
   * `limit`, and at most 1,000, behind `after`.
   */
  async artifacts(id: string, options: ArtifactPage = {}): Promise<ArtifactView[]> {
    const record = await this.#record(id);
    const { after, limit } = options;
    return (await this.rows.artifacts(record.run, after, limit)).map(toArtifact);
  }

  /**
   * An artifact with its payload: the newest accepted version, or the one that is named, however it
   * stands. Rejects with `artifact-unknown`, and with `artifact-corrupt` where its file is damaged.
   */
  async artifact(id: string, name: string, version?: number): Promise<ArtifactView> {
    const { run } = await this.#record(id);
    const found = await this.rows.artifact(run, name, version);
    if (found !== undefined) return readArtifact(found, this.#payloads);
    const what = version === undefined ? 'no accepted version' : `no version ${version}`;
    throw new RunchartError('artifact-unknown', `run ${id} has ${what} of artifact "${name}"`, {
      hint: 'list the artifacts of the run to see their names, versions and standing',
    });
  }

  async task(id: string): Promise<TaskView> {
    const task = await this.rows.findTask(id);
    if (task === undefined) throw new RunchartError('task-unknown', `there is no task ${id}`);
    return toTask(task, task.runId);
  }

  /** Answers to a task, oldest first. */
  async responses(task: string): Promise<ResponseView[]> {
    const found = await this.rows.findTask(task);
    if (found === undefined) throw new RunchartError('task-unknown', `there is no task ${task}`);
    return (await this.rows.responses(found.run, task)).map(toResponse);
  }

  /** Open tasks of all runs, oldest first. */
  openTasks(limit = 100): Promise<TaskView[]> {
    return this.tasks({ limit });
  }

  /** Tasks of all runs, oldest first; open ones, unless another status is asked for. */
  async tasks(
    filter: TaskFilter & { readonly answerableBy?: Principal } = {},
  ): Promise<TaskView[]> {
    const { status = 'open', limit = 100, run, ...more } = filter;
    const record = run === undefined ? undefined : await this.#record(run);
    const tasks = await this.rows.listTasks({
      status,
      limit,
      ...(record !== undefined && { run: record.run }),
      ...more,
    });
    const views = tasks.map((task) => this.task(task.id));
    return Promise.all(views);
  }

  async #record(id: string): Promise<RunRecord> {
    const record = await this.rows.getRun(id);
    if (record === undefined) {
      throw new RunchartError('run-unknown', `there is no run ${id}`, {
        hint: 'list the runs to see their ids',
      });
    }
    return record;
  }

  async #nodeRuns(run: number): Promise<Map<string, NodeRunRecord>> {
    const rows = new Map<string, NodeRunRecord>();
    let after = '';
    for (;;) {
      const page = await this.rows.listNodeRuns(run, after, MAX_PAGE_ROWS, '');
      for (const row of page) rows.set(row.node, row);
      const last = page.at(-1);
      if (last === undefined || page.length < MAX_PAGE_ROWS) return rows;
      after = last.node;
    }
  }

  async #failures({
    run,
    trimmedTo,
  }: RunRecord): Promise<Pick<RunResult, 'errors' | 'failureCount'>> {
    if (trimmedTo > 0) {
      const failures = await failuresFromRows(this.rows, run);
      const { attempts, nodes } = failures;
      const failureCount = { attempts: attempts.length, nodes: nodes.length };
      return { errors: inOrderOfTime(failures).slice(0, 2 * MAX_PAGE_ROWS), failureCount };
    }
    const failures = await this.rows.eventsOfType(run, 'node.failed', MAX_PAGE_ROWS);
    const attempts = await this.rows.eventsOfType(run, 'attempt.failed', MAX_PAGE_ROWS);
    return {
      errors: [...attempts, ...failures].sort((a, b) => a.seq - b.seq).map(toError),
      failureCount: {
        attempts: await this.rows.countEvents(run, 'attempt.failed'),
        nodes: await this.rows.countEvents(run, 'node.failed'),
      },
    };
  }
}

/** A node run keeps a letter for each of its outgoing edges, in the order of writing. */
function takenEdges(plan: Plan, rows: ReadonlyMap<string, NodeRunRecord>): ReadonlySet<string> {
  const ids = edgeIds(plan.edges);
  const next = new Map<string, number>();
  const taken = plan.edges.flatMap(({ source }, index) => {
    const place = next.get(source) ?? 0;
    next.set(source, place + 1);
    return rows.get(source)?.edges.charAt(place) === 't' ? [ids[index] ?? ''] : [];
  });
  return new Set(taken);
}

function toSummary(record: RunRecord): RunSummary {
  return {
    id: record.id,
    status: record.status,
    plan: record.planHash,
    metadata: parseObject(record.metadataJson) ?? {},
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
    endedAt: record.endedAt,
    reason: parseObject(record.reasonJson),
    origin: parseObject(record.originJson) as RunOrigin | null,
  };
}

function toNodeRun(row: NodeRunRecord): NodeRunView {
  return {
    node: row.node,
    status: row.status,
    attempt: row.attempt,
    ...(row.inputJson !== null && { input: JSON.parse(row.inputJson) as JsonValue }),
    ...(row.outputJson !== null && { output: JSON.parse(row.outputJson) as JsonValue }),
    ...(row.outcome !== null && { outcome: row.outcome }),
    ...(row.action !== null && { action: row.action }),
    ...(row.reasonJson !== null && { reason: JSON.parse(row.reasonJson) as JsonObject }),
  };
}

/** A task as the API shows it; `run` is the id of its run. */
export function toTask(task: TaskRecord, run: string): TaskView {
  const { peopleJson, responseSchemaJson } = task;
  const people = peopleJson === null ? {} : (JSON.parse(peopleJson) as TaskPeople);
  return {
    id: task.id,
    run,
    node: task.node,
    kind: task.kind,
    status: task.status,
    presented: JSON.parse(task.presentedJson) as JsonObject,
    digest: task.presentedDigest,
    responseSchema:
      responseSchemaJson === null ? null : (JSON.parse(responseSchemaJson) as JsonValue),
    responders: people.responders ?? null,
    groups: people.groups ?? null,
    quorum: people.quorum ?? null,
    assignee: task.assignee,
    round: task.round,
    reminders: task.reminders,
    deadlineAt: task.deadlineAt,
    openedAt: task.openedAt,
    closedAt: task.closedAt,
  };
}

/** An answer as the API shows it. */
function toResponse(record: ResponseRecord): ResponseView {
  const { id, task, responder, responseJson, outcome, at, presentedDigest, messageId, comment } =
    record;
  const response = JSON.parse(responseJson) as JsonValue;
  return {
    id,
    task,
    responder,
    response,
    outcome,
    at,
    digest: presentedDigest,
    messageId,
    comment,
  };
}

/** An attempt as the API shows it. */
export function toAttempt(record: AttemptRecord): AttemptView {
  const { node, attempt, worker, startedAt, endedAt, outcome } = record;
  const isKnown = outcome !== null && record.outputJson !== null;
  // One that is under check has no output yet.
  const output = isKnown ? (JSON.parse(record.outputJson) as JsonValue) : undefined;
  return {
    node,
    attempt,
    worker,
    startedAt,
    endedAt,
    outcome,
    error: parseObject(record.errorJson),
    issues: record.issuesJson === null ? [] : (JSON.parse(record.issuesJson) as Issue[]),
    ...(output !== undefined && { output }),
    ...(record.notesJson !== null && { notes: JSON.parse(record.notesJson) as JsonValue }),
  };
}

/** An event as the API shows it; `run` is the id of its run. */
export function toEvent(record: EventRecord, run: string): RunEvent {
  const { seq, type, node, attempt, at } = record;
  const detail = JSON.parse(record.detailJson) as JsonObject;
  return { id: `${run}/${seq}`, run, seq, type, node, attempt, at, detail };
}

function toError(event: EventRecord): RunError {
  const detail = JSON.parse(event.detailJson) as {
    code?: string;
    message?: string;
    reason?: { code: string; message: string };
  };
  const { code, message } = detail.reason ?? detail;
  return {
    node: event.node ?? '',
    attempt: event.attempt ?? 0,
    at: event.at,
    code: code ?? 'failed',
    message: message ?? '',
  };
}

function parseObject(json: string | null): JsonObject | null {
  return json === null ? null : (JSON.parse(json) as JsonObject);
}
