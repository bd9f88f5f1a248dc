/**
 * Why a node run has its status: the edges, conditions, values and policies that led to it, put
 * together from the rows, the log and the plan. Reads only; bounded in depth and number.
 */
import type { NodeRunRecord, RunRecord } from '../actors/records.js';
import { RunchartError } from '../errors.js';
import { isFinal, type NodeStatus } from '../machines/statuses.js';
import type { JsonObject, JsonValue } from '../plan/json.js';
import type { Plan } from '../plan/schema.js';
import type { Explanation, ExplanationCause } from '../views.js';
import { cause, reasonText, renderLines, timeText } from './cause.js';
import type { Spot } from './plan-paths.js';
import { type FactRows, parseJson, RunFacts } from './run-facts.js';
import { explainAnswer } from './why-answers.js';
import { explainByHand, explainCarried, explainGeneration } from './why-changes.js';
import { explainEdge, explainRule, type Inbound, inboundOf } from './why-edges.js';
import {
  explainFailure,
  explainInsideOver,
  explainOutput,
  explainReady,
  explainRunning,
  explainTask,
} from './why-work.js';

/** How far an explanation follows what is before a node. */
const MAX_DEPTH = 16;
/** Node runs that one explanation looks at. */
const MAX_LOOKED_AT = 100;
/** Edges of one node that are explained one by one. */
const MAX_EDGES = 50;

/** Rejects with `node-unknown` where the run has no such node run, and never will have. */
export async function explainNode(
  rows: FactRows,
  record: RunRecord,
  path: string,
): Promise<Explanation> {
  const planJson = await rows.loadPlan(record.planHash);
  if (planJson === undefined) {
    throw new RunchartError('plan-unknown', `there is no plan ${record.planHash}`);
  }
  const facts = new RunFacts(rows, record, JSON.parse(planJson) as Plan);
  return new Explainer(facts).explain(path);
}

class Explainer {
  readonly #facts: RunFacts;
  #lookedAt = 0;

  constructor(facts: RunFacts) {
    this.#facts = facts;
  }

  async explain(path: string): Promise<Explanation> {
    const facts = this.#facts;
    const spot = facts.paths.spot(path);
    if (spot === undefined) throw unknown(facts.record.id, path);
    const row = await facts.nodeRun(path);
    if (row === undefined) await this.#assertMayBe(spot);
    const status = await facts.status(spot);
    const since = row === undefined ? await facts.untouchedEnd(spot) : await facts.event(row.seq);
    const explanation = {
      run: facts.record.id,
      node: path,
      status,
      generation: row?.generation ?? 1,
      attempt: row?.attempt ?? 0,
      since: since == null ? null : { seq: since.seq, type: since.type, at: since.at },
      causes: [
        ...(await explainGeneration(facts, row)),
        ...listOf(isFinal(status) ? explainCarried(since) : undefined),
        ...(await this.#causes(spot, status, row, 0)),
      ],
    };
    return { ...explanation, lines: renderLines(explanation) };
  }

  /** Iterations and items that their host never came to are no node runs. */
  async #assertMayBe(spot: Spot): Promise<void> {
    const { host, as, number } = spot;
    const { id } = this.#facts.record;
    if (host === undefined && as === 'node') return;
    if (as === 'compensation') {
      const undone = spot.node.kind === 'action' ? spot.node.compensate : undefined;
      if (undone === undefined) throw unknown(id, spot.path);
      return;
    }
    const around = await this.#facts.nodeRun(host ?? '');
    const inside = this.#facts.paths.spot(host ?? '');
    if (around === undefined && inside !== undefined) return this.#assertMayBe(inside);
    const isOld = around !== undefined && around.generation !== spot.hostGeneration;
    if (as === 'node' && around !== undefined && (isOld || isFinal(around.status))) {
      const rows = await this.#facts.nodeRunsBelow(`${spot.scope}/`);
      if (rows.length === 0) throw unknown(id, spot.path, `"${host}" never came to it`);
    }
    if (as !== 'item') return;
    if (isOld) throw unknown(id, spot.path, `"${host}" is at generation ${around.generation}`);
    const started = await this.#facts.ofType('map.started');
    const items = started.findLast(({ node }) => node === host)?.detail.items;
    if (typeof items === 'number' && (number ?? 0) >= items) {
      throw unknown(id, spot.path, `"${host}" has ${items} items`);
    }
  }

  async #causes(
    spot: Spot,
    status: NodeStatus,
    row: NodeRunRecord | undefined,
    depth: number,
  ): Promise<readonly ExplanationCause[]> {
    const facts = this.#facts;
    if (row === undefined) {
      return status === 'pending' ? this.#pending(spot, depth) : this.#cancelled(spot, row);
    }
    switch (status) {
      case 'pending':
        return this.#pending(spot, depth);
      case 'ready':
        return explainReady(facts, spot, row, await facts.event(row.seq));
      case 'running':
        return explainRunning(facts, spot, row, await facts.event(row.seq));
      case 'awaiting-human':
        return explainTask(facts, spot, row);
      case 'blocked':
        return [...(await explainFailure(facts, spot, row)), UNBLOCKS];
      case 'completed':
      case 'partial':
        return this.#completed(spot, row);
      case 'skipped':
        return this.#skipped(spot, row, depth);
      case 'failed':
        return this.#failed(spot, row, depth);
      case 'cancelled':
        return this.#cancelled(spot, row);
    }
  }

  // Not started --------------------------------------------------------------------------------

  async #pending(spot: Spot, depth: number): Promise<readonly ExplanationCause[]> {
    const held = depth === 0 ? await this.#heldBack() : [];
    if (spot.as === 'compensation') {
      const message = 'it is undone when the run fails or is cancelled, one node after another';
      return [...held, cause('waits-for-turn', message)];
    }
    if (spot.as === 'item') return [...held, ...(await this.#behindHost(spot, depth))];
    const inbound = await inboundOf(this.#facts, spot);
    const open = inbound.filter(({ outcome }) => outcome === 'undecided');
    const around = spot.host === undefined ? [] : await this.#behindHost(spot, depth);
    const rule = explainRule(spot, inbound);
    const edges: ExplanationCause[] = [];
    for (const one of open.slice(0, MAX_EDGES)) edges.push(await this.#undecided(one, depth));
    return [...held, ...around, ...rule, ...edges, ...more(open.length - MAX_EDGES, 'edges')];
  }

  /** Why the run as a whole starts nothing. */
  async #heldBack(): Promise<readonly ExplanationCause[]> {
    const { record } = this.#facts;
    const { startAt } = parseJson<{ startAt?: number }>(record.settingsJson) ?? {};
    if (record.status === 'paused') {
      const reason = parseJson<JsonObject>(record.reasonJson);
      const why = reason === undefined ? '' : `: ${reasonText(reason)}`;
      return [cause('run-paused', `the run is paused${why}`, reason && { reason })];
    }
    if (record.status === 'pending') {
      const when = startAt === undefined ? '' : `: it starts at ${timeText(startAt)}`;
      return [cause('run-not-started', `the run has not started${when}`, { startAt })];
    }
    const task = await this.#facts.openTask('');
    if (task === undefined) return [];
    const message = `the run has used up what it may: task ${task.id} asks whether it may go on`;
    return [cause('run-awaits-grant', message, { task: task.id, kind: task.kind })];
  }

  /** Of what lies inside of a composite: whether that has come to it. */
  async #behindHost({ host = '', as, scope }: Spot, depth: number): Promise<ExplanationCause[]> {
    const around = this.#facts.paths.spot(host);
    if (around === undefined) return [];
    const row = await this.#facts.nodeRun(host);
    const status = row?.status ?? 'pending';
    if (status === 'running' && as === 'node' && row?.inside === scope) return [];
    const behind = as === 'item' ? 'has no room for more items' : `is at "${row?.inside}"`;
    const what = status === 'running' ? `, and ${behind}` : '';
    const inner = status === 'running' ? [] : await this.#look(around, depth);
    return [cause('host', `"${host}" is ${status}${what}`, { node: host, status }, inner)];
  }

  async #undecided({ written, source }: Inbound, depth: number): Promise<ExplanationCause> {
    const status = await this.#facts.status(source);
    const message = `edge ${written.id} is undecided: "${source.path}" is ${status}`;
    const detail = { edge: written.id, source: source.path, status };
    return cause('edge-undecided', message, detail, await this.#look(source, depth));
  }

  /** Explains a node before the one that is asked about, as far as the bounds allow. */
  async #look(spot: Spot, depth: number): Promise<readonly ExplanationCause[]> {
    this.#lookedAt += 1;
    if (depth >= MAX_DEPTH || this.#lookedAt > MAX_LOOKED_AT) {
      return [cause('more', `ask why of "${spot.path}"`, { node: spot.path })];
    }
    const row = await this.#facts.nodeRun(spot.path);
    const status = await this.#facts.status(spot);
    return this.#causes(spot, status, row, depth + 1);
  }

  // Ended --------------------------------------------------------------------------------------

  async #completed(spot: Spot, row: NodeRunRecord): Promise<readonly ExplanationCause[]> {
    const facts = this.#facts;
    const inbound = await inboundOf(facts, spot);
    const taken = inbound.filter(({ outcome }) => outcome === 'taken');
    const isComposite = COMPOSITES.has(spot.node.kind) && spot.as === 'node';
    const isInside = INSIDE_CODES.has(String(parseJson<JsonObject>(row.reasonJson)?.code));
    const byHand = explainByHand(parseJson<JsonObject>(row.reasonJson));
    const hasFailed = row.reasonJson !== null && !isInside && byHand === undefined;
    return [
      ...explainStart(spot, inbound),
      ...explainRule(spot, inbound),
      ...(await this.#edges(taken)),
      ...(spot.as === 'compensation' ? await this.#runEnding() : []),
      ...(await explainAnswer(facts, spot, row)),
      ...(isComposite ? await explainInsideOver(facts, spot, row) : []),
      ...listOf(byHand),
      ...(hasFailed ? await explainFailure(facts, spot, row) : await successes(facts, row)),
      ...explainOutput(row),
    ];
  }

  async #skipped(
    spot: Spot,
    row: NodeRunRecord,
    depth: number,
  ): Promise<readonly ExplanationCause[]> {
    const reason = parseJson<JsonObject>(row.reasonJson);
    const code = String(reason?.code ?? '');
    const byHand = explainByHand(reason);
    if (byHand !== undefined) return [byHand];
    // Its policy skips what failed.
    if (!BRANCH_CODES.has(code)) return explainFailure(this.#facts, spot, row);
    const inbound = await inboundOf(this.#facts, spot);
    const decisive = inbound.filter(({ outcome }) =>
      code === 'upstream-failed' ? outcome === 'failed' : outcome !== 'taken',
    );
    return [
      cause(code, reasonText(reason), { reason: reason ?? null }),
      ...explainRule(spot, inbound),
      ...(await this.#edges(decisive, depth)),
    ];
  }

  /** Edges one by one, with what is before them where `depth` is given. */
  async #edges(inbound: readonly Inbound[], depth?: number): Promise<readonly ExplanationCause[]> {
    const furtherUp = async (source: Spot) =>
      depth === undefined ? [] : this.#look(source, depth);
    const edges: ExplanationCause[] = [];
    for (const one of inbound.slice(0, MAX_EDGES)) {
      edges.push(await explainEdge(this.#facts, one, furtherUp));
    }
    return [...edges, ...more(inbound.length - MAX_EDGES, 'edges')];
  }

  async #failed(
    spot: Spot,
    row: NodeRunRecord,
    depth: number,
  ): Promise<readonly ExplanationCause[]> {
    const reason = parseJson<JsonObject>(row.reasonJson);
    const inbound = await inboundOf(this.#facts, spot);
    const isRefused = row.attempt === 0 && spot.node.kind !== 'subplan';
    const decisive = inbound.filter(({ outcome }) => outcome === 'failed' || outcome === 'error');
    return [
      ...(await explainFailure(this.#facts, spot, row)),
      ...(await explainAnswer(this.#facts, spot, row)),
      ...explainRule(spot, inbound),
      ...(isRefused ? await this.#edges(decisive, depth) : []),
      ...(await this.#culprit(spot, reason, depth)),
    ];
  }

  /** What failed inside of a composite. */
  async #culprit(
    { path }: Spot,
    reason: JsonObject | undefined,
    depth: number,
  ): Promise<readonly ExplanationCause[]> {
    const detail = reason?.detail;
    if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) return [];
    if (typeof detail.run === 'string') {
      const message = `the run ${detail.run} that worked for it failed; ask why of its nodes`;
      return [cause('child-run', message, { run: detail.run })];
    }
    const spot = typeof detail.node === 'string' ? this.#facts.paths.spot(detail.node) : undefined;
    if (spot === undefined || spot.path === path) return [];
    const message = `"${spot.path}" failed inside of it`;
    return [cause('inside-failed', message, { node: spot.path }, await this.#look(spot, depth))];
  }

  async #cancelled(
    spot: Spot,
    row: NodeRunRecord | undefined,
  ): Promise<readonly ExplanationCause[]> {
    const reason = parseJson<JsonObject>(row?.reasonJson ?? null);
    const code = String(reason?.code ?? '');
    if (code === 'superseded') {
      return [cause('superseded', reasonText(reason), { reason: reason ?? null })];
    }
    const end = row === undefined ? await this.#facts.untouchedEnd(spot) : undefined;
    const isScoped = typeof end?.detail.scope === 'string' || code === 'race-decided';
    const why = isScoped ? await this.#withdrawn(spot) : [];
    if (why.length > 0) return why;
    if (!isScoped || isFinal(this.#facts.record.status)) return this.#runEnding();
    const message = 'what it lies inside of is being called off';
    return [cause('withdrawn', message, { reason: reason ?? null })];
  }

  /** A join decided, or what it lies inside of was called off. */
  async #withdrawn(spot: Spot): Promise<readonly ExplanationCause[]> {
    for (let within: Spot | undefined = spot; within; ) {
      const join = await this.#decidedJoin(within);
      if (join !== undefined) {
        const message = `the join "${join.node}" had decided without it (event ${join.seq})`;
        return [cause('race-decided', message, { join: join.node, event: join.seq })];
      }
      const host = within.host === undefined ? undefined : await this.#facts.nodeRun(within.host);
      const reason = parseJson<JsonObject>(host?.reasonJson ?? null);
      if (host !== undefined && reason !== undefined && isFinal(host.status)) {
        const message = `"${host.node}" was called off: ${reasonText(reason)}`;
        return [cause('host-failed', message, { node: host.node, reason: reason ?? null })];
      }
      within = within.host === undefined ? undefined : this.#facts.paths.spot(within.host);
    }
    return [];
  }

  /** A join that cancels the rest, has decided, and that only this node's branch leads to. */
  async #decidedJoin({ graph, node, scope }: Spot): Promise<NodeRunRecord | undefined> {
    for (const id of graph.after(node.id)) {
      const join = graph.node(id);
      if (join?.kind !== 'join' || join.cancelRest !== true) continue;
      const row = await this.#facts.nodeRun(scope === '' ? join.id : `${scope}/${join.id}`);
      if (row?.status === 'completed') return row;
    }
    return undefined;
  }

  async #runEnding(): Promise<readonly ExplanationCause[]> {
    const { record } = this.#facts;
    const reason = parseJson<JsonObject>(record.reasonJson);
    const [cancel] = await this.#facts.ofType('run.cancel-requested');
    if (cancel !== undefined) {
      const { by = null, reason: text = null } = cancel.detail;
      const who = by === null ? 'somebody' : String(by);
      const why = text === null ? '' : `: ${String(text)}`;
      const message = `the run was cancelled by ${who}${why} (event ${cancel.seq})`;
      return [cause('run-cancelled', message, { by, reason: text, event: cancel.seq })];
    }
    const node = (reason?.detail as JsonObject | undefined)?.node;
    const culprit = typeof node === 'string' ? `, since "${node}" failed` : '';
    const detail = { status: record.status, reason: (reason ?? null) as JsonValue, node };
    const message = `the run is ending or has ended as ${record.status}${culprit}: ${reasonText(reason)}`;
    return [cause('run-ending', message, detail)];
  }
}

const COMPOSITES: ReadonlySet<string> = new Set(['loop', 'map', 'subplan']);
/** Reasons that are about what is inside, and no failure of the node itself. */
const INSIDE_CODES: ReadonlySet<string> = new Set(['items-failed', 'iteration-partial']);
const BRANCH_CODES: ReadonlySet<string> = new Set(['no-live-branch', 'upstream-failed']);

const UNBLOCKS = cause(
  'unblocks',
  'it goes on when an operator tries it again, completes it, or replans the run',
  {
    by: 'retry',
  },
);

/** What the input of a node run was made of, where that is no edge. */
function explainStart(
  { as, host, number, node }: Spot,
  inbound: readonly Inbound[],
): readonly ExplanationCause[] {
  if (as === 'compensation') return [cause('undoes', `it undoes "${node.id}"`, { node: node.id })];
  if (as === 'item') {
    return [cause('item', `it is item ${number} of "${host}"`, { host, item: number })];
  }
  if (inbound.length > 0) return [];
  const from = host === undefined ? 'the inputs of the run' : `what "${host}" gives an iteration`;
  return [cause('entry', `nothing is before it: its input is ${from}`, { host })];
}

async function successes(
  facts: RunFacts,
  row: NodeRunRecord,
): Promise<readonly ExplanationCause[]> {
  if (row.attempt === 0) return [];
  const attempts = await facts.attempts(row);
  const failed = attempts.filter(({ outcome }) => outcome === 'failed').length;
  const message = `attempt ${row.attempt} succeeded${failed === 0 ? '' : `, after ${failed} that failed`}`;
  return [cause('attempt-completed', message, { attempt: row.attempt, failed })];
}

function more(left: number, what: string): readonly ExplanationCause[] {
  return left <= 0 ? [] : [cause('more', `and ${left} more ${what}`, { left })];
}

function unknown(run: string, path: string, hint?: string): RunchartError {
  const message = `run ${run} has no node "${path}"`;
  return new RunchartError('node-unknown', message, hint === undefined ? {} : { hint });
}

function listOf<T>(one: T | undefined): readonly T[] {
  return one === undefined ? [] : [one];
}
