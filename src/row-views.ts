/** Rows as the API shows them. Pure. */
import type {
  AttemptRecord,
  EventRecord,
  NodeRunRecord,
  ResponseRecord,
  RunRecord,
  SignalRecord,
  TaskPeople,
  TaskRecord,
} from './actors/records.js';
import { emitterOf } from './emitters.js';
import type { Issue } from './plan/issue.js';
import type { JsonObject, JsonValue } from './plan/json.js';
import type {
  AttemptView,
  NodeRunView,
  ResponseView,
  RunError,
  RunEvent,
  RunOrigin,
  RunSummary,
  SignalView,
  TaskView,
} from './views.js';

/** A run as lists show it. */
export function toSummary(record: RunRecord): RunSummary {
  return {
    id: record.id,
    status: record.status,
    plan: record.planHash,
    metadata: parseObject(record.metadataJson) ?? {},
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
    endedAt: record.endedAt,
    reason: parseObject(record.reasonJson),
    origin: parseObject(record.originJson) as RunOrigin | null,
  };
}

/** A node run as the API shows it. */
export function toNodeRun(row: NodeRunRecord): NodeRunView {
  return {
    node: row.node,
    status: row.status,
    attempt: row.attempt,
    ...(row.inputJson !== null && { input: JSON.parse(row.inputJson) as JsonValue }),
    ...(row.outputJson !== null && { output: JSON.parse(row.outputJson) as JsonValue }),
    ...(row.outcome !== null && { outcome: row.outcome }),
    ...(row.action !== null && { action: row.action }),
    ...(row.reasonJson !== null && { reason: JSON.parse(row.reasonJson) as JsonObject }),
  };
}

/** A task as the API shows it; `run` is the id of its run. */
export function toTask(task: TaskRecord, run: string): TaskView {
  const { peopleJson, responseSchemaJson } = task;
  const people = peopleJson === null ? {} : (JSON.parse(peopleJson) as TaskPeople);
  return {
    id: task.id,
    run,
    node: task.node,
    kind: task.kind,
    status: task.status,
    presented: JSON.parse(task.presentedJson) as JsonObject,
    digest: task.presentedDigest,
    responseSchema:
      responseSchemaJson === null ? null : (JSON.parse(responseSchemaJson) as JsonValue),
    responders: people.responders ?? null,
    groups: people.groups ?? null,
    quorum: people.quorum ?? null,
    assignee: task.assignee,
    round: task.round,
    reminders: task.reminders,
    deadlineAt: task.deadlineAt,
    openedAt: task.openedAt,
    closedAt: task.closedAt,
  };
}

/** An answer as the API shows it. */
export function toResponse(record: ResponseRecord): ResponseView {
  const { id, task, responder, responseJson, outcome, at, presentedDigest, messageId, comment } =
    record;
  const response = JSON.parse(responseJson) as JsonValue;
  return {
    id,
    task,
    responder,
    response,
    outcome,
    at,
    digest: presentedDigest,
    messageId,
    comment,
  };
}

/** Attempts as the API shows them; `inputs` are those that their node runs had meanwhile, as JSON text. */
export function toAttempts(
  records: readonly AttemptRecord[],
  inputs: readonly (string | null)[],
): AttemptView[] {
  // An input that many were given is read and held once.
  const known = new Map<string, JsonValue>();
  return records.map((record, place) => {
    const json = inputs[place] ?? null;
    if (json === null) return toAttempt(record, undefined);
    const input = known.get(json) ?? (JSON.parse(json) as JsonValue);
    known.set(json, input);
    return toAttempt(record, input);
  });
}

function toAttempt(record: AttemptRecord, nodeInput: JsonValue | undefined): AttemptView {
  const { node, generation, attempt, worker, startedAt, endedAt, outcome } = record;
  const isKnown = outcome !== null && record.outputJson !== null;
  // One that is under check has no output yet.
  const output = isKnown ? (JSON.parse(record.outputJson) as JsonValue) : undefined;
  const input = givenTo(record, nodeInput);
  return {
    node,
    generation,
    attempt,
    worker,
    startedAt,
    endedAt,
    outcome,
    error: parseObject(record.errorJson),
    issues: record.issuesJson === null ? [] : (JSON.parse(record.issuesJson) as Issue[]),
    isSubstitute: record.givenErrorJson !== null,
    ...(input !== undefined && { input }),
    ...(output !== undefined && { output }),
    ...(record.notesJson !== null && { notes: JSON.parse(record.notesJson) as JsonValue }),
  };
}

/** As attempt-work.ts makes it. */
function givenTo(
  { givenErrorJson }: AttemptRecord,
  input: JsonValue | undefined,
): JsonValue | undefined {
  if (givenErrorJson === null) return input;
  return { input: input ?? null, error: JSON.parse(givenErrorJson) as JsonValue };
}

/** A signal as the API shows it. */
export function toSignal(record: SignalRecord): SignalView {
  const { id, name, payloadJson, sentAt, seq, deliveredTo } = record;
  const payload = payloadJson === null ? {} : { payload: JSON.parse(payloadJson) as JsonValue };
  return { id, name, ...payload, sentAt, seq, deliveredTo };
}

/** An event as the API shows it; `run` is the id of its run, `correlation` that of the run. */
export function toEvent(record: EventRecord, run: string, correlation: string): RunEvent {
  const { seq, type, node, attempt, at } = record;
  const detail = JSON.parse(record.detailJson) as JsonObject;
  const emitter = emitterOf(type, node, detail);
  return { id: `${run}/${seq}`, run, seq, type, node, attempt, at, detail, emitter, correlation };
}

/** A failed attempt or node as a result lists it. */
export function toError(event: EventRecord): RunError {
  const detail = JSON.parse(event.detailJson) as {
    code?: string;
    message?: string;
    reason?: { code: string; message: string };
  };
  const { code, message } = detail.reason ?? detail;
  return {
    node: event.node ?? '',
    attempt: event.attempt ?? 0,
    at: event.at,
    code: code ?? 'failed',
    message: message ?? '',
  };
}

export function parseObject(json: string | null): JsonObject | null {
  return json === null ? null : (JSON.parse(json) as JsonObject);
}
