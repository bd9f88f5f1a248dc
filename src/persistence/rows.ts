/**
 * The one mapping from stored rows to records. Invariant: a row is read as the JSON array of its
 * columns in the order of schema.ts, made by the same statement that reads it.
 */

import type { Table } from 'drizzle-orm';
import { getTableColumns } from 'drizzle-orm';
import type { AuditRecord, TaskLinkRecord, TokenRecord } from '../actors/access-records.js';
import type {
  DeadLetterRecord,
  LaneRecord,
  LogTrimRecord,
  WebhookRecord,
} from '../actors/delivery-records.js';
import type { PayloadCodec, RunKeyRecord, ScheduleRecord } from '../actors/ports.js';
import type {
  ActorVersionRecord,
  ArtifactRecord,
  AttemptRecord,
  CheckpointRecord,
  EventRecord,
  IdempotencyKeyRecord,
  NodeRunRecord,
  PastInputRecord,
  ResponseRecord,
  RunRecord,
  SignalRecord,
  StoredPlanRecord,
  TaskRecord,
  TimerRecord,
} from '../actors/records.js';
import { decodePayload, NO_CODEC, SEALED } from './decode-payload.js';
import type { SqlValue } from './encoded-turn.js';
import * as tables from './schema.js';

/** Reads rows of one table: the SQL expression of a row, and its way back into a record. */
export interface RowCodec<R> {
  /** `json_array(…)` over the columns, each prefixed with the alias. */
  expression(alias: string): string;
  toRecord(row: unknown, payloads?: PayloadCodec): R;
  /** The record, or a part of it, with its payloads as they are stored. `run` is the id of its run. */
  encoded<P extends Partial<R>>(record: P, payloads: PayloadCodec, run: string): P;
  /** The values of a row, in the order of the columns. */
  toRow(record: R): readonly SqlValue[];
  /**
   * A record that was written by an earlier version, with the columns that came later. Undefined where it
   * has others, lacks one that has no default, or holds what no column can.
   */
  complete(record: object): R | undefined;
}

/** The type of `table` proves that it has a column for every field of the record. */
function codec<R>(
  table: Table & { readonly $inferSelect: Readonly<Record<keyof R, unknown>> },
  ...payloadKeys: readonly (keyof R & string)[]
): RowCodec<R> {
  const columns = Object.entries(getTableColumns(table));
  const keys = columns.map(([key]) => key);
  return {
    expression: (alias) =>
      `json_array(${columns.map(([, { name }]) => `${alias}.${name}`).join(', ')})`,
    toRecord: (row, payloads) => {
      const values = row as readonly unknown[];
      const record: Record<string, unknown> = {};
      for (let place = 0; place < keys.length; place += 1)
        record[keys[place] as string] = values[place];
      if (payloads !== undefined) decodeWhenRead(record, payloadKeys, payloads);
      else if (payloadKeys.some((key) => isSealed(record[key]))) {
        decodeWhenRead(record, payloadKeys, NO_CODEC);
      }
      return record as R;
    },
    encoded(record, payloads, run) {
      const copy: Record<string, unknown> = { ...record };
      for (const key of payloadKeys) {
        const text = copy[key];
        if (typeof text === 'string') copy[key] = payloads.encode(text, run);
      }
      return copy as typeof record;
    },
    toRow: (record) => keys.map((key) => (record[key as keyof R] ?? null) as SqlValue),
    complete(record) {
      if (!Object.keys(record).every((key) => keys.includes(key))) return undefined;
      const complete: Record<string, unknown> = {};
      for (const [key, { notNull, default: otherwise }] of columns) {
        const value = (record as Record<string, unknown>)[key] ?? otherwise ?? null;
        if (value === null && notNull) return undefined;
        if (value !== null && typeof value !== 'string' && typeof value !== 'number')
          return undefined;
        complete[key] = value;
      }
      return complete as R;
    },
  };
}

function isSealed(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith(SEALED);
}

/** A payload that nobody asks for costs nothing, and that it cannot be read harms nobody else. */
function decodeWhenRead(
  record: Record<string, unknown>,
  keys: readonly string[],
  payloads: PayloadCodec,
): void {
  for (const key of keys) {
    const stored = record[key];
    if (typeof stored !== 'string') continue;
    let text: string | undefined;
    Object.defineProperty(record, key, {
      enumerable: true,
      get: () => (text ??= decodePayload(payloads, stored)),
    });
  }
}

export const RUN = codec<RunRecord>(tables.runs, 'inputJson', 'outputJson');
const NODE_PAYLOADS = ['inputJson', 'outputJson', 'feedbackJson'] as const;
export const NODE_RUN = codec<NodeRunRecord>(tables.nodeRuns, ...NODE_PAYLOADS);
/** As node runs are: the generations before the newest. */
export const PAST_NODE_RUN = codec<NodeRunRecord>(tables.pastNodeRuns, ...NODE_PAYLOADS);
export const ACTOR_VERSION = codec<ActorVersionRecord>(tables.actorVersions);
export const ATTEMPT = codec<AttemptRecord>(
  tables.attempts,
  'outputJson',
  'heartbeatJson',
  'notesJson',
);
export const PAST_INPUT = codec<PastInputRecord>(tables.pastInputs, 'inputJson');
export const EVENT = codec<EventRecord>(tables.runEvents);
export const TASK = codec<TaskRecord>(tables.tasks, 'presentedJson');
export const RESPONSE = codec<ResponseRecord>(tables.responses, 'responseJson', 'comment');
export const ARTIFACT = codec<ArtifactRecord>(tables.artifacts, 'payloadJson');
export const SIGNAL = codec<SignalRecord>(tables.signals, 'payloadJson');
export const TIMER = codec<TimerRecord>(tables.timers, 'refusedJson');
export const CHECKPOINT = codec<CheckpointRecord>(tables.checkpoints);
export const IDEMPOTENCY_KEY = codec<IdempotencyKeyRecord>(tables.idempotencyKeys, 'answerJson');
export const SCHEDULE = codec<ScheduleRecord>(tables.schedules, 'inputJson');
export const RUN_KEY = codec<RunKeyRecord>(tables.runKeys);
export const TOKEN = codec<TokenRecord>(tables.tokens);
export const AUDIT = codec<AuditRecord>(tables.audit);
export const TASK_LINK = codec<TaskLinkRecord>(tables.taskLinks);
export const LOG_TRIM = codec<LogTrimRecord>(tables.logTrims);
export const STORED_PLAN = codec<StoredPlanRecord>(tables.storedPlans);
export const WEBHOOK = codec<WebhookRecord>(tables.webhooks, 'secretsJson');
export const LANE = codec<LaneRecord>(tables.deliveryLanes);
export const DEAD_LETTER = codec<DeadLetterRecord>(tables.deadLetters);
