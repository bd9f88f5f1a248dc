/**
 * Turns records into rows as JSON text, on the caller's thread. Invariants: 1. values stand in the
 * order of the columns in schema.ts; 2. JSON columns keep their text exactly; 3. text that SQLite
 * could not give back unchanged (lone surrogates), and what is no value of SQL, is refused, with `turn-refused`.
 */
import {
  CommitError,
  type FreeRow,
  type RunKeyRecord,
  type ScheduleRecord,
} from '../actors/ports.js';
import type {
  ActorVersionRecord,
  ArtifactRecord,
  AttemptRecord,
  EventRecord,
  NodeRunRecord,
  PlanRecord,
  ResponseRecord,
  RunChange,
  RunRecord,
  SignalRecord,
  TaskRecord,
  TurnRecord,
} from '../actors/records.js';
import { encodeAccessRow } from './encode-access.js';
import { encodeDeliveryRow, isDeliveryRow } from './encode-delivery.js';
import { encodeHistoryRow } from './encode-history.js';
import {
  type EncodedPlan,
  type EncodedRow,
  type EncodedRows,
  type EncodedTimer,
  type EncodedTurn,
  FRAGMENT,
  FRAGMENT_COUNT,
  type FragmentIndex,
  type LargeRow,
  type SqlValue,
} from './encoded-turn.js';
import { IDEMPOTENCY_KEY, PAST_INPUT, STORED_PLAN } from './rows.js';

/** Length of a row's payloads from which it is bound on its own. Part of the chain's format. */
export const LARGE_ROW_LENGTH = 32_768;

type Row = readonly SqlValue[];

const NO_TIMERS: readonly EncodedTimer[] = [];
const NO_LARGE: readonly LargeRow[] = [];

/** The turn as it crosses to the worker. Throws a CommitError `turn-refused` where it cannot be stored. */
export function encodeTurn({ turn, run, seq, reason, at, rows }: TurnRecord): EncodedTurn {
  checkEvents(rows.events, run, seq);
  const fragments: string[] = new Array<string>(FRAGMENT_COUNT).fill('');
  const large: LargeRow[] = [];
  const put = (table: FragmentIndex, row: Row, payloadLength: number): void => {
    if (payloadLength >= LARGE_ROW_LENGTH) large.push({ table, values: row });
    else pending.push(row);
  };
  let pending: Row[] = [];
  const seal = (table: FragmentIndex): void => {
    if (pending.length === 0) return;
    const text = JSON.stringify(pending);
    fragments[table] = text.slice(1, -1);
    pending = [];
  };

  if (rows.runCreated !== undefined) {
    put(FRAGMENT.runsCreated, runRow(rows.runCreated), rows.runCreated.inputJson.length);
    seal(FRAGMENT.runsCreated);
  }
  if (rows.runChanged !== undefined) {
    put(FRAGMENT.runsChanged, runChangeRow(rows.runChanged), size(rows.runChanged.outputJson));
    seal(FRAGMENT.runsChanged);
  }
  for (const row of rows.nodeRuns) {
    put(FRAGMENT.nodeRuns, nodeRunRow(row), size(row.inputJson) + size(row.outputJson));
  }
  seal(FRAGMENT.nodeRuns);
  for (const row of ordered(rows.actorVersions, seq - rows.events.length, seq)) {
    put(FRAGMENT.actorVersions, actorVersionRow(row), row.snapshotJson.length);
  }
  seal(FRAGMENT.actorVersions);
  for (const row of rows.attempts) put(FRAGMENT.attempts, attemptRow(row), attemptSize(row));
  seal(FRAGMENT.attempts);
  for (const row of rows.events) put(FRAGMENT.events, eventRow(row), row.detailJson.length);
  seal(FRAGMENT.events);
  for (const row of rows.tasks) put(FRAGMENT.tasks, taskRow(row), row.presentedJson.length);
  seal(FRAGMENT.tasks);
  for (const row of rows.responses)
    put(FRAGMENT.responses, responseRow(row), row.responseJson.length);
  seal(FRAGMENT.responses);
  for (const row of rows.artifacts)
    put(FRAGMENT.artifacts, artifactRow(row), size(row.payloadJson));
  seal(FRAGMENT.artifacts);

  for (const row of rows.signals) put(FRAGMENT.signals, signalRow(row), size(row.payloadJson));
  seal(FRAGMENT.signals);
  for (const row of rows.plans) put(FRAGMENT.plans, planRow(row), row.planJson.length);
  seal(FRAGMENT.plans);
  for (const row of rows.pastNodeRuns) {
    put(FRAGMENT.pastNodeRuns, nodeRunRow(row), size(row.inputJson) + size(row.outputJson));
  }
  seal(FRAGMENT.pastNodeRuns);
  for (const row of rows.idempotencyKeys) {
    put(FRAGMENT.idempotencyKeys, IDEMPOTENCY_KEY.toRow(row), row.answerJson.length);
  }
  seal(FRAGMENT.idempotencyKeys);
  for (const row of rows.pastInputs) {
    put(FRAGMENT.pastInputs, PAST_INPUT.toRow(row), size(row.inputJson));
  }
  seal(FRAGMENT.pastInputs);

  const head = JSON.stringify([run, seq, turn, reason, at]).slice(0, -1);
  const timers = encodeTimers(run, rows);
  let bytes = head.length;
  for (const { row } of timers) bytes += row?.length ?? 0;
  for (const fragment of fragments) {
    checkWellFormed(fragment);
    bytes += fragment.length;
  }
  for (const { values } of large) bytes += checkLargeRow(values);
  return {
    kind: 'turn',
    turn,
    run,
    seq,
    eventCount: rows.events.length,
    head,
    fragments,
    large: large.length === 0 ? NO_LARGE : large,
    timers,
    bytes,
  };
}

export function encodePlan(hash: string, planJson: string, title: string, at: number): EncodedPlan {
  const values = planRow({ hash, planJson, title, at });
  return { kind: 'plan', hash, values, bytes: checkLargeRow(values) };
}

/** Rows that belong to no run. Throws a CommitError `turn-refused` where they cannot be stored. */
export function encodeRows(rows: readonly FreeRow[]): EncodedRows {
  const encoded = rows.map(encodeRow);
  const bytes = encoded.reduce((sum, { values }) => sum + checkLargeRow(values), 0);
  return { kind: 'rows', rows: encoded, bytes };
}

function encodeRow(row: FreeRow): EncodedRow {
  switch (row.type) {
    case 'schedule.put':
      return { name: row.type, values: scheduleRow(row.record) };
    case 'schedule.remove':
      return { name: row.type, values: [row.id] };
    case 'run-key.put':
      return { name: row.type, values: runKeyRow(row.record) };
    case 'idempotency-key.put':
      return { name: row.type, values: IDEMPOTENCY_KEY.toRow(row.record) };
    case 'stored-plan.put':
      return { name: row.type, values: STORED_PLAN.toRow(row.record) };
    case 'token.put':
    case 'token.revoke':
    case 'token.used':
    case 'audit.put':
    case 'audit.trim':
    case 'audit.expire':
    case 'task-link.put':
    case 'task-link.sweep':
      return encodeAccessRow(row);
    default:
      return isDeliveryRow(row) ? encodeDeliveryRow(row) : encodeHistoryRow(row);
  }
}

function encodeTimers(run: number, rows: TurnRecord['rows']): readonly EncodedTimer[] {
  if (rows.timersArmed.length === 0 && rows.timersCleared.length === 0) return NO_TIMERS;
  const armed = rows.timersArmed.map(({ id, node, kind, dueAt, armedAt, refusedJson }) => {
    const row = JSON.stringify([id, run, node, kind, dueAt, armedAt, refusedJson]);
    checkWellFormed(row);
    return { id, run, row };
  });
  return [...rows.timersCleared.map((id) => ({ id, run, row: null })), ...armed];
}

/** The numbers of a turn's events end at the turn's own and have no gap. */
function checkEvents(events: readonly EventRecord[], run: number, seq: number): void {
  let expected = seq - events.length;
  for (const event of events) {
    expected += 1;
    if (event.seq !== expected || event.run !== run) {
      throw new CommitError(
        'turn-refused',
        `Event ${event.seq} of run ${run} stands where ${expected} belongs.`,
      );
    }
  }
}

/** By actor, as verify.ts reads them back. A version belongs to an event of its turn. */
function ordered(
  versions: readonly ActorVersionRecord[],
  after: number,
  upTo: number,
): readonly ActorVersionRecord[] {
  for (const { actor, seq } of versions) {
    if (seq <= after || seq > upTo) {
      throw new CommitError(
        'turn-refused',
        `The snapshot of "${actor}" is of event ${seq}, its turn of ${after + 1} to ${upTo}.`,
      );
    }
  }
  return versions.length < 2 ? versions : [...versions].sort(byActorThenSeq);
}

export function byActorThenSeq(a: ActorVersionRecord, b: ActorVersionRecord): number {
  if (a.actor !== b.actor) return a.actor < b.actor ? -1 : 1;
  return a.seq - b.seq;
}

/** An escape of a surrogate that is not itself escaped: JSON.stringify writes these only for lone ones. */
const LONE_SURROGATE = /(?:^|[^\\])(?:\\\\)*\\ud[89a-f]/;

function checkWellFormed(fragment: string): void {
  if (fragment.includes('\\ud') && LONE_SURROGATE.test(fragment)) throw illFormed();
}

function checkLargeRow(values: Row): number {
  let bytes = 0;
  for (const value of values) {
    if (typeof value === 'string') {
      if (!value.isWellFormed()) throw illFormed();
      bytes += value.length;
    } else if (value !== null && typeof value !== 'number') {
      // It may not reach the thread, or end it.
      const message = `A value is a ${typeof value}, and neither a text nor a number.`;
      throw new CommitError('turn-refused', message);
    }
  }
  return bytes;
}

function illFormed(): CommitError {
  return new CommitError(
    'turn-refused',
    'A text holds half of a surrogate pair, which is not valid Unicode.',
  );
}

function size(text: string | null): number {
  return text === null || text === undefined ? 0 : text.length;
}

function attemptSize(row: AttemptRecord): number {
  return size(row.outputJson) + size(row.errorJson) + size(row.issuesJson) + size(row.notesJson);
}

function runRow(r: RunRecord): Row {
  return [
    r.run,
    r.id,
    r.planHash,
    r.status,
    r.inputJson,
    r.startDigest,
    r.metadataJson,
    r.concurrency,
    r.createdAt,
    r.updatedAt,
    r.endedAt,
    r.reasonJson,
    r.parentId,
    r.parentNode,
    r.settingsJson,
    r.usageJson,
    r.outputJson,
    r.originJson,
    r.trimmedTo,
    r.pastPlansJson ?? null,
  ];
}

/** Order of the columns in the update of statements.ts. */
function runChangeRow(r: RunChange): Row {
  return [
    r.run,
    r.status,
    r.updatedAt,
    r.endedAt,
    r.reasonJson,
    r.metadataJson,
    r.planHash,
    r.usageJson,
    r.outputJson,
    r.pastPlansJson ?? null,
  ];
}

function nodeRunRow(r: NodeRunRecord): Row {
  return [
    r.run,
    r.node,
    r.status,
    r.generation,
    r.attempt,
    r.seq,
    r.inputJson,
    r.outputJson,
    r.outcome,
    r.action,
    r.reasonJson,
    r.edges,
    r.updatedAt,
    r.scope,
    r.inside,
    r.feedbackJson,
  ];
}

function actorVersionRow(r: ActorVersionRecord): Row {
  return [r.run, r.actor, r.seq, r.machine, r.version, r.snapshotJson, r.digest];
}

function attemptRow(r: AttemptRecord): Row {
  return [
    r.run,
    r.node,
    r.generation,
    r.attempt,
    r.worker,
    r.startedAt,
    r.endedAt,
    r.outcome,
    r.outputJson,
    r.errorJson,
    r.issuesJson,
    r.notesJson,
    r.heartbeatJson,
    r.leaseJson,
    r.givenErrorJson,
  ];
}

function eventRow(r: EventRecord): Row {
  return [r.run, r.seq, r.type, r.node, r.attempt, r.detailJson, r.at];
}

function taskRow(r: TaskRecord): Row {
  return [
    r.id,
    r.run,
    r.node,
    r.kind,
    r.status,
    r.presentedJson,
    r.responseSchemaJson,
    r.peopleJson,
    r.deadlineAt,
    r.openedAt,
    r.closedAt,
    r.presentedDigest,
    r.generation,
    r.level,
    r.round,
    r.assignee,
    r.reminders,
    r.issuesJson,
  ];
}

function responseRow(r: ResponseRecord): Row {
  return [
    r.id,
    r.task,
    r.run,
    r.responder,
    r.responseJson,
    r.outcome,
    r.at,
    r.presentedDigest,
    r.messageId,
    r.comment,
  ];
}

function signalRow(r: SignalRecord): Row {
  return [r.run, r.id, r.name, r.payloadJson, r.sentAt, r.seq, r.deliveredTo];
}

function planRow(r: PlanRecord): Row {
  return [r.hash, r.planJson, r.title, r.at];
}

function artifactRow(r: ArtifactRecord): Row {
  return [
    r.run,
    r.name,
    r.version,
    r.kind,
    r.node,
    r.attempt,
    r.pointer,
    r.payloadJson,
    r.at,
    r.generation,
    r.standing,
    r.schemaJson,
    r.digest,
    r.bytes,
  ];
}

function scheduleRow(r: ScheduleRecord): Row {
  return [
    r.id,
    r.planHash,
    r.label,
    r.cadenceJson,
    r.inputJson,
    r.overlap,
    r.catchUpJson,
    r.startAt,
    r.endAt,
    r.jitterMs,
    r.paused,
    r.decidedUntil,
    r.lastOccurrence,
    r.activeRun,
    r.queuedJson,
    r.dueAt,
    r.countersJson,
    r.createdAt,
    r.updatedAt,
    r.runOptionsJson,
  ];
}

function runKeyRow(r: RunKeyRecord): Row {
  return [r.purpose, r.key, r.runId, r.startAt, r.supersededId, r.supersededStartAt];
}
