/** What a run may use up: counted as it is used, and when it is used up the run fails or a person is asked. */
import type { Reason } from '../../machines/node-run-events.js';
import type { JsonObject } from '../../plan/json.js';
import type { PlanBudget } from '../../plan/schema.js';
import type { RunUsage } from '../records.js';
import type { Decider } from './decider.js';
import { openRunTask } from './human-tasks.js';
import type { RunModel } from './run-model.js';
import type { NodeRun } from './scope.js';
import { armTimer } from './timers.js';

type Countable = 'steps' | 'attempts' | 'restarts' | 'cost' | 'tokens';
/** What can be used up. `deadline` is the run's own, the others are its budget's. */
export type Exhausted = Countable | 'wallMs' | 'deadline';

const LIMITS = {
  steps: 'maxSteps',
  attempts: 'maxAttempts',
  restarts: 'maxRestarts',
  cost: 'maxCost',
  tokens: 'maxTokens',
} as const satisfies Record<Countable, keyof PlanBudget>;

/** What a run may use up: as its start says, else its plan; within another run the tighter of both. */
export function budgetOf({ settings, version, record }: RunModel): PlanBudget {
  const { budget: planned = {} } = version.plan;
  const { budget: asked = {} } = settings;
  return record.parentId === null ? { ...planned, ...asked } : tighterOf(planned, asked);
}

function tighterOf(planned: PlanBudget, given: PlanBudget): PlanBudget {
  const limits = Object.values(LIMITS).flatMap((name) => {
    const values = [planned[name], given[name]].filter((value) => value !== undefined);
    return values.length === 0 ? [] : [[name, Math.min(...values)] as const];
  });
  return { ...planned, ...Object.fromEntries(limits) };
}

/** How much of one kind is left; infinite where there is no limit. A grant gives all of it again. */
function left(model: RunModel, kind: Countable): number {
  const limit = budgetOf(model)[LIMITS[kind]];
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  return limit * (1 + (model.usage.grants ?? 0)) - model.usage[kind];
}

/** What is left of everything that is limited, for a run inside this one. */
export function remainingBudget(model: RunModel): PlanBudget | undefined {
  const { onExhausted: _, maxWallMs: __, ...limits } = budgetOf(model);
  const entries = (Object.keys(LIMITS) as Countable[])
    .filter((kind) => limits[LIMITS[kind]] !== undefined)
    .map((kind) => [LIMITS[kind], Math.max(0, left(model, kind))] as const);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** What keeps a node run from working because it is used up, if anything. */
export function exhaustedFor(decider: Decider, run: NodeRun): Exhausted | undefined {
  const { model } = decider;
  // Undoing is not work that was asked for.
  if (decider.isEnding || !isLimited(model)) return undefined;
  if (run.attempt === 0 && left(model, 'steps') < 1) return 'steps';
  if (left(model, 'attempts') < 1) return 'attempts';
  return (['cost', 'tokens'] as const).find((kind) => left(model, kind) <= 0);
}

/** Counts a node run that is let in. */
export function spendStep(decider: Decider, run: NodeRun): void {
  if (!decider.isEnding) spend(decider, { steps: run.attempt === 0 ? 1 : 0, attempts: 1 });
}

/** Counts what was used, also by a run inside this one. */
export function spend(decider: Decider, used: Partial<RunUsage>): void {
  const { model } = decider;
  const { usage } = model;
  // What is counted has to be stored: steps and attempts only where they are limited.
  const isReported = (used.cost ?? 0) + (used.tokens ?? 0) > 0;
  if (!isReported && !isLimited(model)) return;
  storeUsage(decider, {
    ...usage,
    steps: usage.steps + (used.steps ?? 0),
    attempts: usage.attempts + (used.attempts ?? 0),
    restarts: usage.restarts + (used.restarts ?? 0),
    cost: usage.cost + (used.cost ?? 0),
    tokens: usage.tokens + (used.tokens ?? 0),
  });
}

function storeUsage({ model, turn }: Decider, usage: RunUsage): void {
  model.usage = usage;
  model.record = { ...model.record, usageJson: JSON.stringify(usage) };
  turn.changeRun(model.record);
}

function isLimited(model: RunModel): boolean {
  return model.version.plan.budget !== undefined || model.settings.budget !== undefined;
}

/** Counts what a result says that it cost; what has used up its budget starts nothing more. */
export function spendReported(decider: Decider, usage: JsonObject | undefined): void {
  const cost = amount(usage?.cost);
  const tokens = amount(usage?.tokens);
  if (cost > 0 || tokens > 0) spend(decider, { cost, tokens });
}

function amount(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}

/** Whether the run may go back once more; counts it if so. */
export function spendRestart(decider: Decider): boolean {
  if (left(decider.model, 'restarts') < 1) return false;
  spend(decider, { restarts: 1 });
  return true;
}

/** Fails the run, or asks a person whether it may go on: about one thing at a time. */
export function exhaustBudget(decider: Decider, kind: Exhausted): void {
  const { model, turn } = decider;
  if (decider.isEnding) return;
  const isDeadline = kind === 'deadline';
  const asks = isDeadline
    ? model.version.plan.onDeadline === 'ask'
    : budgetOf(model).onExhausted === 'ask';
  if (asks && model.tasks.has('')) return noteToAsk(decider, kind);
  const { passed: _, ...usage } = model.usage;
  const detail = { kind, usage, asks };
  if (isDeadline) turn.event('run.deadline-passed', null, null, detail);
  else turn.event('run.budget-exhausted', null, null, detail);
  if (asks) openRunTask(decider, { kind, usage });
  else decider.stepRun({ type: 'node.aborted', reason: exhaustion(kind) });
}

/** What is counted is met again when the run goes on; a time that is over is not. */
function noteToAsk(decider: Decider, kind: Exhausted): void {
  if (kind !== 'deadline' && kind !== 'wallMs') return;
  const { usage } = decider.model;
  storeUsage(decider, { ...usage, passed: [...(usage.passed ?? []), kind] });
}

/** Asks about a time that ran out while a person was asked about something else. */
export function askNext(decider: Decider): void {
  const { passed = [], ...usage } = decider.model.usage;
  const [next, ...rest] = passed;
  if (next === undefined) return;
  storeUsage(decider, rest.length === 0 ? usage : { ...usage, passed: rest });
  exhaustBudget(decider, next);
}

export function exhaustion(kind: Exhausted): Reason {
  if (kind === 'deadline') {
    return { code: 'deadline-exceeded', message: 'the run took longer than it may' };
  }
  return { code: 'budget_exhausted', message: `the budget of the run is used up: ${kind}` };
}

/** A person granted what was used up, once more. */
export function grantBudget(decider: Decider, kind: Exhausted): void {
  if (kind === 'deadline' || kind === 'wallMs') return armLimits(decider, [kind]);
  const { usage } = decider.model;
  storeUsage(decider, { ...usage, grants: (usage.grants ?? 0) + 1 });
}

/** Arms the timers that bound a run, when it starts and when a person grants it more time. */
export function armLimits(
  decider: Decider,
  kinds: readonly ('deadline' | 'wallMs')[] = ['deadline', 'wallMs'],
): void {
  const { model, turn } = decider;
  const deadlineMs = model.settings.deadlineMs ?? model.version.plan.deadlineMs;
  const { maxWallMs } = budgetOf(model);
  if (kinds.includes('deadline') && deadlineMs !== undefined) {
    armTimer(decider, 'run-deadline', undefined, turn.at + deadlineMs);
  }
  if (kinds.includes('wallMs') && maxWallMs !== undefined) {
    armTimer(decider, 'budget-time', undefined, turn.at + maxWallMs);
  }
}
