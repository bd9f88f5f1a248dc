/** The settings of a node with every default filled in: the one place where defaults live. */
import type {
  Deliverable,
  FailurePolicy,
  JoinPolicy,
  JoinRule,
  RetryPolicy,
} from './plan-version.js';
import type { PlanNode, SchemaReference } from './schema.js';

type JoinNode = Extract<PlanNode, { kind: 'join' }>;

/** Without a bound of its own an exponential delay stops growing at an hour. */
const DEFAULT_MAX_DELAY_MS = 3_600_000;

const NO_RETRY: RetryPolicy = Object.freeze({
  maxAttempts: 1,
  retryOn: Object.freeze([]),
  backoff: 'none',
  delayMs: 0,
  maxDelayMs: DEFAULT_MAX_DELAY_MS,
  maxInterruptions: 5,
});

/** What an answer to an approval looks like where its author does not say. */
const APPROVAL_RESPONSE: SchemaReference = Object.freeze({
  type: 'object',
  required: ['approved'],
  properties: {
    approved: { type: 'boolean' },
    requiredEdits: { type: 'array', items: { type: 'string' }, maxItems: 1_000 },
    comments: { type: 'string' },
  },
});

/** The schema of a node's output, by name or inline: of an approval's response, where it is one. */
export function outputSchemaOf(node: PlanNode): SchemaReference | undefined {
  if (node.kind === 'human-approval') return node.outputSchema ?? APPROVAL_RESPONSE;
  return node.kind === 'action' ? node.outputSchema : undefined;
}

/** The schema of a node's input, by name or inline. */
export function inputSchemaOf(node: PlanNode): SchemaReference | undefined {
  return 'inputSchema' in node ? node.inputSchema : undefined;
}

export function retryOf(node: PlanNode): RetryPolicy {
  if (node.kind !== 'action' || node.retry === undefined) return NO_RETRY;
  const { retry } = node;
  const delayMs = retry.delayMs ?? NO_RETRY.delayMs;
  return Object.freeze({
    maxAttempts: retry.maxAttempts ?? NO_RETRY.maxAttempts,
    retryOn: Object.freeze([...(retry.retryOn ?? [])]),
    backoff: retry.backoff ?? NO_RETRY.backoff,
    delayMs,
    maxDelayMs: retry.maxDelayMs ?? Math.max(delayMs, DEFAULT_MAX_DELAY_MS),
    maxInterruptions: retry.maxInterruptions ?? NO_RETRY.maxInterruptions,
  });
}

export function failurePolicyOf(node: PlanNode): FailurePolicy {
  // `onFailure` of a join is about its inputs.
  return node.kind === 'join' ? 'abort' : (node.onFailure ?? 'abort');
}

export function joinOf(node: PlanNode): JoinPolicy | undefined {
  if (node.kind !== 'join') return undefined;
  return Object.freeze({ rule: ruleOf(node.rule), onFailure: node.onFailure ?? 'fail' });
}

function ruleOf(rule: JoinNode['rule'] = 'all'): JoinRule {
  return Object.freeze(
    typeof rule === 'string' ? { type: rule } : { type: 'count', count: rule.count },
  );
}

const NO_DELIVERABLES: readonly Deliverable[] = Object.freeze([]);

export function deliverablesOf(node: PlanNode): readonly Deliverable[] {
  if (node.kind !== 'action' && node.kind !== 'human-approval') return NO_DELIVERABLES;
  if (node.deliverables === undefined) return NO_DELIVERABLES;
  return Object.freeze(
    node.deliverables.map(({ name, kind, required }) =>
      Object.freeze({ name, kind, required: required ?? true }),
    ),
  );
}

/** Key of the handler: as given, else `executorType/ref` of the owner. */
export function handlerOf(node: PlanNode): string | undefined {
  if (node.kind !== 'action') return undefined;
  if (node.handler !== undefined) return node.handler;
  return node.owner === undefined ? undefined : `${node.owner.executorType}/${node.owner.ref}`;
}
