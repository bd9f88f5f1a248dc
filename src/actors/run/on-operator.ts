/**
 * What an operator does to single node runs: says that one is done or skipped, gives it another input,
 * goes back to it. Invariants: a refusal changes nothing; what is done has one event that says who did
 * it, before all that follows from it; work that is passed over is aborted.
 */
import { RunchartError } from '../../errors.js';
import type { NodeRunEvent, Reason } from '../../machines/node-run-events.js';
import { isFinal } from '../../machines/statuses.js';
import { judges } from '../../plan/human-schemas.js';
import { blockingIssues, type Issue } from '../../plan/issue.js';
import type { JsonValue } from '../../plan/json.js';
import type { DecisionOption } from '../../plan/plan-version.js';
import { outcomeOf, responseIssues } from '../../plan/responses.js';
import type {
  CompleteNodeMessage,
  PatchInputMessage,
  RollbackMessage,
  SkipNodeMessage,
} from '../change-messages.js';
import type { TaskRecord } from '../records.js';
import { refuseByHand } from './by-hand.js';
import type { Decider } from './decider.js';
import { cancelRest, hasToWithdraw, refuseEnding } from './ending.js';
import { closeTask, extendTask, openTask } from './human-tasks.js';
import { replaceInput } from './node-input.js';
import { questionOf } from './questions.js';
import { endAtOnce, renewFrom } from './restart.js';
import { refusedIn } from './review.js';
import type { NodeRun } from './scope.js';

const OUTCOMES: readonly string[] = ['approved', 'rejected', 'changes-requested'];

/** A node run counts as done with what the operator gives as its output. */
export function onCompleteNode(decider: Decider, message: CompleteNodeMessage): void {
  const run = findOpen(decider, message.node);
  if (run === undefined) return;
  const { turn } = decider;
  const { model } = decider;
  turn.refusal =
    refuseByHand(model, run, message.by) ?? refuseOutput(run, message, model.tasks.get(run.path));
  if (turn.refusal !== undefined) return;
  const { by, reason } = message;
  turn.event('operator.completed', run.path, null, { by, reason: reason ?? undefined });
  run.setOutput(message.output);
  run.outcome = outcomeGiven(run, message);
  run.action = run.node.kind === 'human-decision' ? run.outcome : message.action;
  conclude(decider, run, 'operator.completed', message);
  const { rest } = run.node.join ?? { rest: [] };
  if (rest.length > 0) cancelRest(decider, run, rest);
}

export function onSkipNode(decider: Decider, message: SkipNodeMessage): void {
  const run = findOpen(decider, message.node);
  if (run === undefined) return;
  const { by, reason } = message;
  decider.turn.event('operator.skipped', run.path, null, { by, reason: reason ?? undefined });
  conclude(decider, run, 'operator.skipped', message);
}

/** What is judged has the outcome that the operator says; of other answers it is in the output. */
function outcomeGiven({ node }: NodeRun, { output, outcome }: CompleteNodeMessage): string | null {
  if (node.human === undefined || judges(node.kind)) return outcome;
  return outcomeOf(node.kind, output ?? null);
}

/** What is inside a composite, or works for it, ends with it. */
function conclude(
  decider: Decider,
  run: NodeRun,
  type: 'operator.completed' | 'operator.skipped',
  { by, reason }: { readonly by: string; readonly reason: string | null },
): void {
  const words = type === 'operator.completed' ? 'completed' : 'skipped';
  const why: Reason = {
    code: type.replace('.', '-'),
    message: reason ?? `${words} by ${by}`,
    detail: { by },
  };
  const event: NodeRunEvent = { type, reason: why };
  endAtOnce(decider, run, event);
  run.items = undefined;
  decider.turn.reply = { run: decider.model.record.id, node: run.path, status: run.status };
}

/** An output by hand has to be as good as one that the node's own work would give. */
function refuseOutput(
  { node, scope }: NodeRun,
  { output, outcome }: CompleteNodeMessage,
  task: TaskRecord | undefined,
): RunchartError | undefined {
  const isApproval = judges(node.kind);
  if (isApproval && !OUTCOMES.includes(outcome ?? '')) {
    const hint = `say which: ${OUTCOMES.join(', ')}`;
    return new RunchartError('output-invalid', `approval "${node.id}" needs an outcome`, { hint });
  }
  if (!isApproval && outcome !== null) {
    return new RunchartError(
      'output-invalid',
      `node "${node.id}" is no approval: it has no outcome`,
    );
  }
  if (scope.isItems && scope.host?.node.map?.chunkSize !== undefined) {
    const hint = 'complete the map itself, or skip the chunk';
    return notChangeable(`a chunk of the items of a map takes no output by hand`, hint);
  }
  const { kind, validateOutput } = node;
  const options = optionsOf(node, task);
  const issues =
    options !== undefined
      ? responseIssues({ kind, validateOutput, options }, output ?? null)
      : (validateOutput?.(output) ?? []);
  return refuseValue('output-invalid', 'output', node.id, issues);
}

/** What there is to choose from, where that is known: as it was worked out when somebody was asked. */
function optionsOf(
  { kind, human }: NodeRun['node'],
  task: TaskRecord | undefined,
): readonly DecisionOption[] | undefined {
  if (kind !== 'human-decision' || human?.options === undefined) return undefined;
  if (!('evaluate' in human.options)) return human.options;
  if (task === undefined) return undefined;
  const presented = JSON.parse(task.presentedJson) as { readonly options: DecisionOption[] };
  return presented.options;
}

function refuseValue(
  code: 'output-invalid' | 'input-invalid',
  what: string,
  node: string,
  found: readonly Issue[],
): RunchartError | undefined {
  const issues = blockingIssues(found);
  if (issues.length === 0) return undefined;
  return new RunchartError(code, `the ${what} does not fit node "${node}"`, {
    issues,
    hint: `correct the ${what} and send it again; nothing has changed`,
  });
}

/** States in which an input has been resolved and no work with it is under way. */
const HAS_UNUSED_INPUT: ReadonlySet<string> = new Set(['ready', 'blocked', 'awaiting-human']);

/** Another input for a node run that is ready, backing off, blocked or awaits a person. */
export function onPatchInput(decider: Decider, message: PatchInputMessage): void {
  const { model, turn } = decider;
  const run = findOpen(decider, message.node);
  if (run === undefined) return;
  const isUsed = model.work.held.has(run.path);
  if (isUsed || !HAS_UNUSED_INPUT.has(run.status)) {
    const hint =
      'inputs of nodes that are ready, backing off, blocked or await a person can change';
    const stands = isUsed ? 'has worked with it, and is checked' : `is ${run.status}`;
    turn.refusal = notChangeable(`node "${run.path}" ${stands}`, hint);
    return;
  }
  const { node } = run;
  const issues = node.validateInput?.(message.input) ?? [];
  turn.refusal = refuseValue('input-invalid', 'input', node.id, issues);
  if (turn.refusal !== undefined) return;
  turn.refusal = refuseQuestion(decider, run, message.input);
  if (turn.refusal !== undefined) return;
  const { by, reason } = message;
  const seq = turn.event('operator.input-patched', run.path, null, {
    by,
    reason: reason ?? undefined,
  });
  giveInput(decider, run, message.input);
  if (run.status === 'ready' && decider.stateOf(run) !== 'backingOff') {
    // Its key may be another one: it waits in a new place, after a restart too.
    run.seq = seq;
    model.enqueue(run, run.handler);
  }
  turn.reply = { run: model.record.id, node: run.path, status: run.status };
}

/** With another input there may be nobody to ask, or nothing to choose from. */
function refuseQuestion(
  { model }: Decider,
  run: NodeRun,
  input: JsonValue,
): RunchartError | undefined {
  if (run.status !== 'awaiting-human') return undefined;
  const before = run.input;
  run.setInput(input);
  const asked = questionOf(model, run);
  run.setInput(before);
  if (asked.ok) return undefined;
  const { code, message } = asked.reason;
  return new RunchartError('input-invalid', `"${run.path}" cannot ask: ${code}: ${message}`);
}

/** Who is asked about the old input is asked anew. */
function giveInput(decider: Decider, run: NodeRun, input: JsonValue): void {
  replaceInput(decider, run, input);
  run.items = undefined;
  decider.touch(run);
  if (run.status !== 'awaiting-human') return;
  const reason = { code: 'input-patched', message: 'its input was changed' };
  const before = decider.model.tasks.get(run.path);
  run.refused = refusedIn(before);
  closeTask(decider, run, { type: 'work.superseded', reason });
  openTask(decider, run);
  run.refused = undefined;
  keepDeadline(decider, run, before?.deadlineAt ?? null);
}

/** A deadline that was put off is not brought forward by another input. */
function keepDeadline(decider: Decider, run: NodeRun, deadlineAt: number | null): void {
  const task = decider.model.tasks.get(run.path);
  if (task === undefined || deadlineAt === null || deadlineAt <= (task.deadlineAt ?? 0)) return;
  extendTask(decider, task, deadlineAt);
}

/** Goes back to a node: it and all that follows from it in its scope begin another generation. */
export function onRollback(decider: Decider, message: RollbackMessage): void {
  const { model, turn } = decider;
  const run = find(decider, message.node);
  if (run === undefined) return;
  const hint = 'what has begun, and is no item of a map, can begin again';
  if (run.scope.isList || (run.status === 'pending' && run.generation === 1)) {
    turn.refusal = notChangeable(`node "${run.path}" cannot begin again`, hint);
    return;
  }
  const { by, reason } = message;
  turn.event('operator.rolled-back', run.path, null, { by, reason: reason ?? undefined });
  renewFrom(decider, run.scope, run.position);
  turn.reply = { run: model.record.id, node: run.path };
}

/** The node run that is asked about, where it can still change; says why not otherwise. */
function findOpen(decider: Decider, path: string): NodeRun | undefined {
  const run = find(decider, path);
  if (run === undefined) return undefined;
  const { turn } = decider;
  if (isFinal(run.status)) {
    const hint = 'go back to it with a rollback, or fork the run from it';
    turn.refusal = new RunchartError('node-final', `node "${path}" is ${run.status}`, { hint });
  } else if (decider.stateOf(run) === 'stopping') {
    turn.refusal = notChangeable(`node "${path}" is being called off`, 'wait until it has ended');
  } else if (run.scope.isItems && run.status === 'pending') {
    const hint = 'items begin in order: wait until its turn has come';
    turn.refusal = notChangeable(`item "${path}" has not begun`, hint);
  }
  return turn.refusal === undefined ? run : undefined;
}

function find(decider: Decider, path: string): NodeRun | undefined {
  const { model, turn } = decider;
  const run = model.find(path);
  turn.refusal = refuseChange(decider);
  if (turn.refusal !== undefined) return undefined;
  if (run === undefined) {
    const message = `run ${model.record.id} has no node "${path}" at work`;
    turn.refusal = new RunchartError('node-unknown', message);
  } else if (isCalledOff(decider, run)) {
    const hint = 'wait until what it lies in has ended';
    turn.refusal = notChangeable(`all around node "${path}" is being called off`, hint);
  }
  return turn.refusal === undefined ? run : undefined;
}

/** Says why nothing of this run can be changed now, or nothing. */
export function refuseChange(decider: Decider): RunchartError | undefined {
  const { model } = decider;
  const { id, status } = model.record;
  if (status === 'pending' || status === 'ready') {
    const hint = 'cancel it, and start another one';
    return new RunchartError('run-not-started', `run ${id} has not started`, { hint });
  }
  const ending = refuseEnding(decider);
  if (ending !== undefined || !hasToWithdraw(decider)) return ending;
  return new RunchartError('overloaded', `run ${id} is busy calling off work; try again`);
}

/** Whether it lies in something that is coming to its end. */
function isCalledOff(decider: Decider, { scope }: NodeRun): boolean {
  for (let within = scope; ; within = within.host.scope) {
    if (within.aborted !== undefined) return true;
    if (within.host === undefined) return false;
    if (decider.stateOf(within.host) === 'stopping') return true;
  }
}

function notChangeable(message: string, hint: string): RunchartError {
  return new RunchartError('node-not-changeable', message, { hint });
}
