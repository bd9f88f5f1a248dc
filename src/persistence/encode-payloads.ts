/** Puts the payloads of what is to be written into the form in which they are stored. Pure, but for the codec. */
import type { FreeRow, PayloadCodec } from '../actors/ports.js';
import type { RunChange, TurnRecord } from '../actors/records.js';
import {
  ARTIFACT,
  ATTEMPT,
  IDEMPOTENCY_KEY,
  NODE_RUN,
  PAST_INPUT,
  PAST_NODE_RUN,
  RESPONSE,
  type RowCodec,
  RUN,
  SCHEDULE,
  SIGNAL,
  TASK,
  TIMER,
  WEBHOOK,
} from './rows.js';
import { RUN_TABLES } from './run-tables.js';

export function encodePayloadsOfTurn(turn: TurnRecord, payloads: PayloadCodec): TurnRecord {
  const { of, rows } = turn;
  const { runCreated, runChanged } = rows;
  const all = <R>(codec: RowCodec<R>, records: readonly R[]): R[] =>
    records.map((record) => codec.encoded(record as R & Partial<R>, payloads, of));
  return {
    ...turn,
    rows: {
      ...rows,
      ...(runCreated !== undefined && { runCreated: RUN.encoded(runCreated, payloads, of) }),
      ...(runChanged !== undefined && {
        runChanged: RUN.encoded<RunChange>(runChanged, payloads, of),
      }),
      nodeRuns: all(NODE_RUN, rows.nodeRuns),
      pastNodeRuns: all(PAST_NODE_RUN, rows.pastNodeRuns),
      pastInputs: all(PAST_INPUT, rows.pastInputs),
      attempts: all(ATTEMPT, rows.attempts),
      tasks: all(TASK, rows.tasks),
      responses: all(RESPONSE, rows.responses),
      artifacts: all(ARTIFACT, rows.artifacts),
      signals: all(SIGNAL, rows.signals),
      timersArmed: all(TIMER, rows.timersArmed),
      idempotencyKeys: all(IDEMPOTENCY_KEY, rows.idempotencyKeys),
    },
  };
}

export function encodePayloadsOfRow(row: FreeRow, payloads: PayloadCodec): FreeRow {
  if (row.type === 'schedule.put') {
    return { ...row, record: SCHEDULE.encoded(row.record, payloads, row.record.id) };
  }
  if (row.type === 'webhook.put') {
    return { ...row, record: WEBHOOK.encoded(row.record, payloads, row.record.id) };
  }
  if (row.type === 'idempotency-key.put') {
    return { ...row, record: IDEMPOTENCY_KEY.encoded(row.record, payloads, row.of) };
  }
  if (row.type !== 'history.add') return row;
  const codec = RUN_TABLES[row.table].codec as RowCodec<object>;
  return { ...row, record: codec.encoded(row.record, payloads, row.of) } as FreeRow;
}
