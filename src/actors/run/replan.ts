/**
 * Another plan version takes the place of the one that a live run is pinned to. Invariants: all of it is
 * one turn, or nothing; node runs that are kept do not notice, but for blocked ones, which go on; an edge
 * that is as it was stays decided; what changes begins another generation.
 */
import { RunchartError } from '../../errors.js';
import type { Reason } from '../../machines/node-run-events.js';
import { isFinal } from '../../machines/statuses.js';
import { canonicalJson } from '../../plan/canonical.js';
import { samePlaces } from '../../plan/compare-plans.js';
import { findFourEyes } from '../../plan/four-eyes.js';
import { blockingIssues } from '../../plan/issue.js';
import type { JsonValue } from '../../plan/json.js';
import type { PlanVersion } from '../../plan/plan-version.js';
import type { ReplanMessage } from '../change-messages.js';
import { beginAgain } from './begin-node.js';
import type { Decider } from './decider.js';
import { cancelRest } from './ending.js';
import { inParts } from './in-parts.js';
import { refuseChange } from './on-operator.js';
import { diffPlans, type PlanDiff, type PlanDiffEntry, type Standings } from './plan-diff.js';
import { endAtOnce } from './restart.js';
import { resumePending } from './restore-model.js';
import { routeOnwards } from './route-onwards.js';
import type { NodeRun } from './scope.js';

/** What a replan did, or would do. */
export interface Replanned extends PlanDiff {
  readonly run: string;
  /** Hash of the new plan version. */
  readonly plan: string;
  readonly previous: string;
  readonly isDryRun: boolean;
  /** Nodes at work that would change: the replan is refused unless it may call them off. */
  readonly conflicts: readonly string[];
}

/** Ids of each kind that the event names. */
const MAX_NAMED = 100;

const CHANGED: Reason = { code: 'superseded', message: 'another plan has it run again' };
const GONE: Reason = { code: 'removed', message: 'the new plan does not have it' };

export function onReplan(decider: Decider, message: ReplanMessage): void {
  const { model, turn } = decider;
  const { version, isDryRun } = message;
  turn.refusal = refuseChange(decider) ?? refuseVersion(decider, version);
  if (turn.refusal !== undefined) return;
  const diff = diffPlans(model.version, version, standings(decider));
  const conflicts = [...diff.rerun, ...diff.removed]
    .filter(({ status }) => status === 'running')
    .map(({ node }) => node);
  const { id, planHash } = model.record;
  const answer: Replanned = {
    run: id,
    plan: version.hash,
    previous: planHash,
    isDryRun,
    conflicts,
    ...diff,
  };
  turn.reply = answer;
  if (isDryRun) return;
  if (conflicts.length > 0 && !message.cancelRunning) {
    const hint = 'wait until they have ended, or say that they may be called off';
    const names = conflicts.slice(0, MAX_NAMED).join(', ');
    const text = `nodes at work would change: ${names}`;
    turn.refusal = new RunchartError('replan-conflict', text, { hint });
    return;
  }
  recordReplan(decider, message, diff);
  carryOut(decider, version, diff);
}

function refuseVersion(
  { model, services }: Decider,
  version: PlanVersion,
): RunchartError | undefined {
  const guarded = findFourEyes(version.graph);
  if (guarded !== undefined && model.settings.requestedBy === undefined) {
    const text = `"${guarded.id}" is not for who asked for the run, and nobody is known to have`;
    const hint = 'replace the run by one that is started with `requestedBy`';
    return new RunchartError('requester-missing', text, { hint });
  }
  const issues = blockingIssues(version.validateInputs?.(model.inputs) ?? []);
  if (issues.length === 0) return services.refusal(version);
  const message = 'the input of the run does not fit the new plan';
  return new RunchartError('input-invalid', message, { issues });
}

function standings(decider: Decider): Standings {
  const { root } = decider.model;
  return (id) => {
    const position = root.graph.positionOf.get(id);
    const run = position === undefined ? undefined : root.touched(position);
    if (run === undefined) return { status: 'pending', isCalledOff: false };
    const isStopping = run.status === 'running' && decider.stateOf(run) === 'stopping';
    return { status: run.status, isCalledOff: isStopping || run.status === 'cancelled' };
  };
}

function recordReplan(decider: Decider, message: ReplanMessage, diff: PlanDiff): void {
  const { model, turn } = decider;
  const { by, reason, version, cancelRunning } = message;
  const named = (entries: readonly PlanDiffEntry[]) => ({
    count: entries.length,
    nodes: entries.slice(0, MAX_NAMED).map(({ node }) => node),
  });
  turn.event('run.replanned', null, null, {
    by,
    reason: reason ?? undefined,
    plan: version.hash,
    previous: model.record.planHash,
    cancelRunning,
    kept: { count: diff.kept.length },
    rerun: named(diff.rerun),
    added: named(diff.added),
    removed: named(diff.removed),
  });
  const planJson = canonicalJson(version.plan);
  turn.addPlan({ hash: version.hash, planJson, title: version.plan.title, at: turn.at });
}

function carryOut(decider: Decider, version: PlanVersion, diff: PlanDiff): void {
  const { model, turn } = decider;
  const places = samePlaces(model.version, version);
  for (const { node } of diff.removed) endOpen(decider, node, GONE);
  for (const { node } of diff.rerun) endOpen(decider, node, CHANGED);
  const renewed = diff.rerun.flatMap(({ node }) => renew(decider, node));
  const gone = model.adopt(version).filter(({ hasRow }) => hasRow);
  for (const run of gone) model.removed.set(run.path, run.toRecord(model.record.run, turn.at));
  for (const part of inParts(pathsOf(gone))) {
    turn.event('nodes.removed', null, null, { nodes: part });
  }
  turn.changeRun(model.record);
  const returned = diff.added.flatMap(({ node }) => bringBack(decider, node));
  renewed.push(...returned);
  if (renewed.length > 0) {
    const nodes = pathsOf(renewed);
    const back = returned.length === 0 ? {} : { returned: pathsOf(returned) };
    turn.event('nodes.renewed', null, null, { nodes, ...back });
    for (const run of renewed) run.seq = turn.seq;
  }
  const kept = diff.kept.flatMap(({ node }) => runOf(decider, node) ?? []);
  const final = kept.filter(({ status }) => isFinal(status));
  const changed = final.filter((run) => connect(decider, run, places(run.path)));
  const nodes = changed.map(({ path, edges }): JsonValue => ({ node: path, edges }));
  for (const part of inParts(nodes)) turn.event('nodes.reconnected', null, null, { nodes: part });
  for (const run of kept) goOn(decider, run);
  resumePending(model, model.root);
}

function pathsOf(runs: readonly NodeRun[]): string[] {
  return runs.map(({ path }) => path);
}

function runOf({ model: { root } }: Decider, id: string): NodeRun | undefined {
  return root.touched(root.graph.positionOf.get(id) ?? -1);
}

function endOpen(decider: Decider, id: string, reason: Reason): void {
  const run = runOf(decider, id);
  if (run === undefined || isFinal(run.status)) return;
  // What waits for a further generation has an actor, and is to begin again only where it stays.
  const isIdle = run.status === 'pending' && (reason !== GONE || !run.hasRow);
  if (!isIdle) endAtOnce(decider, run, { type: 'work.superseded', reason });
}

/** Begins another generation of what has begun. */
function renew(decider: Decider, id: string): NodeRun[] {
  const { model, turn, tree } = decider;
  const run = runOf(decider, id);
  if (run === undefined || run.status === 'pending') return [];
  turn.addPastNodeRun(run.toRecord(model.record.run, turn.at));
  run.scope.progress.restore(run.position, 'pending');
  run.renew();
  tree.renew(run.path);
  decider.touch(run);
  return [run];
}

/** A node that comes back after it was removed goes on counting its generations. */
function bringBack(decider: Decider, id: string): NodeRun[] {
  const { model, turn, tree } = decider;
  const record = model.removed.get(id);
  if (record === undefined) return [];
  model.removed.delete(id);
  turn.addPastNodeRun(record);
  const run = model.nodeRun(id);
  run.generation = record.generation + 1;
  tree.renew(id);
  decider.touch(run);
  return [run];
}

/**
 * Decides the edges of a final node run: those that are as they were as before, the others anew. True
 * where they are not the edges that it had before, in the same order.
 */
export function connect(
  decider: Decider,
  run: NodeRun,
  places: readonly (number | undefined)[],
): boolean {
  const { progress, graph } = run.scope;
  const letters = run.edges;
  const first = graph.outStart[run.position] ?? 0;
  for (const [place, old] of places.entries()) {
    const letter = old === undefined ? '' : letters.charAt(old);
    if (letter !== '') progress.restoreEdge(first + place, letter);
  }
  routeOnwards(decider, run, run.status);
  if (run.edges !== letters) decider.touch(run);
  return letters.length !== places.length || places.some((old, place) => old !== place);
}

/** What a kept node run does now: a blocked one goes on, a join calls off what it makes pointless. */
export function goOn(decider: Decider, run: NodeRun): void {
  if (run.status === 'blocked') {
    decider.step(run, { type: 'replan.kept' });
    beginAgain(decider, run);
  }
  const { rest } = run.node.join ?? { rest: [] };
  if (run.status === 'completed' && rest.length > 0) cancelRest(decider, run, rest);
}
