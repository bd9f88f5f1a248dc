/** Loops: one iteration after another, each a scope of its own, until a condition, a break or the maximum. */

import { BREAK } from '../../plan/edge-schema.js';
import type { JsonValue } from '../../plan/json.js';
import type { Condition, EdgeScope } from '../../plan/plan-version.js';
import { endInFailure } from './attempts.js';
import type { Decider } from './decider.js';
import { failure } from './failure.js';
import type { NodeRun, Scope } from './scope.js';
import {
  itemsOf,
  iterationScope,
  type LoopProgress,
  loopProgressOf,
  loopVariable,
} from './scope-of-host.js';

type Exit = 'done' | 'while' | 'until' | 'break' | 'max';

export function beginLoop(decider: Decider, run: NodeRun): void {
  run.setOutput(undefined);
  decider.step(run, { type: 'inside.begun' });
  beginIteration(decider, run);
}

/** Begins the next iteration, unless the loop is over before it. */
function beginIteration(decider: Decider, host: NodeRun): void {
  const { model, turn } = decider;
  const { loop } = host.node;
  if (loop === undefined) throw new Error(`"${host.path}" is no loop`);
  const iteration = loopProgressOf(host).iterations + 1;
  const outside = model.scopeOf(host);
  if (loop.forEach !== undefined) {
    const items = itemsOf(host, outside);
    if (!items.ok) return failLoop(decider, host, items.code, items.message);
    if (iteration > items.value.length) return endLoop(decider, host, 'done');
  }
  if (iteration > loop.maxIterations) return endLoop(decider, host, 'max');
  const isWanted = ask(
    decider,
    host,
    loop.while,
    { ...outside, loop: loopVariable(host, outside, iteration) },
    true,
  );
  if (isWanted === undefined) return;
  if (!isWanted) return endLoop(decider, host, 'while');
  const scope = model.addScope({ ...iterationScope(host, outside, iteration), host });
  host.inside = scope.path;
  decider.touch(host);
  // Scopes are in the order in which they began, after a restart too.
  host.seq = turn.event('loop.iteration-started', host.path, null, { iteration });
  for (const position of scope.graph.entries) model.noteUndecided(scope, position);
}

/** Every node run of an iteration is final. */
export function afterIteration(decider: Decider, host: NodeRun, scope: Scope): void {
  const { model, turn } = decider;
  const { loop } = host.node;
  if (loop === undefined) throw new Error(`"${host.path}" is no loop`);
  const inside = insideOf(decider, host, scope);
  const result = loop.result?.evaluate(inside) ?? {
    ok: true as const,
    value: model.outputsOf(scope) as JsonValue,
  };
  const isPartial = scope.progress.count('partial') + scope.progress.count('failed') > 0;
  const isBroken = hasBroken(scope);
  if (!result.ok) return failLoop(decider, host, result.code, result.message);
  const before = loopProgressOf(host);
  const iterations = before.iterations + 1;
  const progress: LoopProgress = {
    iterations,
    last: result.value,
    ...((isPartial || before.isPartial === true) && { isPartial: true }),
  };
  // Asked about this iteration, so before it is forgotten.
  const isEnough = isBroken ? false : ask(decider, host, loop.until, inside, false);
  if (isEnough === undefined) return;
  host.setOutput(progress as unknown as JsonValue);
  decider.touch(host);
  turn.event('loop.iteration-ended', host.path, null, { iteration: iterations });
  model.closeScope(scope);
  host.inside = null;
  if (isBroken) return endLoop(decider, host, 'break');
  if (isEnough) return endLoop(decider, host, 'until');
  beginIteration(decider, host);
}

/** The scope of questions about an iteration: those of the loop, and the nodes of its body. */
function insideOf({ model }: Decider, host: NodeRun, scope: Scope): EdgeScope {
  return {
    ...model.scopeOf(host),
    output: undefined,
    loop: scope.loop,
    node: (id) => model.finishedView(scope, id),
  };
}

function hasBroken(scope: Scope): boolean {
  const position = scope.graph.positionOf.get(BREAK);
  return position !== undefined && scope.progress.status(position) === 'completed';
}

/** The answer of a condition; undefined where it could not be evaluated, and the loop has failed. */
function ask(
  decider: Decider,
  host: NodeRun,
  condition: Condition | undefined,
  scope: EdgeScope,
  otherwise: boolean,
): boolean | undefined {
  if (condition === undefined) return otherwise;
  const answer = condition.evaluate(scope);
  decider.turn.event('loop.condition-evaluated', host.path, null, {
    condition: condition.text,
    result: answer.ok ? answer.value : null,
    error: answer.ok ? undefined : { code: answer.code, message: answer.message },
  });
  if (answer.ok) return answer.value;
  failLoop(decider, host, answer.code, answer.message);
  return undefined;
}

function endLoop(decider: Decider, host: NodeRun, exit: Exit): void {
  const { iterations, last, isPartial } = loopProgressOf(host);
  host.inside = null;
  host.setOutput({ exit, iterations, ...(last !== undefined && { last }) });
  if (isPartial !== true) {
    decider.step(host, { type: 'inside.over', warnings: 0 });
    return;
  }
  const reason = { code: 'iteration-partial', message: 'an iteration ended partially' };
  decider.step(host, { type: 'inside.over', warnings: 1, reason });
}

function failLoop(decider: Decider, host: NodeRun, code: string, message: string): void {
  const scope = host.inside === null ? undefined : decider.model.scope(host.inside);
  if (scope !== undefined) decider.model.closeScope(scope);
  host.inside = null;
  endInFailure(decider, host, failure('condition', code, message, false));
}
