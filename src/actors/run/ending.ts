/**
 * How work is called off: of a run that ends early, of a scope whose host is going to fail, of
 * branches that a join has made pointless. Invariant: what was started gets its abort signal and a
 * bounded grace; what was not is cancelled at once; compensations come last, one after another.
 */
import { RunchartError } from '../../errors.js';
import type { Reason } from '../../machines/node-run-events.js';
import { isFinal } from '../../machines/statuses.js';
import type { JsonValue } from '../../plan/json.js';
import { COMPENSATIONS } from '../records.js';
import { abortionBy, abortionByItem, callOff } from './calling-off.js';
import { compensables, compensationGraph } from './compensation-graph.js';
import type { Decider } from './decider.js';
import { closeRunTask } from './human-tasks.js';
import type { NodeRun, Scope } from './scope.js';
import { loopProgressOf } from './scope-of-host.js';
import { armTimer } from './timers.js';

const RUN_ENDING: Reason = { code: 'run-ending', message: 'the run is ending' };
const POINTLESS: Reason = { code: 'race-decided', message: 'a join that it leads to has decided' };

// A run that ends early -----------------------------------------------------------------------

export function endEarly(decider: Decider): void {
  const { model, turn } = decider;
  // While somebody is asked about the run nothing starts, and what undoes work has to.
  closeRunTask(decider, 'cancelled');
  recordCancelled(decider, callOff(model, [...model.scopes()]));
  if (model.tally.count('running') > 0) {
    armTimer(decider, 'grace', undefined, turn.at + graceMsOf(decider));
  }
}

/** Says that a run takes nothing more, where it has ended or is ending. */
export function refuseEnding({ model, isEnding }: Decider): RunchartError | undefined {
  const { id, status } = model.record;
  if (!isFinal(status) && !isEnding) return undefined;
  return new RunchartError('run-ended', `run ${id} has ended or is ending`);
}

/** Withdraws what is in line to be, as much as the turn has room for. */
export function withdraw(decider: Decider): void {
  const { withdrawing } = decider.model;
  while (!decider.isFull) {
    const run = withdrawing.shift();
    if (run === undefined) return;
    if (!isFinal(run.status) && decider.stateOf(run) !== 'stopping') withdrawOne(decider, run);
  }
}

/** Whether anything is left to withdraw that goes on as if nothing were. */
export function hasToWithdraw(decider: Decider): boolean {
  const { withdrawing } = decider.model;
  for (let run = withdrawing.peek(); run !== undefined; run = withdrawing.peek()) {
    if (!isFinal(run.status) && decider.stateOf(run) !== 'stopping') return true;
    withdrawing.shift();
  }
  return false;
}

function withdrawOne(decider: Decider, run: NodeRun): void {
  const reason = decider.isEnding ? RUN_ENDING : POINTLESS;
  decider.step(run, { type: 'work.withdrawn', reason });
  if (decider.stateOf(run) !== 'stopping') return;
  withdrawInside(decider, run);
  if (decider.isEnding) return;
  armTimer(decider, 'grace', run, decider.turn.at + graceMsOf(decider));
}

/** What lies inside a composite goes with it, and there may be nothing that has to come to its end. */
function withdrawInside(decider: Decider, host: NodeRun): void {
  const { model } = decider;
  const inner = host.inside === null ? undefined : model.scope(host.inside);
  if (inner === undefined) return;
  recordCancelled(decider, callOff(model, [inner]), inner.path);
  model.noteSettled(inner);
}

function graceMsOf({ model, services }: Decider): number {
  return model.version.plan.graceMs ?? services.graceMs;
}

/** What goes on in spite of its signal is left behind. */
export function expireGrace(decider: Decider): void {
  const { model, tree } = decider;
  const open = tree.openNodes().map((path) => model.nodeRun(path));
  for (const run of model.inPlanOrder(open)) {
    if (decider.stateOf(run) === 'stopping') decider.step(run, { type: 'grace.over' });
  }
}

// A scope, and branches -----------------------------------------------------------------------

/** Everything in a scope is called off, since `culprit` in it has failed: so does its host when all of it is final. */
export function abandonScope(decider: Decider, scope: Scope, culprit: NodeRun): void {
  const { model } = decider;
  const { host } = scope;
  scope.aborted = scope.isItems ? abortionByItem(culprit) : abortionBy(culprit);
  // The plan says which failures call off, and may be another one after a restart.
  if (host?.node.loop !== undefined) {
    host.setOutput({ ...loopProgressOf(host), abortedBy: culprit.path } as unknown as JsonValue);
    decider.touch(host);
  }
  const within = model.scopesWithin(scope);
  recordCancelled(decider, callOff(model, within), scope.path);
  for (const inner of within) model.noteSettled(inner);
}

/** Cancels what only leads to a join that has decided. */
export function cancelRest({ model }: Decider, join: NodeRun, rest: readonly number[]): void {
  const branches = rest.map((position) => join.scope.at(position));
  model.beginWithdrawal(branches.filter(({ status }) => !isFinal(status)));
}

/** Node runs that were never touched end together: one event, and no rows. */
function recordCancelled({ turn }: Decider, count: number, scope?: string): void {
  if (count === 0) return;
  turn.event('nodes.cancelled', null, null, { from: 'pending', to: 'cancelled', count, scope });
}

/** In a run that is ending, a composite that was told to stop is over when all inside it is. */
export function settleStopped(decider: Decider): void {
  const { model } = decider;
  if (!decider.isEnding) return;
  for (let scope = model.nextSettled(); scope !== undefined; scope = model.nextSettled()) {
    const { host } = scope;
    const isStopped =
      host !== undefined && (isFinal(host.status) || decider.stateOf(host) === 'stopping');
    if (isStopped && scope.isSettled) stopHost(decider, scope);
  }
}

/** All inside of a composite that was told to stop is final. */
export function stopHost(decider: Decider, scope: Scope): void {
  const { host } = scope;
  if (host === undefined) return;
  decider.model.closeScope(scope);
  if (decider.stateOf(host) === 'stopping') decider.step(host, { type: 'grace.over' });
}

// Compensation --------------------------------------------------------------------------------

/** When all other work of a run that ends early is final: undoes what was done, the newest first. */
export function compensate(decider: Decider): void {
  const { model } = decider;
  if (!decider.isEnding || isFinal(decider.tree.runStatus)) return;
  const scope = model.scope(COMPENSATIONS) ?? openCompensations(decider);
  if (scope === undefined) return;
  const { progress, graph } = scope;
  const pending = progress.count('pending');
  // One at a time: the next begins when the one before it is final.
  if (pending === 0 || progress.unfinished > pending) return;
  const next = graph.nodes.length - pending;
  const undone = compensables(model.root)[next];
  const run = scope.at(next);
  run.setInput({ input: undone?.input ?? null, output: undone?.output ?? null });
  decider.step(run, { type: 'inputs.resolved' });
  model.enqueue(run, run.node.handler ?? '');
}

function openCompensations({ model, turn }: Decider): Scope | undefined {
  if (model.tally.unfinished > 0) return undefined;
  const graph = compensationGraph(model.root);
  if (graph.nodes.length === 0) return undefined;
  turn.event('compensation.started', null, null, { nodes: graph.nodes.map(({ id }) => id) });
  return model.addScope({ path: COMPENSATIONS, graph });
}
