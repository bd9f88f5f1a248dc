/** Webhooks, lanes and dead letters in memory, and the log of all runs read from the rows of each. */
import { correlationOf } from '../actors/correlation.js';
import type {
  DeadLetterRecord,
  DeliveryRow,
  DeliveryRows,
  LaneRecord,
  LoggedEvent,
  LogPosition,
  LogRows,
  LogTrimRecord,
  WebhookRecord,
} from '../actors/delivery-records.js';
import { tenantOf } from '../actors/tenant.js';
import { traceOf } from '../actors/trace-context.js';
import { isLater } from '../delivery/log-position.js';
import type { MemoryRun } from './memory-run.js';

export class MemoryDeliveries {
  readonly #webhooks = new Map<string, WebhookRecord>();
  readonly #lanes = new Map<string, LaneRecord>();
  readonly #letters = new Map<string, DeadLetterRecord>();

  put(row: DeliveryRow): void {
    switch (row.type) {
      case 'webhook.put':
        this.#webhooks.set(row.record.id, row.record);
        return;
      case 'webhook.remove':
        this.#webhooks.delete(row.id);
        return;
      case 'lane.put':
        this.#lanes.set(`${row.record.webhook} ${row.record.run}`, row.record);
        return;
      case 'lane.remove':
        this.#lanes.delete(`${row.webhook} ${row.run}`);
        return;
      case 'lanes.remove':
        for (const [key, { webhook }] of this.#lanes)
          if (webhook === row.webhook) this.#lanes.delete(key);
        return;
      case 'dead-letter.put':
        this.#letters.set(`${row.record.webhook} ${row.record.message}`, row.record);
        return;
      case 'dead-letter.remove':
        this.#letters.delete(`${row.webhook} ${row.message}`);
        return;
      case 'dead-letters.remove':
        for (const [key, { webhook }] of this.#letters)
          if (webhook === row.webhook) this.#letters.delete(key);
    }
  }

  readonly rows: DeliveryRows = {
    webhooks: async () => [...this.#webhooks.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    lanes: async (webhook) => [...this.#lanes.values()].filter((lane) => lane.webhook === webhook),
    countDeadLetters: async (webhook) => this.#lettersOf(webhook).length,
    deadLetters: async (webhook, { after, limit }) => {
      const letters = this.#lettersOf(webhook);
      const last = letters.findIndex(({ message }) => message === after);
      return letters.slice(last + 1, last + 1 + limit);
    },
    deadLetter: async (webhook, message) => this.#letters.get(`${webhook} ${message}`),
  };

  #lettersOf(webhook: string): DeadLetterRecord[] {
    const letters = [...this.#letters.values()].filter((letter) => letter.webhook === webhook);
    const runs = (a: string, b: string) => (a === b ? 0 : a < b ? -1 : 1);
    return letters.sort((a, b) => a.at - b.at || runs(a.runId, b.runId) || a.seq - b.seq);
  }
}

/** The log of all runs, as the database gives it. */
export function memoryLog(
  runs: () => Iterable<MemoryRun>,
  trims: () => Iterable<LogTrimRecord>,
  titleOf: (hash: string) => string | undefined,
): LogRows {
  const log = () =>
    [...runs()].flatMap(eventsOf).sort((a, b) => a.turn - b.turn || a.event.seq - b.event.seq);
  const newestTurn = () =>
    Math.max(0, ...[...runs()].flatMap(({ turns }) => turns.at(-1)?.turn ?? 0));
  return {
    newestTurn: async () => newestTurn(),
    logAfter: async (after, limit, tenant) => {
      const newest = newestTurn();
      const isOf = (one: string) => tenant === undefined || one === tenant;
      const trimmedTo = [...trims()]
        .filter((trim) => isOf(trim.tenant))
        .reduce<LogPosition>((a, b) => (isLater(b, a) ? { turn: b.turn, seq: b.seq } : a), {
          turn: 0,
          seq: 0,
        });
      if (newest < after.turn) return { events: [], upTo: after, isLast: true, trimmedTo };
      const events = log()
        .filter((logged) => isBehind(logged, after) && isOf(tenantOf(logged.runId)))
        .slice(0, limit);
      const last = events.at(-1);
      if (last !== undefined && events.length === limit) {
        const upTo = { turn: last.turn, seq: last.event.seq };
        return { events, upTo, isLast: false, trimmedTo };
      }
      const upTo = { turn: newest, seq: Number.MAX_SAFE_INTEGER };
      return { events, upTo, isLast: true, trimmedTo };
    },
    runLogAfter: async (run, seq, limit) =>
      [...runs()]
        .filter(({ record }) => record.run === run)
        .flatMap(eventsOf)
        .filter(({ event }) => event.seq > seq)
        .slice(0, limit),
    planTitle: async (hash) => titleOf(hash),
  };
}

function isBehind({ turn, event }: LoggedEvent, after: LogPosition): boolean {
  return isLater({ turn, seq: event.seq }, after);
}

function eventsOf({ record, turns, events }: MemoryRun): LoggedEvent[] {
  const isTold = record.trimmedTo >= 0 && record.originJson?.includes('"type":"import"') !== true;
  if (!isTold) return [];
  const { id: runId, planHash, metadataJson } = record;
  const correlation = correlationOf(record);
  const trace = traceOf(record);
  const traceJson = trace === undefined ? null : JSON.stringify(trace);
  const hasOtherPlans = record.parentId !== null || record.pastPlansJson !== null;
  const known = { runId, planHash, metadataJson, correlation, traceJson, hasOtherPlans };
  return events.flatMap((event) => {
    const turn = turns.find(({ seq }) => seq >= event.seq)?.turn;
    return turn === undefined || event.seq <= record.trimmedTo ? [] : [{ turn, ...known, event }];
  });
}
