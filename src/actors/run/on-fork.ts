/**
 * The first turn of a run that begins with what another one had come to. Invariants: what is carried over
 * is final and is never executed; its edges are decided as they were, or anew where the plan differs; all
 * else begins like in any run.
 */

import { samePlaces } from '../../plan/compare-plans.js';
import type { JsonObject, JsonValue } from '../../plan/json.js';
import type { CarryOver } from '../carry-over.js';
import type { ForkMessage } from '../change-messages.js';
import type { Turn } from '../turn.js';
import type { Decider } from './decider.js';
import { inParts } from './in-parts.js';
import { connect, goOn } from './replan.js';
import { resumePending } from './restore-model.js';
import type { NodeRun } from './scope.js';

export function onFork(decider: Decider, message: ForkMessage): void {
  const { model, turn } = decider;
  const { carried, by, reason, from } = message;
  turn.createRun(model.record);
  decider.recordRunStatus();
  const origin = JSON.parse(model.record.originJson ?? '{}') as JsonObject;
  const seq = turn.event('run.forked', null, null, {
    origin,
    by,
    reason: reason ?? undefined,
    from: from ?? undefined,
    carried: carried.nodeRuns.length,
    inputs: Object.keys(carried.inputs),
  });
  const runs = carryNodeRuns(decider, carried, seq);
  carryBelongings(decider, carried, seq);
  giveInputs(decider, carried.inputs, seq);
  turn.reply = { created: true, seq: origin.seq, carried: runs.map(({ path }) => path) };
  const places = samePlaces(carried.plan, model.version);
  for (const run of runs) connect(decider, run, places(run.path));
  recordCarried(decider, runs);
  decider.admit();
  for (const run of runs) goOn(decider, run);
  resumePending(model, model.root);
}

function carryNodeRuns(decider: Decider, { nodeRuns }: CarryOver, seq: number): NodeRun[] {
  const { root } = decider.model;
  return nodeRuns.map((record) => {
    const run = decider.model.nodeRun(record.node);
    run.restore({ ...record, seq });
    root.progress.restore(run.position, record.status);
    decider.touch(run);
    return run;
  });
}

function carryBelongings(
  { model, turn, services }: Decider,
  { versions, artifacts, tasks, responses, signals }: CarryOver,
  seq: number,
): void {
  const { run } = model.record;
  for (const version of versions) turn.putVersion({ ...version, run, seq });
  for (const artifact of artifacts) {
    const newest = model.artifactVersions.get(artifact.name) ?? 0;
    model.artifactVersions.set(artifact.name, Math.max(newest, artifact.version));
    if (artifact.version >= newest) model.keepArtifact(artifact);
    turn.addArtifact({ ...artifact, run });
  }
  const taskIds = new Map(tasks.map(({ id }) => [id, services.environment.id()]));
  const copies = tasks.map((task) => ({ ...task, run, id: taskIds.get(task.id) ?? '' }));
  for (const task of copies) turn.putTask(task);
  for (const response of responses) {
    turn.addResponse({ ...response, run, task: taskIds.get(response.task) ?? '' });
  }
  for (const [place, signal] of signals.entries()) {
    // Before all signals of its own, in their order.
    const kept = { ...signal, run, seq: place - signals.length };
    model.signals.set(kept.id, kept);
    turn.putSignal(kept);
  }
  recordBelongings(turn, { artifacts, tasks: copies, signals });
}

/** Where things are found, as the log has it of what a run makes itself. */
function recordBelongings(
  turn: Turn,
  { artifacts, tasks, signals }: Pick<CarryOver, 'artifacts' | 'tasks' | 'signals'>,
): void {
  const products = artifacts.map(
    ({ name, version, kind, node, generation, attempt, standing }): JsonValue => ({
      ...{ name, version, kind, node, generation, attempt, standing },
    }),
  );
  for (const part of inParts(products)) {
    turn.event('artifacts.carried-over', null, null, { artifacts: part });
  }
  const asked = tasks.map(
    ({ id, node, kind, status, openedAt, closedAt }): JsonValue => ({
      ...{ id, node, kind, status, openedAt, closedAt },
    }),
  );
  for (const part of inParts(asked)) turn.event('tasks.carried-over', null, null, { tasks: part });
  const told = signals.map(
    ({ id, name, deliveredTo }): JsonValue => ({ ...{ id, name, deliveredTo } }),
  );
  for (const part of inParts(told)) {
    turn.event('signals.carried-over', null, null, { signals: part });
  }
}

/** Enough to know from the log alone what was carried over. */
function recordCarried({ turn }: Decider, runs: readonly NodeRun[]): void {
  const nodes = runs.map(
    ({ path, status, generation, attempt, outcome, action, reason, edges }): JsonValue => ({
      ...{ node: path, status, generation, attempt, outcome, action, edges },
      reason: reason && { ...reason },
    }),
  );
  for (const part of inParts(nodes)) turn.event('nodes.carried-over', null, null, { nodes: part });
}

function giveInputs(decider: Decider, inputs: CarryOver['inputs'], seq: number): void {
  for (const [node, input] of Object.entries(inputs)) {
    const run = decider.model.nodeRun(node);
    run.setInput(input);
    run.seq = seq;
    decider.touch(run);
  }
}
