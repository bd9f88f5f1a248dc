import { z } from '@hono/zod-openapi';
import { EMITTER_KINDS, type Emitter } from '../../emitters.js';
import { NODE_STATUSES, RUN_STATUSES } from '../../machines/statuses.js';
import type { Orchestrator } from '../../orchestrator.js';
import type { Plan } from '../../plan/schema.js';
import type {
  ArtifactMention,
  AttemptView,
  CheckpointView,
  ContextChange,
  Explanation,
  ExplanationCause,
  IssueView,
  NodeRunView,
  NodeStateView,
  RunDetails,
  RunError,
  RunEvent,
  RunOrigin,
  RunResult,
  RunSnapshot,
  RunState,
  RunSummary,
  SignalView,
} from '../../views.js';
import { RUN_PARTS } from '../../views.js';
import { artifact } from './artifacts.js';
import { count, jsonObject, jsonValue, objectOf, orNull, type Shape, text, time } from './json.js';
import { issue } from './problem.js';
import { task } from './tasks.js';

export const runStatus = z.enum(RUN_STATUSES).openapi('RunStatus');
export const nodeStatus = z.enum(NODE_STATUSES).openapi('NodeStatus');

const origin = objectOf<RunOrigin>('RunOrigin', {
  type: z.enum(['fork', 'replacement', 'import']),
  run: text,
  seq: count,
});

const summary: Shape<RunSummary> = {
  id: text,
  status: runStatus,
  plan: text.openapi({ description: 'Hash of the plan version that the run is pinned to' }),
  metadata: jsonObject,
  createdAt: time,
  updatedAt: time,
  endedAt: time.nullable(),
  reason: jsonObject.nullable().openapi({ description: 'Why it failed or was cancelled' }),
  origin: orNull(origin),
};

export const runSummary = objectOf<RunSummary>('RunSummary', summary);

export const nodeRun = objectOf<NodeRunView>('NodeRun', {
  node: text.openapi({ description: 'Path of the node run' }),
  status: nodeStatus,
  attempt: count,
  input: jsonValue.optional(),
  output: jsonValue.optional(),
  outcome: text.optional(),
  action: text.optional(),
  reason: jsonObject.optional(),
});

const found = objectOf<IssueView>('NodeIssue', {
  node: text,
  generation: count,
  attempt: count,
  severity: z.enum(['blocking', 'warning']),
  code: text,
  message: text,
  path: text,
  detail: jsonValue.optional(),
});

export const runDetails = objectOf<RunDetails>('RunDetails', {
  ...summary,
  inputs: jsonValue,
  seq: count.openapi({ description: 'Number of the newest event' }),
  nodes: z.array(nodeRun),
  tasks: z.array(task),
  artifacts: z.array(artifact),
  issues: z.array(found),
});

export const attempt = objectOf<AttemptView>('Attempt', {
  node: text,
  generation: count,
  attempt: count,
  worker: text,
  startedAt: time,
  endedAt: time.nullable(),
  outcome: text.nullable(),
  error: jsonObject.nullable(),
  issues: z.array(issue),
  isSubstitute: z.boolean().openapi({
    description: "Whether its handler worked in place of the node's own, which had failed",
  }),
  input: jsonValue.optional().openapi({
    description:
      'What it was given, whatever input the node run has by now; a substitute `{input, error}`',
  }),
  output: jsonValue.optional(),
  notes: jsonValue.optional(),
});

/** What every event has, of one run or of all. */
export const eventMembers = {
  id: text.openapi({ description: '`run/seq`: unique over all runs' }),
  run: text,
  seq: count,
  type: text,
  node: text.nullable(),
  attempt: count.nullable(),
  at: time,
  detail: jsonObject,
  emitter: objectOf<Emitter>('Emitter', {
    kind: z.enum(EMITTER_KINDS),
    name: text.optional() as z.ZodType<string>,
  }),
  correlation: text.openapi({ description: 'Shared by all that comes of one start' }),
};

export const runEvent = objectOf<RunEvent>('RunEvent', eventMembers);

export const checkpoint = objectOf<CheckpointView>('Checkpoint', {
  seq: count.openapi({ description: 'Number of the last event of the turn' }),
  cause: text.openapi({ description: 'Type of the message that caused the turn' }),
  at: time,
});

export const signal = objectOf<SignalView>('Signal', {
  id: text,
  name: text,
  payload: jsonValue.optional().openapi({ description: 'Absent once the signal is delivered' }),
  sentAt: time,
  seq: z.int(),
  deliveredTo: text.nullable(),
});

export const runSnapshot = objectOf<RunSnapshot>('RunSnapshot', {
  ...summary,
  inputs: jsonValue,
  seq: count.openapi({ description: 'Number of the newest event' }),
  definition: (jsonObject as unknown as z.ZodType<Plan>).optional(),
  nodes: z.array(nodeRun).optional(),
  attempts: z.array(attempt).optional(),
  events: z.array(runEvent).optional(),
  artifacts: z.array(artifact).optional(),
  tasks: z.array(task).optional(),
  checkpoints: z.array(checkpoint).optional(),
  issues: z.array(found).optional(),
  signals: z.array(signal).optional(),
  more: z
    .array(z.enum(RUN_PARTS).openapi('RunPart'))
    .openapi({ description: 'Parts that go on in their own lists' }),
});

/** What reading a run gives: all that is usual, or the parts that were asked for. */
export const runRead: z.ZodType<RunDetails | RunSnapshot> = z.union([runDetails, runSnapshot]);

const runError = objectOf<RunError>('RunError', {
  node: text,
  attempt: count,
  at: time,
  code: text,
  message: text,
});

export const runResult = objectOf<RunResult>('RunResult', {
  id: text,
  status: runStatus,
  outputs: jsonObject,
  output: jsonValue.optional(),
  errors: z.array(runError),
  failureCount: z.object({ attempts: count, nodes: count }),
  reason: jsonObject.nullable(),
});

const nodeState = objectOf<NodeStateView>('NodeState', {
  node: text,
  status: nodeStatus,
  attempt: count,
  reason: jsonObject.optional(),
});

const mention = objectOf<ArtifactMention>('ArtifactMention', {
  name: text,
  kind: text,
  version: count,
  standing: z.literal('rejected').optional(),
});

export const runState = objectOf<RunState>('RunState', {
  run: text,
  seq: count,
  status: runStatus,
  cause: text,
  at: time,
  nodes: z.array(nodeState),
  artifacts: z.array(mention),
});

export const contextChange = objectOf<ContextChange>('ContextChange', {
  seq: count,
  at: time,
  op: z.enum(['set', 'delete']),
  node: text,
  generation: count,
  attempt: count,
  value: jsonValue.optional(),
});

const cause: z.ZodType<ExplanationCause> = objectOf<ExplanationCause>('ExplanationCause', {
  code: text,
  message: text,
  detail: jsonObject,
  causes: z.array(z.lazy(() => cause)),
});

export const explanation = objectOf<Explanation>('Explanation', {
  run: text,
  node: text,
  status: nodeStatus,
  generation: count,
  attempt: count,
  since: z.object({ seq: count, type: text, at: time }).nullable(),
  causes: z.array(cause),
  lines: z.array(text),
});

type Done<Name extends 'cancel' | 'annotate' | 'signal'> = Awaited<ReturnType<Orchestrator[Name]>>;

export const cancelled = objectOf<Done<'cancel'>>('Cancelled', {
  run: text,
  cancelled: z.literal(true),
});

export const annotated = objectOf<Done<'annotate'>>('Annotated', {
  run: text,
  metadata: jsonObject,
});

export const signalled = objectOf<Done<'signal'>>('Signalled', {
  run: text,
  signal: text,
  isNew: z.boolean().openapi({ description: 'False where a signal of this id had come before' }),
});
