/** The settings of a node with every default filled in: the one place where defaults live. */
import type { CheckDraft } from './check-schemas.js';
import { parseDuration } from './durations.js';
import { isHuman } from './human-schemas.js';
import { DEFAULT_ROUNDS, humanEscalationOf } from './human-settings.js';
import type { PlanNode } from './node-schemas.js';
import type {
  EscalationLevel,
  FailureAction,
  FailurePolicy,
  OnDowntime,
  RetryPolicy,
  Substitute,
} from './plan-version.js';
import { APPROVAL_RESPONSE } from './responses.js';
import type { SchemaReference } from './schema.js';

/** Without a bound of its own an exponential delay stops growing at an hour. */
const DEFAULT_MAX_DELAY_MS = 3_600_000;

/** How long an attempt to undo something may take unless its plan says otherwise: a run has to end. */
export const COMPENSATION_TIMEOUT_MS = 3_600_000;

/** How long one may wait to begin, likewise. */
const COMPENSATION_START_MS = 3_600_000;

/** How long an action that undoes another one may wait to begin, in milliseconds; undefined for one that undoes nothing. */
export function startWithinMsOf(node: PlanNode): number | undefined {
  if (node.kind !== 'action') return undefined;
  return node.compensate && (node.compensate.startWithinMs ?? COMPENSATION_START_MS);
}

/** One try, and five interruptions. */
export const NO_RETRY: RetryPolicy = Object.freeze({
  maxAttempts: 1,
  retryOn: Object.freeze([]),
  backoff: 'none',
  delayMs: 0,
  maxDelayMs: DEFAULT_MAX_DELAY_MS,
  maxInterruptions: 5,
});

/** The schema of a node's output, by name or inline: of an approval's response, where it is one. */
export function outputSchemaOf(node: PlanNode): SchemaReference | undefined {
  if (node.kind === 'human-approval') return node.outputSchema ?? APPROVAL_RESPONSE;
  if (node.kind === 'human-decision') return undefined;
  // Of a map it is the schema of one result.
  return 'outputSchema' in node && node.kind !== 'map' ? node.outputSchema : undefined;
}

/** The schema of a node's input, by name or inline. */
export function inputSchemaOf(node: PlanNode): SchemaReference | undefined {
  // Of a map it is the schema of one item.
  return 'inputSchema' in node && node.kind !== 'map' ? node.inputSchema : undefined;
}

export function retryOf(declared: Partial<RetryDraft> | undefined): RetryPolicy {
  if (declared === undefined) return NO_RETRY;
  const delayMs = declared.delayMs ?? NO_RETRY.delayMs;
  return Object.freeze({
    maxAttempts: declared.maxAttempts ?? NO_RETRY.maxAttempts,
    retryOn: Object.freeze([...(declared.retryOn ?? [])]),
    backoff: declared.backoff ?? NO_RETRY.backoff,
    delayMs,
    maxDelayMs: declared.maxDelayMs ?? Math.max(delayMs, DEFAULT_MAX_DELAY_MS),
    maxInterruptions: declared.maxInterruptions ?? NO_RETRY.maxInterruptions,
  });
}

/** A node that asks people asks again where an answer is refused, and waits for nothing before that. */
export function retryPolicyOf(node: PlanNode): RetryPolicy {
  if (isHuman(node)) return retryOf({ maxAttempts: node.maxRounds ?? DEFAULT_ROUNDS });
  // The worker of a map is a node of its own.
  return retryOf('retry' in node && node.kind !== 'map' ? node.retry : undefined);
}

type RetryDraft = NonNullable<Extract<PlanNode, { kind: 'action' }>['retry']>;

export const ABORT: FailurePolicy = Object.freeze({
  byClass: Object.freeze({}),
  otherwise: 'abort',
});
const ANY_CLASS = '*';

export function failurePolicyOf(node: PlanNode): FailurePolicy {
  // `onFailure` of a join is about its inputs.
  if (node.kind === 'join' || node.onFailure === undefined) return ABORT;
  if (typeof node.onFailure === 'string') {
    return Object.freeze({ byClass: ABORT.byClass, otherwise: node.onFailure });
  }
  const byClass: Record<string, FailureAction> = Object.create(null);
  for (const [failureClass, action] of Object.entries(node.onFailure)) {
    if (failureClass !== ANY_CLASS) byClass[failureClass] = action;
  }
  const otherwise = node.onFailure[ANY_CLASS] ?? 'abort';
  return Object.freeze({ byClass: Object.freeze(byClass), otherwise });
}

/** Every action that a failure policy names, each once. */
export function actionsOf({ byClass, otherwise }: FailurePolicy): ReadonlySet<FailureAction> {
  return new Set([...Object.values(byClass), otherwise]);
}

export function fallbackOf(node: PlanNode): Substitute | undefined {
  if (node.kind !== 'action' || node.fallback === undefined) return undefined;
  const { handler, timeoutMs } = node.fallback;
  return Object.freeze({ handler, timeoutMs });
}

const NO_ESCALATION: readonly EscalationLevel[] = Object.freeze([]);

export function escalationOf(node: PlanNode): readonly EscalationLevel[] {
  if (isHuman(node)) return humanEscalationOf(node);
  if (node.kind !== 'action' || node.escalation === undefined) return NO_ESCALATION;
  return Object.freeze(
    node.escalation.map((level) =>
      Object.freeze({
        handler: level.handler,
        responders: level.responders && Object.freeze([...level.responders]),
        groups: undefined,
        assignee: undefined,
        instructions: level.instructions,
        delayMs: level.delayMs ?? 0,
        deadlineMs: level.deadlineMs,
      }),
    ),
  );
}

export function backtrackOf(node: PlanNode): { to: string; maxRestarts: number } | undefined {
  if (node.kind !== 'action' || node.backtrack === undefined) return undefined;
  const { to, maxRestarts } = node.backtrack;
  return Object.freeze({ to, maxRestarts: maxRestarts ?? 1 });
}

/** How long a sleep lasts, in milliseconds; 0 where it says until when instead. */
export function sleepMsOf(node: PlanNode): number {
  if (node.kind !== 'sleep' || node.duration === undefined) return 0;
  return parseDuration(node.duration) ?? 0;
}

/** One of these is in the canonical JSON of a plan with a node that wants another due time after a downtime. */
export const CHOOSES_ON_DOWNTIME = ['"onDowntime":"remaining"', '"onDowntime":"restart"'] as const;

/** What happens to the timers of a node that fell due, or went on, while no process ran. */
export function onDowntimeOf(node: PlanNode): OnDowntime {
  return ('onDowntime' in node ? node.onDowntime : undefined) ?? 'keep-due';
}

const NONE: readonly never[] = Object.freeze([]);

/** Deliverables as written. */
export function deliverablesOf(node: PlanNode): readonly DeliverableDraft[] {
  return node.kind === 'action' || isHuman(node) ? (node.deliverables ?? NONE) : NONE;
}

type DeliverableDraft = NonNullable<Extract<PlanNode, { kind: 'action' }>['deliverables']>[number];

/** Checks as written. */
export function checksOf(node: PlanNode): readonly CheckDraft[] {
  return node.kind === 'action' || isHuman(node) ? (node.checks ?? NONE) : NONE;
}

/** What is said of a check that is not fulfilled. */
export function checkMessageOf({ name, message }: CheckDraft): string {
  return message ?? `the check "${name}" is not fulfilled`;
}

/** Key of the owner: `executorType/ref`. */
export function ownerOf(node: PlanNode): string | undefined {
  if (!('owner' in node) || node.owner === undefined) return undefined;
  return `${node.owner.executorType}/${node.owner.ref}`;
}

/** Key of the handler: as given, else that of the owner. */
export function handlerOf(node: PlanNode): string | undefined {
  if (node.kind !== 'action' && node.kind !== 'map') return undefined;
  return node.handler ?? ownerOf(node);
}
