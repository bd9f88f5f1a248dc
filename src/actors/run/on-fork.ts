/**
 * The first turn of a run that begins with what another one had come to. Invariants: what is carried over
 * is final and is never executed; its edges are decided as they were, or anew where the plan differs; all
 * else begins like in any run.
 */

import { samePlaces } from '../../plan/compare-plans.js';
import type { JsonObject, JsonValue } from '../../plan/json.js';
import type { CarryOver } from '../carry-over.js';
import type { ForkMessage } from '../change-messages.js';
import type { Decider } from './decider.js';
import { connect, goOn } from './replan.js';
import { resumePending } from './restore-model.js';
import type { NodeRun } from './scope.js';

/** Node runs that one event names. */
const NAMED_AT_ONCE = 100;

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
  recordCarried(decider, runs);
  giveInputs(decider, carried.inputs, seq);
  turn.reply = { created: true };
  decider.admit();
  const places = samePlaces(carried.plan, model.version);
  for (const run of runs) connect(decider, run, places(run.path));
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
  for (const task of tasks) turn.putTask({ ...task, run, id: taskIds.get(task.id) ?? '' });
  for (const response of responses) {
    turn.addResponse({ ...response, run, task: taskIds.get(response.task) ?? '' });
  }
  for (const [place, signal] of signals.entries()) {
    // Before all signals of its own, in their order.
    const kept = { ...signal, run, seq: place - signals.length };
    model.signals.set(kept.id, kept);
    turn.putSignal(kept);
  }
}

/** Enough to know from the log alone what was carried over. */
function recordCarried({ turn }: Decider, runs: readonly NodeRun[]): void {
  for (let start = 0; start < runs.length; start += NAMED_AT_ONCE) {
    const nodes = runs.slice(start, start + NAMED_AT_ONCE).map(
      ({ path, status, generation, attempt }): JsonValue => ({
        node: path,
        status,
        generation,
        attempt,
      }),
    );
    turn.event('nodes.carried-over', null, null, { nodes });
  }
}

function giveInputs(decider: Decider, inputs: CarryOver['inputs'], seq: number): void {
  for (const [node, input] of Object.entries(inputs)) {
    const run = decider.model.nodeRun(node);
    run.setInput(input);
    run.seq = seq;
    decider.touch(run);
  }
}
