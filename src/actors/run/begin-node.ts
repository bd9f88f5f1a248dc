/** What each kind of node does when it is ready. */
import type { NodeKind } from '../../plan/plan-version.js';
import type { Decider } from './decider.js';
import { cancelRest } from './ending.js';
import { askPerson } from './human-tasks.js';
import { beginLoop } from './loops.js';
import { beginMap } from './maps.js';
import { concurrencyKeyOf } from './permits.js';
import type { NodeRun } from './scope.js';
import { beginSubplan } from './subplans.js';
import { beginSignal, beginSleep } from './waits.js';

const BEGINNINGS: Readonly<Record<NodeKind, (decider: Decider, run: NodeRun) => void>> = {
  action: beginAction,
  switch: decideAtOnce,
  join: decideJoin,
  'human-input': askPerson,
  'human-approval': askPerson,
  'human-review-edit': askPerson,
  'human-decision': askPerson,
  map: beginMap,
  loop: beginLoop,
  subplan: beginSubplan,
  sleep: beginSleep,
  signal: beginSignal,
};

/** Starts what needs no slot, and puts in line what does. */
export function beginNode(decider: Decider, run: NodeRun): void {
  BEGINNINGS[run.node.kind](decider, run);
}

/** What begins inside a composite for the second time is another generation of it. */
export function beginAgain(decider: Decider, run: NodeRun): void {
  if (run.node.kind === 'loop' || run.node.kind === 'map') run.generation += 1;
  decider.begin(run);
}

/** Waits to be let in; without a key that it needs it cannot be. */
function beginAction(decider: Decider, run: NodeRun): void {
  const key = concurrencyKeyOf(run, (one) => decider.model.scopeOf(one));
  if (key === undefined || key.ok) return decider.model.enqueue(run, run.node.handler ?? '');
  const reason = { code: key.code, message: key.message, class: 'condition' };
  decider.step(run, { type: 'start.refused', reason });
}

/** Hands its input on as its output. */
function decideAtOnce(decider: Decider, run: NodeRun): void {
  run.setOutput(run.input);
  decider.step(run, { type: 'structure.decided' });
}

function decideJoin(decider: Decider, run: NodeRun): void {
  decideAtOnce(decider, run);
  const { rest } = run.node.join ?? { rest: [] };
  if (rest.length > 0) cancelRest(decider, run, rest);
}
