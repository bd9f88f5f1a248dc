/** Reads runs as the API shows them. Works beside the process that owns the database. */

import type { ArtifactStore } from './actors/ports.js';
import type { NodeRunRecord, Principal, RunRecord } from './actors/records.js';
import { type TraceContext, traceOf } from './actors/trace-context.js';
import { readArtifact, toArtifact } from './artifact-reader.js';
import { artifactsAt } from './artifacts-at.js';
import { planAt } from './change/plan-at.js';
import { listChanges } from './context-changes.js';
import { RunchartError } from './errors.js';
import { explainNode } from './explain/why.js';
import { assertKept } from './history/assert-kept.js';
import { exportRun } from './history/export-run.js';
import type { HistoryRows } from './history/history-rows.js';
import { replay } from './history/replay.js';
import { type ReplayView, toReplayView, type VerificationView } from './history/replay-view.js';
import { verifyHistory } from './history/verify-history.js';
import { listIssues } from './issue-list.js';
import { isFinal, type NodeStatus, type RunStatus } from './machines/statuses.js';
import type { TaskStatus } from './machines/task-events.js';
import { type ArtifactVersion, MAX_PAGE_ROWS } from './persistence/queries.js';
import type { Reader } from './persistence/reader.js';
import { planToMermaid } from './plan/diagram.js';
import { edgeIds } from './plan/edge-ids.js';
import type { JsonValue } from './plan/json.js';
import type { Plan } from './plan/schema.js';
import { type PresentedArtifact, readPresented } from './presented-artifact.js';
import { readLimit, readOptions, readText } from './read-arguments.js';
import {
  parseObject,
  toAttempt,
  toEvent,
  toNodeRun,
  toResponse,
  toSummary,
  toTask,
} from './row-views.js';
import { failuresOf } from './run-failures.js';
import { type RunRows, sqlRows } from './run-rows.js';
import { stateFromVersions } from './run-state.js';
import type {
  ArtifactView,
  AttemptView,
  ContextChange,
  Explanation,
  NodeRunView,
  ResponseView,
  RunDetails,
  RunEvent,
  RunResult,
  RunState,
  RunSummary,
  TaskView,
} from './views.js';

/** Which runs to list. */
export interface RunFilter {
  readonly status?: RunStatus;
  /** Most runs to return; 50 unless given, 1,000 at most. */
  readonly limit?: number;
  /** Only runs created before this one. */
  readonly before?: string;
}

/** Which tasks to list. */
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

/** Which node runs to list. */
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

/** Reads of runs: lists, details, events, history. Everything that it returns is durable. */
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
    const { status, limit = 50, before } = readOptions(filter);
    const cursor = before === undefined ? undefined : await this.#record(before);
    const records = await this.rows.listRuns({
      limit: readLimit(limit),
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

  /** The trace that a run belongs to; undefined where it belongs to none. */
  async trace(id: string): Promise<TraceContext | undefined> {
    return traceOf(await this.#record(id));
  }

  async summary(id: string): Promise<RunSummary> {
    return toSummary(await this.#record(id));
  }

  /** The run with its node runs, open tasks and artifacts. Nodes that were never touched are listed too. */
  async details(id: string): Promise<RunDetails> {
    const record = await this.#record(id);
    const plan = await this.plan(record.planHash);
    const rows = await this.#nodeRuns(record.run);
    const untouched = untouchedIn(record);
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
      ...(await failuresOf(this.rows, record)),
      reason: parseObject(record.reasonJson),
    };
  }

  /**
   * Node runs inside of loops, maps and compensations too, by path: `research[2]/search`, `translate[3]`,
   * `~/charge`. At most `limit`, and at most 1,000, after the path `after`.
   */
  async nodeRuns(id: string, options: NodeRunPage = {}): Promise<NodeRunView[]> {
    const record = await this.#record(id);
    const { after, limit = MAX_PAGE_ROWS, scope } = readOptions(options);
    const rows = await this.rows.listNodeRuns(record.run, after, readLimit(limit), scope);
    return rows.map(toNodeRun);
  }

  /** Mermaid text of the run's plan, with the status of each node and the edges taken. */
  async diagram(id: string): Promise<string> {
    const record = await this.#record(id);
    const plan = await this.plan(record.planHash);
    const rows = await this.#nodeRuns(record.run);
    const untouched = untouchedIn(record);
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
    return {
      run: id,
      seq,
      cause: checkpoint.reason,
      at: checkpoint.at,
      ...stateFromVersions(
        nodes.map((node) => node.id),
        versions,
      ),
      artifacts: await artifactsAt(this.rows, record.run, seq),
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
    const events = await this.rows.events(record.run, after, readLimit(limit));
    return events.map((event) => toEvent(event, id));
  }

  /**
   * How what the run knows has changed: outputs set by nodes, and deleted as nodes began again. At most
   * `limit`, and at most 1,000, whose event has a number above `after`; those of one event stay together.
   * Rejects with `history-trimmed`, as `events`.
   */
  async changes(id: string, after = 0, limit = MAX_PAGE_ROWS): Promise<ContextChange[]> {
    const record = await this.#record(id);
    assertKept(record, after);
    return listChanges(this.rows, record.run, after, Math.min(readLimit(limit), MAX_PAGE_ROWS));
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
    const { after, limit = MAX_PAGE_ROWS } = readOptions(options);
    return (await this.rows.artifacts(record.run, after, readLimit(limit))).map(toArtifact);
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
    const task = await this.rows.findTask(readText(id, 'the id of a task'));
    if (task === undefined) throw new RunchartError('task-unknown', `there is no task ${id}`);
    return toTask(task, task.runId);
  }

  /**
   * An artifact that a task shows, with its payload: of what is judged, or was refused. Rejects with
   * `task-unknown`, `artifact-unknown`, and with `artifact-corrupt` where its file is damaged.
   */
  async taskArtifact(task: string, name: string): Promise<PresentedArtifact> {
    return readPresented(await this.task(task), name, this.#payloads);
  }

  /** Answers to a task, oldest first. */
  async responses(task: string): Promise<ResponseView[]> {
    const found = await this.rows.findTask(readText(task, 'the id of a task'));
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
    const { status = 'open', limit = 100, run, ...more } = readOptions(filter);
    const record = run === undefined ? undefined : await this.#record(run);
    const tasks = await this.rows.listTasks({
      status,
      limit: readLimit(limit),
      ...(record !== undefined && { run: record.run }),
      ...more,
    });
    const views = tasks.map((task) => this.task(task.id));
    return Promise.all(views);
  }

  async #record(id: string): Promise<RunRecord> {
    const record = await this.rows.getRun(readText(id, 'the id of a run'));
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
}

/** Status of the nodes that have no row. */
function untouchedIn({ status }: RunRecord): NodeStatus {
  return isFinal(status) ? 'cancelled' : 'pending';
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
