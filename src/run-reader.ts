/** Reads runs as the API shows them. Works beside the process that owns the database. */
import { correlationOf } from './actors/correlation.js';
import type { LogRows } from './actors/delivery-records.js';
import type { NodeRunRecord, Principal, RunRecord } from './actors/records.js';
import { DEFAULT_TENANT } from './actors/tenant.js';
import { type TraceContext, traceOf } from './actors/trace-context.js';
import { type ArtifactPage, ArtifactReader, toArtifact } from './artifact-reader.js';
import { artifactsAt } from './artifacts-at.js';
import { planAt } from './change/plan-at.js';
import { listChanges } from './context-changes.js';
import { RunchartError } from './errors.js';
import { explainNode } from './explain/why.js';
import { assertKept } from './history/assert-kept.js';
import { exportRun } from './history/export-run.js';
import { withChildren } from './history/family.js';
import { replay } from './history/replay.js';
import { type ReplayView, toReplayView, type VerificationView } from './history/replay-view.js';
import { verifyHistory } from './history/verify-history.js';
import { listIssues } from './issue-list.js';
import { isFinal, type NodeStatus, RUN_STATUSES, type RunStatus } from './machines/statuses.js';
import { PAGE, pages } from './pages.js';
import { planToMermaid } from './plan/diagram.js';
import { edgeIds } from './plan/edge-ids.js';
import type { JsonValue } from './plan/json.js';
import type { Plan } from './plan/schema.js';
import { StreamMask } from './plan/stream-mask.js';
import type { PresentedArtifact } from './presented-artifact.js';
import {
  readCountIfGiven,
  readLimit,
  readOptions,
  readText,
  readTextIfGiven,
} from './read-arguments.js';
import { readAttemptKey } from './read-cursors.js';
import {
  parseObject,
  toAttempts,
  toEvent,
  toNodeRun,
  toSignal,
  toSummary,
  toTask,
} from './row-views.js';
import { failuresOf } from './run-failures.js';
import { snapshotOf } from './run-parts.js';
import {
  maskAttempt,
  maskChange,
  maskNode,
  maskOutputs,
  maskTask,
  type SecretKeeper,
} from './run-secrets.js';
import { stateFromVersions } from './run-state.js';
import { type Payloads, SeenRuns } from './seen-runs.js';
import type { HistoryRows } from './storage/history-rows.js';
import { type AttemptPage, MAX_PAGE_ROWS, type RunRows } from './storage/run-rows.js';
import { type TaskFilter, TaskReader } from './task-reader.js';
import type {
  ArtifactView,
  AttemptView,
  CheckpointView,
  ContextChange,
  Explanation,
  IssueView,
  NodeRunView,
  ResponseView,
  RunDetails,
  RunEvent,
  RunHead,
  RunPart,
  RunResult,
  RunSnapshot,
  RunState,
  RunSummary,
  SignalView,
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

/** What an export has. */
export interface ExportOptions {
  /** With what plans call secret, which is refused otherwise. */
  readonly secrets?: 'include' | undefined;
}

/** Which node runs to list. */
export interface NodeRunPage {
  readonly after?: string;
  readonly limit?: number;
  /** Path of a scope: empty for the nodes of the plan, `research[2]`, `translate[]`, `~`. */
  readonly scope?: string;
}

export interface SignalPage {
  /** Number of the signal that ended the page before. */
  readonly after?: number;
  readonly limit?: number;
}

/** Reads of runs: lists, details, events, history. Everything that it returns is durable. */
export class RunReader {
  readonly #seen: SeenRuns;
  readonly #tasks: TaskReader;
  readonly #artifacts: ArtifactReader;

  /**
   * Reads a database, or rows that are kept elsewhere; `payloads` has what is too large for rows. With a
   * tenant, the runs of others are not there.
   */
  constructor(rows: RunRows, payloads: Payloads, tenant?: string, secrets?: SecretKeeper) {
    this.#seen = new SeenRuns(rows, payloads, tenant, secrets);
    this.#tasks = new TaskReader(this.#seen);
    this.#artifacts = new ArtifactReader(this.#seen);
  }

  /** The rows that it reads. */
  get rows(): RunRows {
    return this.#seen.rows;
  }

  /** Shows values of a run without what its plan calls secret; undefined where that is nothing. */
  async maskFor(record: RunRecord): Promise<(<T>(value: T) => T) | undefined> {
    const secrets = await this.#seen.secrets.of(record);
    return secrets && ((value) => secrets.found.hide(value));
  }

  /** The same; undefined at once where it is known that nothing is secret. */
  hideFor(record: RunRecord): Promise<(<T>(value: T) => T) | undefined> | undefined {
    return this.#seen.secrets.knowsNone(record) ? undefined : this.maskFor(record);
  }

  /** The same for what is streamed by one attempt. */
  async streamMaskFor(record: RunRecord): Promise<StreamMask | undefined> {
    const secrets = await this.#seen.secrets.of(record);
    return secrets?.found.isEmpty === false ? new StreamMask(secrets.found) : undefined;
  }

  /** The same, of one tenant. */
  forTenant(tenant: string): RunReader {
    const { rows, payloads, secrets } = this.#seen;
    return new RunReader(rows, payloads, tenant, secrets);
  }

  /** What the history of runs is read from. */
  get history(): HistoryRows {
    return this.rows;
  }

  /** Newest first. */
  async list(filter: RunFilter = {}): Promise<RunSummary[]> {
    const { status, limit = 50, before } = readOptions(filter);
    if (status !== undefined) readStatus(status);
    const cursor = before === undefined ? undefined : await this.#seen.record(before);
    const records = await this.rows.listRuns({
      limit: readLimit(limit),
      tenant: this.#seen.tenant,
      ...(status !== undefined && { status }),
      ...(cursor !== undefined && { before: cursor.run }),
    });
    return Promise.all(records.map((record) => this.#seen.shown(record, toSummary(record))));
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
    return traceOf(await this.#seen.record(id));
  }

  async summary(id: string): Promise<RunSummary> {
    const record = await this.#seen.record(id);
    return this.#seen.shown(record, toSummary(record));
  }

  /** The run with its inputs and the number of its newest event. */
  async head(id: string): Promise<RunHead> {
    const record = await this.#seen.record(id);
    const inputs = JSON.parse(record.inputJson) as JsonValue;
    const seq = await this.rows.newestSeq(record.run);
    return this.#seen.shown(record, { ...toSummary(record), inputs, seq }, (secrets, view) => ({
      ...view,
      inputs: secrets.mask.inputs(view.inputs, secrets.found),
    }));
  }

  /** The run with its node runs, open tasks and artifacts. Nodes that were never touched are listed too. */
  async details(id: string): Promise<RunDetails> {
    const record = await this.#seen.record(id);
    const plan = await this.#seen.planOf(record);
    const rows = await this.#nodeRuns(record.run);
    const untouched = untouchedIn(record);
    const open = await this.rows.listTasks({
      run: record.run,
      status: 'open',
      limit: MAX_PAGE_ROWS,
    });
    const artifacts = await this.rows.artifacts(record.run);
    const shown: RunDetails = {
      ...toSummary(record),
      inputs: JSON.parse(record.inputJson) as JsonValue,
      seq: await this.rows.newestSeq(record.run),
      nodes: plan.nodes.map(({ id: node }) => {
        const row = rows.get(node);
        return row === undefined ? { node, status: untouched, attempt: 0 } : toNodeRun(row);
      }),
      tasks: open.map((task) => toTask(task, record.id)),
      artifacts: artifacts.map(toArtifact),
      issues: await listIssues(this.rows, record.run),
    };
    return this.#seen.shown(record, shown, (secrets, view) => ({
      ...view,
      inputs: secrets.mask.inputs(view.inputs, secrets.found),
      nodes: view.nodes.map((one) => maskNode(secrets, one)),
      tasks: view.tasks.map((one) => maskTask(secrets, one)),
    }));
  }

  async result(id: string): Promise<RunResult> {
    const record = await this.#seen.record(id);
    const outputs: Record<string, JsonValue> = {};
    // What a replan removed is no node of the run any more.
    const { nodes } = await this.#seen.planOf(record);
    const own = new Set(nodes.map((node) => node.id));
    for (const row of (await this.#nodeRuns(record.run)).values()) {
      if (row.outputJson !== null && own.has(row.node))
        outputs[row.node] = JSON.parse(row.outputJson) as JsonValue;
    }
    const shown: RunResult = {
      id: record.id,
      status: record.status,
      outputs,
      ...(record.outputJson !== null && { output: JSON.parse(record.outputJson) as JsonValue }),
      ...(await failuresOf(this.rows, record)),
      reason: parseObject(record.reasonJson),
    };
    return this.#seen.shown(record, shown, (secrets, view) => ({
      ...view,
      outputs: maskOutputs(secrets, view.outputs),
    }));
  }

  /**
   * Node runs inside of loops, maps and compensations too, by path: `research[2]/search`, `translate[3]`,
   * `~/charge`. At most `limit`, and at most 1,000, after the path `after`.
   */
  async nodeRuns(id: string, options: NodeRunPage = {}): Promise<NodeRunView[]> {
    const record = await this.#seen.record(id);
    const { after, limit = MAX_PAGE_ROWS, scope } = readOptions(options);
    readTextIfGiven(after, '`after`');
    readTextIfGiven(scope, 'the scope');
    const rows = await this.rows.listNodeRuns(record.run, after, readLimit(limit), scope);
    return this.#seen.shown(record, rows.map(toNodeRun), (secrets, nodes) =>
      nodes.map((one) => maskNode(secrets, one)),
    );
  }

  /** Mermaid text of the run's plan, with the status of each node and the edges taken. */
  async diagram(id: string): Promise<string> {
    const record = await this.#seen.record(id);
    const plan = await this.#seen.planOf(record);
    const rows = await this.#nodeRuns(record.run);
    const untouched = untouchedIn(record);
    const statuses = Object.fromEntries(
      plan.nodes.map((node) => [node.id, rows.get(node.id)?.status ?? untouched]),
    );
    return planToMermaid(plan, { statuses, takenEdges: takenEdges(plan, rows) });
  }

  /** The run as it was at event `seq`; rejects with `argument-invalid` where it has no such event. */
  async stateAt(id: string, seq: number): Promise<RunState> {
    const record = await this.#seen.record(id);
    assertKept(record, seq);
    const checkpoint = await this.rows.checkpointOf(record.run, seq);
    if (checkpoint === undefined || seq < 1) {
      throw new RunchartError('argument-invalid', `run ${id} has no event ${seq}`);
    }
    const { nodes } = await this.#seen.planOf({
      planHash: await planAt(this.rows, record, seq),
    });
    const versions = await this.rows.versionsAt(record.run, seq);
    return this.#seen.shown(record, {
      run: record.id,
      seq,
      cause: checkpoint.reason,
      at: checkpoint.at,
      ...stateFromVersions(
        nodes.map((node) => node.id),
        versions,
      ),
      artifacts: await artifactsAt(this.rows, record.run, seq),
    });
  }

  /**
   * The run made again from its log, after event `to` or after its newest: statuses, edge outcomes,
   * attempts, references to artifacts, with a hash, and whether what is stored agrees. Executes nothing.
   * Rejects with `argument-invalid`, `history-trimmed`, `run-unrestorable`.
   */
  async replay(id: string, options: { readonly to?: number } = {}): Promise<ReplayView> {
    const record = await this.#seen.record(id);
    return this.#seen.shown(
      record,
      toReplayView(
        record.id,
        await replay(this.rows, record, readCountIfGiven(readOptions(options).to, '`to`')),
      ),
    );
  }

  /**
   * A run that has ended as one file, line by line, with the runs of its subplans: all that is stored of
   * it, for `Orchestrator.import`. Rejects with `run-not-ended`, `history-trimmed`, `export-damaged`, and with
   * `export-secret` where a plan has secrets, unless they are asked for.
   */
  async *export(id: string, options: ExportOptions = {}): AsyncGenerator<string, void, undefined> {
    const record = await this.#seen.record(id);
    if (readOptions(options).secrets !== 'include') await this.#refuseSecrets(record);
    const hasOwnNumbers = (this.#seen.tenant ?? DEFAULT_TENANT) !== DEFAULT_TENANT;
    yield* exportRun(this.rows, record, this.#seen.payloads, { hasOwnNumbers });
  }

  /** An export is what is stored: with something masked it would be no run. */
  async #refuseSecrets(root: RunRecord): Promise<void> {
    for (const record of await withChildren(this.rows, root)) {
      if ((await this.#seen.secrets.of(record)) === undefined) continue;
      const message = `the plan of run ${record.id} has secrets, and an export has what is stored`;
      throw new RunchartError('export-secret', message, {
        hint: 'ask for them: secrets "include"',
      });
    }
  }

  /** Checks a run: its hash chain and snapshots, and that its log replays to what is stored. */
  async verify(id: string): Promise<VerificationView> {
    return verifyHistory(this.rows, await this.#seen.record(id));
  }

  /**
   * Why a node run has its status: edges, conditions, values, attempts, policies. `node` is its path,
   * as `research[2]/decide`, `translate[3]` or `~/charge`. Rejects with `node-unknown`.
   */
  async why(id: string, node: string): Promise<Explanation> {
    const record = await this.#seen.record(id);
    return this.#seen.shown(
      record,
      await explainNode(this.rows, record, readText(node, 'the path')),
    );
  }

  /** The plan of a version; of a tenant's view, one that it has stored or a run of it has. Rejects with `plan-unknown`. */
  plan(hash: string): Promise<Plan> {
    return this.#seen.plan(hash);
  }

  /** Events with a number above `after`, in order; at most `limit`, and at most 1,000. */
  async events(id: string, after = 0, limit = MAX_PAGE_ROWS): Promise<RunEvent[]> {
    const record = await this.#seen.record(id);
    assertKept(record, after);
    const events = await this.rows.events(record.run, after, readLimit(limit));
    const correlation = correlationOf(record);
    return this.#seen.shown(
      record,
      events.map((event) => toEvent(event, record.id, correlation)),
    );
  }

  /**
   * How what the run knows has changed: outputs set by nodes, and deleted as nodes began again. At most
   * `limit`, and at most 1,000, whose event has a number above `after`; those of one event stay together.
   * Rejects with `history-trimmed`, as `events`.
   */
  async changes(id: string, after = 0, limit = MAX_PAGE_ROWS): Promise<ContextChange[]> {
    const record = await this.#seen.record(id);
    assertKept(record, after);
    const most = Math.min(readLimit(limit), MAX_PAGE_ROWS);
    const changes = await listChanges(this.rows, record.run, after, most);
    return this.#seen.shown(record, changes, (secrets, views) =>
      views.map((one) => maskChange(secrets, one)),
    );
  }

  /** Tries of a node run, or of all of them, by node, oldest first; at most `limit`, and at most 1,000. */
  async attempts(
    id: string,
    node?: string,
    page: Omit<AttemptPage, 'node'> = {},
  ): Promise<AttemptView[]> {
    const record = await this.#seen.record(id);
    const { after, limit = MAX_PAGE_ROWS } = readOptions(page);
    const found = await this.rows.listAttempts(record.run, {
      limit: readLimit(limit),
      ...(after !== undefined && { after: readAttemptKey(after) }),
      ...(node !== undefined && { node: readText(node, 'the path') }),
    });
    const inputs = await this.rows.inputsOf(record.run, found);
    return this.#seen.shown(record, toAttempts(found, inputs), (secrets, views) =>
      views.map((one) => maskAttempt(secrets, one)),
    );
  }

  /** The ends of turns after event `after`, oldest first; at most `limit`, and at most 1,000. */
  async checkpoints(id: string, after = 0, limit = MAX_PAGE_ROWS): Promise<CheckpointView[]> {
    const { run } = await this.#seen.record(id);
    readCountIfGiven(after, '`after`');
    const found = await this.rows.checkpoints(run, after, readLimit(limit));
    return found.map(({ seq, reason, at }) => ({ seq, cause: reason, at }));
  }

  /** What the run was told, in order; at most `limit`, and at most 1,000, whose number is above `after`. */
  async signals(id: string, page: SignalPage = {}): Promise<SignalView[]> {
    const record = await this.#seen.record(id);
    const { after, limit = MAX_PAGE_ROWS } = readOptions(page);
    readCountIfGiven(after, '`after`');
    const found = await this.rows.signals(record.run, after, readLimit(limit));
    return this.#seen.shown(record, found.map(toSignal));
  }

  /** Findings about results and responses, a thousand at most. */
  async issues(id: string): Promise<IssueView[]> {
    const record = await this.#seen.record(id);
    return this.#seen.shown(record, await listIssues(this.rows, record.run));
  }

  /** The run with the parts that are asked for, 500 entries of each at most. */
  snapshot(id: string, parts: readonly RunPart[]): Promise<RunSnapshot> {
    return snapshotOf(this, id, parts);
  }

  /**
   * Every version of every artifact, by name, rejected ones too; large payloads are not read. At most
   * `limit`, and at most 1,000, behind `after`.
   */
  artifacts(id: string, options?: ArtifactPage): Promise<ArtifactView[]> {
    return this.#artifacts.list(id, options);
  }

  /**
   * An artifact with its payload: the newest accepted version, or the one that is named, however it
   * stands. Rejects with `artifact-unknown`, and with `artifact-corrupt` where its file is damaged.
   */
  artifact(id: string, name: string, version?: number): Promise<ArtifactView> {
    return this.#artifacts.get(id, name, version);
  }

  /**
   * The payload of an artifact as JSON text, a piece at a time: a large one is not in memory as a whole, unless it is
   * encrypted or its plan has secrets. Rejects as `artifact`, with `artifact-corrupt` before the last piece, and with
   * `artifact-unknown` where the payload is kept elsewhere, at its pointer.
   */
  artifactText(
    id: string,
    name: string,
    version?: number,
  ): AsyncGenerator<string | Uint8Array, void, undefined> {
    return this.#artifacts.text(id, name, version);
  }

  /** Rejects with `task-unknown`. */
  task(id: string): Promise<TaskView> {
    return this.#tasks.get(id);
  }

  /**
   * An artifact that a task shows, with its payload: of what is judged, or was refused. Rejects with
   * `task-unknown`, `artifact-unknown`, and with `artifact-corrupt` where its file is damaged.
   */
  taskArtifact(task: string, name: string): Promise<PresentedArtifact> {
    return this.#tasks.artifact(task, name);
  }

  /** Answers to a task, oldest first. */
  responses(task: string): Promise<ResponseView[]> {
    return this.#tasks.responses(task);
  }

  /** Open tasks of all runs, oldest first. */
  openTasks(limit = 100): Promise<TaskView[]> {
    return this.tasks({ limit });
  }

  /** Tasks of all runs, oldest first; open ones, unless another status is asked for. */
  tasks(filter?: TaskFilter & { readonly answerableBy?: Principal }): Promise<TaskView[]> {
    return this.#tasks.list(filter);
  }

  /** A value that says something of a run, without what its plan calls secret. */
  async withoutSecrets<T>(run: string, value: T): Promise<T> {
    return this.#seen.shown(await this.#seen.record(run), value);
  }

  /** An input for runs of a plan, and what goes beside it, without what the plan calls secret. */
  hideInput<T>(
    hash: string,
    input: JsonValue,
    beside: T,
  ): Promise<readonly [input: JsonValue, beside: T]> {
    return this.#seen.secrets.hideInput(hash, input, beside);
  }

  /** The log of all runs, without what their plans call secret. */
  get maskedLog(): LogRows {
    return this.#seen.secrets.log(this.rows.log);
  }

  async #nodeRuns(run: number): Promise<Map<string, NodeRunRecord>> {
    const rows = new Map<string, NodeRunRecord>();
    const read = (after?: NodeRunRecord) => this.rows.listNodeRuns(run, after?.node, PAGE, '');
    for await (const row of pages(read)) rows.set(row.node, row);
    return rows;
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

function readStatus(status: RunStatus): void {
  if (RUN_STATUSES.includes(status)) return;
  const hint = `statuses are ${RUN_STATUSES.join(', ')}`;
  throw new RunchartError('argument-invalid', 'no run has such a status', { hint });
}
