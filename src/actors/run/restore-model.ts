/**
 * A resident run's model, made again from its rows after a restart or a parking. Invariant: what the
 * rows of a turn say is enough; what was left to decide then is left to decide now, in the same order.
 */
import { isFinal } from '../../machines/statuses.js';
import type { JsonValue } from '../../plan/json.js';
import type { PlanVersion } from '../../plan/plan-version.js';
import type { PlaceOfWork } from '../handlers.js';
import { type AttemptRecord, COMPENSATIONS, type StoredRun } from '../records.js';
import { handlerIn } from './attempt-work.js';
import { abortionBy, abortionByItem, callOff, isFatalItem } from './calling-off.js';
import { childOf } from './child.js';
import { compensationGraph } from './compensation-graph.js';
import { failureActionOf } from './failure-policy.js';
import { checkDue, heldBy, rests } from './held-product.js';
import { decideReadiness } from './readiness.js';
import { RunModel } from './run-model.js';
import type { NodeRun, Scope } from './scope.js';
import { loopProgressOf, scopeOfHost } from './scope-of-host.js';

type NodeRunRow = StoredRun['nodeRuns'][number];

/** `place` says where the work of a handler is done; here unless given. */
export function restoreModel(
  stored: StoredRun,
  version: PlanVersion,
  place?: (handler: string) => PlaceOfWork,
): RunModel {
  const model = new RunModel(stored.record, version, place);
  model.seq = stored.seq;
  restoreNodeRuns(model, stored.nodeRuns);
  for (const task of stored.openTasks) model.tasks.set(task.node, task);
  for (const timer of stored.timers) model.keepTimer(timer);
  for (const attempt of stored.openAttempts) restoreAttempt(model, attempt);
  for (const vote of stored.votes) model.keepVote(vote);
  for (const signal of stored.signals) model.signals.set(signal.id, signal);
  for (const record of stored.idempotencyKeys) model.keepAnswer(record);
  for (const { name, version } of stored.artifactVersions) {
    model.artifactVersions.set(name, version);
  }
  for (const artifact of stored.artifacts) model.keepArtifact(artifact);
  for (const { node, payloadJson } of stored.heartbeats) {
    const run = model.find(node);
    if (run !== undefined) run.lastHeartbeat = JSON.parse(payloadJson) as JsonValue;
  }
  for (const run of [...model.work.openAttempts.keys()].map((path) => model.nodeRun(path))) {
    // People who judge what was given need none, and a check may stand in line for one.
    if (!rests(model.work, run)) model.work.takeSlot(run);
  }
  for (const scope of model.scopes()) {
    for (const run of scope.touchedRuns()) countHost(model, run);
  }
  return model;
}

/** An open attempt with a product has its checks under way. */
function restoreAttempt(model: RunModel, attempt: AttemptRecord): void {
  const run = model.nodeRun(attempt.node);
  if (attempt.outputJson === null) {
    return model.work.openAttempt(run, attempt);
  }
  const { open, held } = heldBy(attempt);
  model.work.openAttempt(run, open);
  model.work.hold(run, held);
}

/** From the plan inwards: a scope is known once the node run that holds it is. */
function restoreNodeRuns(model: RunModel, rows: readonly NodeRunRow[]): void {
  const byScope = groupByScope(rows);
  const open = [model.root];
  for (let scope = open.shift(); scope !== undefined; scope = open.shift()) {
    for (const row of byScope.get(scope.path) ?? []) {
      const position = scope.positionOf(row.node);
      if (position === undefined) {
        if (scope === model.root) model.removed.set(row.node, row);
        continue;
      }
      scope.at(position).restore(row);
      scope.progress.restore(position, row.status);
      scope.progress.restoreOutgoing(position, row.edges);
    }
    for (const run of scope.touchedRuns()) {
      const inside = restoreInside(model, run);
      if (inside !== undefined) open.push(inside);
    }
  }
  restoreScopeOrder(model);
  const undone = byScope.get(COMPENSATIONS);
  if (undone !== undefined) restoreCompensations(model, undone);
}

function restoreInside(model: RunModel, run: NodeRun): Scope | undefined {
  if (run.status !== 'running' || run.inside === null) return undefined;
  const params = scopeOfHost(run, model.scopeOf(run));
  return params === undefined ? undefined : model.addScope({ ...params, host: run });
}

/** As they began: the newest event of a host is the one that began what is at work inside it. */
function restoreScopeOrder(model: RunModel): void {
  const began = new Map<Scope, number>();
  for (const scope of model.scopes()) {
    const around = scope.host && began.get(scope.host.scope);
    began.set(scope, Math.max(scope.host?.seq ?? 0, around ?? 0));
  }
  const order = [...began].sort(([, a], [, b]) => a - b).map(([scope]) => scope);
  model.arrangeScopes(order);
}

function restoreCompensations(model: RunModel, rows: readonly NodeRunRow[]): void {
  const scope = model.addScope({ path: COMPENSATIONS, graph: compensationGraph(model.root) });
  for (const row of rows) {
    const position = scope.positionOf(row.node);
    if (position === undefined) continue;
    scope.at(position).restore(row);
    scope.progress.restore(position, row.status);
  }
}

function countHost(model: RunModel, run: NodeRun): void {
  if (run.status !== 'running') return;
  if (run.node.kind === 'loop' || run.node.kind === 'map') model.hosting += 1;
  const child = childOf(run);
  if (child !== undefined) model.countChild(child, 1);
}

/**
 * Finds again what a stopped process had left to decide: pending nodes whose inbound edges say
 * enough, scopes that came to their end, and what waits for a slot in the order of its events. `stateOf`
 * tells the inner state of a node run.
 */
export function resumeDecisions(model: RunModel, stateOf: (run: NodeRun) => string): void {
  const due: NodeRun[] = [];
  for (const scope of model.scopes()) {
    for (const run of scope.touchedRuns()) {
      const isReady = run.status === 'ready' && stateOf(run) !== 'backingOff';
      if (isReady || checkDue(model.work, run) !== undefined) due.push(run);
    }
    // What lies inside a composite that was told to stop goes with it.
    if (scope.host !== undefined && stateOf(scope.host) === 'stopping') callOff(model, [scope]);
    resumeAbortion(model, scope);
    resumeRaces(model, scope);
    if (!scope.isList && scope.aborted === undefined) resumePending(model, scope);
    model.noteSettled(scope);
  }
  due.sort((a, b) => a.seq - b.seq);
  for (const run of due) {
    const check = checkDue(model.work, run);
    if (check !== undefined) model.enqueueCheck(run, check);
    else model.enqueue(run, handlerIn(stateOf(run), run));
  }
}

/** Goes on withdrawing work from a run that was ending; its compensations are what goes on. */
export function resumeEnding(model: RunModel, stateOf: (run: NodeRun) => string): void {
  for (const run of model.scope(COMPENSATIONS)?.touchedRuns() ?? []) {
    if (run.status !== 'ready' || stateOf(run) === 'backingOff') continue;
    model.enqueue(run, handlerIn(stateOf(run), run));
  }
  callOff(
    model,
    [...model.scopes()].filter(({ path }) => path !== COMPENSATIONS),
  );
}

/** A node run that must not fail has failed: everything else in its scope was called off. */
function resumeAbortion(model: RunModel, scope: Scope): void {
  if (scope.host === undefined) return;
  const culprit = culpritIn(model, scope, scope.host);
  if (culprit === undefined) return;
  scope.aborted = scope.isItems ? abortionByItem(culprit) : abortionBy(culprit);
  callOff(model, [scope]);
}

function culpritIn(model: RunModel, scope: Scope, host: NodeRun): NodeRun | undefined {
  const runs = [...scope.touchedRuns()];
  if (scope.isItems) return runs.find(isFatalItem);
  const { abortedBy } = loopProgressOf(host);
  return abortedBy === undefined
    ? runs.find((run) => hasAborted(model, run))
    : model.find(abortedBy);
}

/** In rows that do not say so: it must not fail, and nothing followed from its failure. */
function hasAborted(
  { version }: RunModel,
  { status, node, reason, edges, scope }: NodeRun,
): boolean {
  if (status !== 'failed' || edges !== '') return false;
  const hasEdges = scope.graph.edges.some(({ source }) => source === node.position);
  return hasEdges && failureActionOf(version.plan, node, reason?.class) !== 'continue';
}

/** Branches that a join has made pointless, as far as they were not called off yet. */
function resumeRaces(model: RunModel, scope: Scope): void {
  for (const run of [...scope.touchedRuns()]) {
    if (run.status !== 'completed') continue;
    const rest = (run.node.join?.rest ?? []).map((position) => scope.at(position));
    model.beginWithdrawal(rest.filter((branch) => !isFinal(branch.status)));
  }
}

/** Pending nodes of a scope whose inbound edges say enough. */
export function resumePending(model: RunModel, scope: Scope): void {
  const { nodes } = scope.graph;
  for (let position = 0; position < nodes.length; position++) {
    if (scope.progress.status(position) !== 'pending') continue;
    const arrivals = scope.progress.arrivals(position);
    const { join } = scope.node(position);
    if (decideReadiness(arrivals, join).is !== 'waiting') model.noteUndecided(scope, position);
  }
}

function groupByScope(rows: readonly NodeRunRow[]): Map<string, NodeRunRow[]> {
  const groups = new Map<string, NodeRunRow[]>();
  for (const row of rows) {
    const group = groups.get(row.scope);
    if (group === undefined) groups.set(row.scope, [row]);
    else group.push(row);
  }
  return groups;
}
