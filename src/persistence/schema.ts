/**
 * Owns the tables. Invariants: 1. the order of columns is the order in which encode.ts writes a row;
 * 2. every index costs each commit, so there is one only where a hot read needs it. Tables keyed by
 * more than one column are WITHOUT ROWID, which drizzle-kit cannot say: see docs/storage.md.
 */
import { sql } from 'drizzle-orm';
import {
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core';

export const plans = sqliteTable('plans', {
  hash: text('hash').primaryKey(),
  planJson: text('plan_json').notNull(),
  title: text('title').notNull(),
  at: integer('at').notNull(),
});

export const runs = sqliteTable(
  'runs',
  {
    run: integer('run').primaryKey(),
    id: text('id').notNull(),
    planHash: text('plan_hash').notNull(),
    status: text('status').notNull(),
    inputJson: text('input_json').notNull(),
    startDigest: text('start_digest').notNull(),
    metadataJson: text('metadata_json'),
    concurrency: integer('concurrency').notNull(),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
    endedAt: integer('ended_at'),
    reasonJson: text('reason_json'),
    parentId: text('parent_id'),
    parentNode: text('parent_node'),
    settingsJson: text('settings_json'),
    usageJson: text('usage_json'),
    outputJson: text('output_json'),
    originJson: text('origin_json'),
    trimmedTo: integer('trimmed_to').notNull().default(0),
    pastPlansJson: text('past_plans_json'),
  },
  (table) => [
    uniqueIndex('runs_id').on(table.id),
    index('runs_parent').on(table.parentId).where(sql`parent_id is not null`),
    // Ends in the rowid, which is the run number: newest first within a status needs no more.
    index('runs_status').on(table.status),
    // Only of runs in a tenant, and so free for those who have none.
    index('runs_tenant').on(sql`substr(id, 1, instr(id, '~'))`).where(sql`instr(id, '~') > 0`),
    index('runs_tenant_status')
      .on(sql`substr(id, 1, instr(id, '~'))`, table.status)
      .where(sql`instr(id, '~') > 0`),
  ],
);

const nodeRunColumns = () => ({
  run: integer('run').notNull(),
  node: text('node').notNull(),
  status: text('status').notNull(),
  generation: integer('generation').notNull(),
  attempt: integer('attempt').notNull(),
  seq: integer('seq').notNull(),
  inputJson: text('input_json'),
  outputJson: text('output_json'),
  outcome: text('outcome'),
  action: text('action'),
  reasonJson: text('reason_json'),
  edges: text('edges').notNull(),
  updatedAt: integer('updated_at').notNull(),
  scope: text('scope').notNull().default(''),
  inside: text('inside'),
  feedbackJson: text('feedback_json'),
});

export const nodeRuns = sqliteTable('node_runs', nodeRunColumns(), (table) => [
  primaryKey({ columns: [table.run, table.node] }),
]);

/** Node runs as they were when their next generation began. */
export const pastNodeRuns = sqliteTable('past_node_runs', nodeRunColumns(), (table) => [
  primaryKey({ columns: [table.run, table.node, table.generation] }),
]);

/** Inputs that node runs had before they were given another one, as far as attempts have worked with them. */
export const pastInputs = sqliteTable(
  'past_inputs',
  {
    run: integer('run').notNull(),
    node: text('node').notNull(),
    generation: integer('generation').notNull(),
    attempt: integer('attempt').notNull(),
    inputJson: text('input_json'),
  },
  (table) => [primaryKey({ columns: [table.run, table.node, table.generation, table.attempt] })],
);

export const actorVersions = sqliteTable(
  'actor_versions',
  {
    run: integer('run').notNull(),
    actor: text('actor').notNull(),
    seq: integer('seq').notNull(),
    machine: text('machine').notNull(),
    version: integer('version').notNull(),
    snapshotJson: text('snapshot_json').notNull(),
    digest: text('digest').notNull(),
  },
  (table) => [primaryKey({ columns: [table.run, table.actor, table.seq] })],
);

export const attempts = sqliteTable(
  'attempts',
  {
    run: integer('run').notNull(),
    node: text('node').notNull(),
    generation: integer('generation').notNull(),
    attempt: integer('attempt').notNull(),
    worker: text('worker').notNull(),
    startedAt: integer('started_at').notNull(),
    endedAt: integer('ended_at'),
    outcome: text('outcome'),
    outputJson: text('output_json'),
    errorJson: text('error_json'),
    issuesJson: text('issues_json'),
    notesJson: text('notes_json'),
    heartbeatJson: text('heartbeat_json'),
    leaseJson: text('lease_json'),
    givenErrorJson: text('given_error_json'),
  },
  (table) => [
    primaryKey({ columns: [table.run, table.node, table.generation, table.attempt] }),
    // Of attempts that are open and for workers outside, by the call that claimed them.
    index('attempts_claims')
      .on(sql`lease_json ->> 'claim'`)
      .where(sql`ended_at is null and lease_json is not null`),
  ],
);

export const runEvents = sqliteTable(
  'run_events',
  {
    run: integer('run').notNull(),
    seq: integer('seq').notNull(),
    type: text('type').notNull(),
    node: text('node'),
    attempt: integer('attempt'),
    detailJson: text('detail_json').notNull(),
    at: integer('at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.run, table.seq] })],
);

/** One row per turn. `hash` chains the turn to the one before it in the same run. */
export const checkpoints = sqliteTable(
  'checkpoints',
  {
    run: integer('run').notNull(),
    seq: integer('seq').notNull(),
    turn: integer('turn').notNull(),
    reason: text('reason').notNull(),
    at: integer('at').notNull(),
    hash: text('hash').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.run, table.seq] }),
    uniqueIndex('checkpoints_turn').on(table.turn),
  ],
);

export const tasks = sqliteTable(
  'tasks',
  {
    id: text('id').primaryKey(),
    run: integer('run').notNull(),
    node: text('node').notNull(),
    kind: text('kind').notNull(),
    status: text('status').notNull(),
    presentedJson: text('presented_json').notNull(),
    responseSchemaJson: text('response_schema_json'),
    peopleJson: text('people_json'),
    deadlineAt: integer('deadline_at'),
    openedAt: integer('opened_at').notNull(),
    closedAt: integer('closed_at'),
    presentedDigest: text('presented_digest').notNull().default(''),
    generation: integer('generation').notNull().default(1),
    level: integer('level').notNull().default(0),
    round: integer('round').notNull().default(1),
    assignee: text('assignee'),
    reminders: integer('reminders').notNull().default(0),
    issuesJson: text('issues_json'),
  },
  (table) => [index('tasks_status_run').on(table.status, table.run)],
);

export const responses = sqliteTable(
  'responses',
  {
    id: text('id').notNull(),
    task: text('task').notNull(),
    run: integer('run').notNull(),
    responder: text('responder'),
    responseJson: text('response_json').notNull(),
    outcome: text('outcome').notNull(),
    at: integer('at').notNull(),
    presentedDigest: text('presented_digest').notNull().default(''),
    messageId: text('message_id'),
    comment: text('comment'),
  },
  (table) => [primaryKey({ columns: [table.run, table.task, table.id] })],
);

export const artifacts = sqliteTable(
  'artifacts',
  {
    run: integer('run').notNull(),
    name: text('name').notNull(),
    version: integer('version').notNull(),
    kind: text('kind').notNull(),
    node: text('node').notNull(),
    attempt: integer('attempt').notNull(),
    pointer: text('pointer'),
    payloadJson: text('payload_json'),
    at: integer('at').notNull(),
    generation: integer('generation').notNull().default(1),
    standing: text('standing').notNull().default('accepted'),
    schemaJson: text('schema_json'),
    digest: text('digest'),
    bytes: integer('bytes'),
  },
  (table) => [
    primaryKey({ columns: [table.run, table.name, table.version] }),
    // Retention and verification look for who names a payload.
    index('artifacts_digest').on(table.digest).where(sql`digest is not null`),
  ],
);

export const timers = sqliteTable(
  'timers',
  {
    id: text('id').notNull(),
    run: integer('run').notNull(),
    node: text('node').notNull(),
    kind: text('kind').notNull(),
    dueAt: integer('due_at').notNull(),
    armedAt: integer('armed_at').notNull().default(0),
    refusedJson: text('refused_json'),
  },
  (table) => [primaryKey({ columns: [table.run, table.id] }), index('timers_due').on(table.dueAt)],
);

export const signals = sqliteTable(
  'signals',
  {
    run: integer('run').notNull(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    payloadJson: text('payload_json'),
    sentAt: integer('sent_at').notNull(),
    seq: integer('seq').notNull(),
    deliveredTo: text('delivered_to'),
  },
  (table) => [primaryKey({ columns: [table.run, table.id] })],
);

export const schedules = sqliteTable(
  'schedules',
  {
    id: text('id').primaryKey(),
    planHash: text('plan_hash').notNull(),
    label: text('label').notNull(),
    cadenceJson: text('cadence_json').notNull(),
    inputJson: text('input_json').notNull(),
    overlap: text('overlap').notNull(),
    catchUpJson: text('catch_up_json').notNull(),
    startAt: integer('start_at'),
    endAt: integer('end_at'),
    jitterMs: integer('jitter_ms').notNull(),
    paused: integer('paused').notNull(),
    decidedUntil: integer('decided_until').notNull(),
    lastOccurrence: integer('last_occurrence'),
    activeRun: text('active_run'),
    queuedJson: text('queued_json').notNull(),
    dueAt: integer('due_at'),
    countersJson: text('counters_json').notNull(),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
    runOptionsJson: text('run_options_json').notNull().default('{}'),
  },
  (table) => [index('schedules_due').on(table.dueAt).where(sql`due_at is not null`)],
);

export const runKeys = sqliteTable(
  'run_keys',
  {
    purpose: text('purpose').notNull(),
    key: text('key').notNull(),
    runId: text('run_id').notNull(),
    startAt: integer('start_at'),
    supersededId: text('superseded_id'),
    supersededStartAt: integer('superseded_start_at'),
  },
  (table) => [primaryKey({ columns: [table.purpose, table.key] })],
);

export const idempotencyKeys = sqliteTable(
  'idempotency_keys',
  {
    run: integer('run').notNull(),
    key: text('key').notNull(),
    digest: text('digest').notNull(),
    answerJson: text('answer_json').notNull(),
    at: integer('at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.run, table.key] })],
);

export const tokens = sqliteTable(
  'tokens',
  {
    id: text('id').primaryKey(),
    tenant: text('tenant').notNull(),
    principal: text('principal').notNull(),
    rolesJson: text('roles_json').notNull(),
    groupsJson: text('groups_json').notNull(),
    secretHash: text('secret_hash').notNull(),
    createdAt: integer('created_at').notNull(),
    createdBy: text('created_by'),
    expiresAt: integer('expires_at'),
    revokedAt: integer('revoked_at'),
    lastUsedAt: integer('last_used_at'),
  },
  (table) => [index('tokens_tenant').on(table.tenant, table.id)],
);

export const audit = sqliteTable(
  'audit',
  {
    id: text('id').primaryKey(),
    at: integer('at').notNull(),
    tenant: text('tenant').notNull(),
    principal: text('principal'),
    token: text('token'),
    address: text('address'),
    action: text('action').notNull(),
    target: text('target').notNull(),
    status: integer('status'),
    code: text('code'),
  },
  (table) => [index('audit_tenant').on(table.tenant, table.id)],
);

/** Kept by triggers of `audit`: counting a million rows takes too long. */
export const auditSizes = sqliteTable('audit_sizes', {
  tenant: text('tenant').primaryKey(),
  records: integer('records').notNull(),
});

export const taskLinks = sqliteTable(
  'task_links',
  {
    id: text('id').primaryKey(),
    task: text('task').notNull(),
    tenant: text('tenant').notNull(),
    principal: text('principal').notNull(),
    groupsJson: text('groups_json').notNull(),
    secretHash: text('secret_hash').notNull(),
    presentedDigest: text('presented_digest').notNull(),
    createdAt: integer('created_at').notNull(),
    createdBy: text('created_by'),
    expiresAt: integer('expires_at').notNull(),
    revokedAt: integer('revoked_at'),
  },
  (table) => [
    index('task_links_task').on(table.task, table.id),
    index('task_links_expiry').on(table.expiresAt),
  ],
);

export const webhooks = sqliteTable('webhooks', {
  id: text('id').primaryKey(),
  url: text('url').notNull(),
  filterJson: text('filter_json').notNull(),
  description: text('description').notNull(),
  secretsJson: text('secrets_json').notNull(),
  disabledJson: text('disabled_json'),
  turn: integer('turn').notNull(),
  failingSince: integer('failing_since'),
  missedAt: integer('missed_at'),
  createdAt: integer('created_at').notNull(),
  updatedAt: integer('updated_at').notNull(),
});

export const deliveryLanes = sqliteTable(
  'delivery_lanes',
  {
    webhook: text('webhook').notNull(),
    run: integer('run').notNull(),
    seq: integer('seq').notNull(),
    tries: integer('tries').notNull(),
    dueAt: integer('due_at').notNull(),
    errorJson: text('error_json').notNull(),
  },
  (table) => [primaryKey({ columns: [table.webhook, table.run] })],
);

export const deadLetters = sqliteTable(
  'dead_letters',
  {
    webhook: text('webhook').notNull(),
    message: text('message').notNull(),
    runId: text('run_id').notNull(),
    seq: integer('seq').notNull(),
    type: text('type').notNull(),
    bodyJson: text('body_json').notNull(),
    tries: integer('tries').notNull(),
    errorJson: text('error_json').notNull(),
    at: integer('at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.webhook, table.message] })],
);

/** How far retention has removed events, of each tenant: the newest that is gone. */
export const logTrims = sqliteTable('log_trims', {
  tenant: text('tenant').primaryKey(),
  turn: integer('turn').notNull(),
  seq: integer('seq').notNull(),
});

/** Plan versions that were stored by themselves, by the tenant that has stored them. */
export const storedPlans = sqliteTable(
  'stored_plans',
  {
    tenant: text('tenant').notNull(),
    hash: text('hash').notNull(),
    title: text('title').notNull(),
    at: integer('at').notNull(),
    by: text('by'),
  },
  (table) => [
    primaryKey({ columns: [table.tenant, table.hash] }),
    index('stored_plans_age').on(table.tenant, table.at, table.hash),
    index('stored_plans_title').on(table.tenant, table.title, table.at, table.hash),
  ],
);

/** One row: who may write, told apart by an epoch that grows with every change of hands. */
export const owner = sqliteTable('owner', {
  id: integer('id').primaryKey(),
  epoch: integer('epoch').notNull(),
  pid: integer('pid').notNull(),
  host: text('host').notNull(),
  since: integer('since').notNull(),
  address: text('address'),
  turn: integer('turn').notNull().default(0),
  turnHash: text('turn_hash'),
  positionSecret: text('position_secret'),
});
