/**
 * Subplans: another plan as a run of its own. The parent knows the child by the id that it gave it;
 * starting it again under that id is the same run, so a start may be repeated after a crash.
 */

import { isFinal } from '../../machines/statuses.js';
import { blockingIssues } from '../../plan/issue.js';
import type { JsonValue } from '../../plan/json.js';
import type { ChildMessage } from '../messages.js';
import { qualifyId, tenantOf } from '../tenant.js';
import { endInFailure } from './attempts.js';
import { spend } from './budget.js';
import { childOf, setChild } from './child.js';
import { afterReport } from './child-pauses.js';
import type { Decider } from './decider.js';
import { failure } from './failure.js';
import type { NodeRun } from './scope.js';

/** How deep runs may lie inside each other. */
const MAX_DEPTH = 32;

export function beginSubplan(decider: Decider, run: NodeRun): void {
  const { model, services } = decider;
  const { source } = run.node;
  const depth = (model.settings.depth ?? 0) + 1;
  const maxDepth = source.kind === 'subplan' ? (source.maxDepth ?? MAX_DEPTH) : MAX_DEPTH;
  const isTooDeep = depth > maxDepth;
  // Without a child there is nothing to start.
  run.inside = null;
  const id = qualifyId(tenantOf(model.record.id), services.environment.id());
  // What a step of a paused run begins is at work.
  const step = decider.isStepping ? ({ pause: 'exempt' } as const) : {};
  if (!isTooDeep) setChild(run, { id, status: 'pending', ...step });
  decider.step(run, { type: 'inside.begun' });
  if (!isTooDeep) return;
  const message = `runs lie ${depth} deep in each other, and ${maxDepth} is the limit here`;
  endInFailure(decider, run, failure('policy', 'depth-exceeded', message, false));
}

/** The child's status has changed. One that the node run has no use for any more is called off. */
export function onChild(decider: Decider, message: ChildMessage): void {
  const { model, turn } = decider;
  const run = model.find(message.node);
  const child = run === undefined ? undefined : childOf(run);
  if (run === undefined || child?.id !== message.child || run.status !== 'running') {
    const { node, child: id, status } = message;
    if (!isFinal(status)) turn.effects.push({ type: 'child.cancel', node, id });
    return;
  }
  const next = afterReport(decider, run, child, message);
  if (child.status === next.status && child.pause === next.pause) return;
  const { id, status, pause } = next;
  model.countChild(child, -1);
  setChild(run, next);
  turn.event('child.changed', run.path, null, { child: id, status, pause });
  if (isFinal(status)) return endChild(decider, run, message);
  model.countChild(next, 1);
  decider.touch(run);
  run.seq = turn.seq;
}

function endChild(decider: Decider, run: NodeRun, message: ChildMessage): void {
  if (message.usage !== undefined) spend(decider, message.usage);
  if (message.status !== 'completed' && message.status !== 'partial') {
    return endInFailure(decider, run, childFailure(message));
  }
  const output: JsonValue | undefined = message.output;
  const issues = blockingIssues(run.node.validateOutput?.(output) ?? []);
  const [first] = issues;
  if (first !== undefined) {
    const text = issues.map((issue) => issue.message).join('; ');
    return endInFailure(decider, run, failure('schema', first.code, text, true));
  }
  run.setOutput(output);
  const warnings = message.status === 'partial' ? 1 : 0;
  decider.step(run, { type: 'attempt.succeeded', warnings });
}

function childFailure({ child, status, reason }: ChildMessage) {
  const message = reason?.message ?? `the run ${child} ended as ${status}`;
  const code = reason?.code ?? `child-${status}`;
  const cause = reason === undefined ? {} : { cause: { ...reason } as JsonValue };
  return { ...failure('child', code, message, true), detail: { run: child, ...cause } };
}
