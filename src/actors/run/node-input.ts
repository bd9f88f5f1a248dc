/** The input of a node: resolved when it becomes ready, checked, or refused. */
import type { Reason } from '../../machines/node-run-events.js';
import { inboundEdges } from '../../plan/graph-edges.js';
import { type ResolvedInput, resolveInput } from '../../plan/inputs.js';
import { blockingIssues } from '../../plan/issue.js';
import type { JsonValue } from '../../plan/json.js';
import type { Decider } from './decider.js';
import { failureActionOf } from './failure-policy.js';
import type { RunModel } from './run-model.js';
import type { NodeRun } from './scope.js';

/** Resolves the input once, for good, unless it was given; false where it was refused. */
export function resolveNodeInput(decider: Decider, run: NodeRun): boolean {
  const given = run.input;
  const resolved =
    given === undefined ? resolve(decider.model, run) : { ok: true as const, value: given };
  if (!resolved.ok) {
    const { code, message } = resolved;
    refuseInputs(decider, run, { code, message, class: 'input' });
    return false;
  }
  const refusal = inputRefusal(run, resolved.value);
  if (refusal !== undefined) {
    refuseInputs(decider, run, refusal);
    return false;
  }
  run.setInput(resolved.value);
  decider.step(run, { type: 'inputs.resolved' });
  return true;
}

/** Resolves the input again for the retry that begins; where that fails the old one stays. */
export function refreshInput(decider: Decider, run: NodeRun): void {
  const resolved = resolve(decider.model, run);
  if (!resolved.ok || inputRefusal(run, resolved.value) !== undefined) return;
  replaceInput(decider, run, resolved.value, run.attempt - 1);
}

/** Gives a node run another input. What attempts up to `worked`, the newest that is over, were given is kept. */
export function replaceInput(
  { model, turn }: Decider,
  run: NodeRun,
  value: JsonValue | undefined,
  worked = run.attempt,
): void {
  const { path: node, generation, inputJson } = run;
  run.setInput(value);
  if (worked === 0 || run.inputJson === inputJson) return;
  turn.addPastInput({ run: model.record.run, node, generation, attempt: worked, inputJson });
}

/** Why a value is no input for a node run, or nothing. */
export function inputRefusal({ node }: NodeRun, value: JsonValue | undefined): Reason | undefined {
  const issues = blockingIssues(node.validateInput?.(value) ?? []);
  if (issues.length === 0) return undefined;
  const message = issues.map((issue) => `${issue.path || '/'} ${issue.message}`).join('; ');
  return { code: 'input-invalid', message, class: 'input' };
}

function resolve(model: RunModel, run: NodeRun): ResolvedInput {
  const { scope, node } = run;
  const inbound = inboundEdges(scope.graph, run.position);
  const taken = inbound
    .filter((edge) => scope.progress.edge(edge.index) === 'taken')
    .map((edge) => ({ edge, scope: model.scopeOf(scope.at(edge.source)) }));
  return resolveInput(node, taken, scope.loop ?? model.inputs, inbound.length);
}

export function refuseInputs(decider: Decider, run: NodeRun, reason: Reason): void {
  const action = failureActionOf(decider.model.version.plan, run.node, reason.class);
  decider.step(run, { type: action === 'skip' ? 'branch.died' : 'inputs.refused', reason });
}
