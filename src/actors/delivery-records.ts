/**
 * The log as it leaves the system: events of all runs in the order of the database, and the rows that
 * say who is given them. Times are milliseconds since the epoch. Fields that end in `Json` are JSON texts.
 */
import type { EventRecord } from './records.js';

/** A place in the log of all runs: behind event `seq` of the run whose turn this is. */
export interface LogPosition {
  readonly turn: number;
  readonly seq: number;
}

/** An event with what is known of its run when it is read. */
export interface LoggedEvent {
  readonly turn: number;
  readonly runId: string;
  readonly planHash: string;
  readonly metadataJson: string | null;
  /** Of the run, see correlation.ts. */
  readonly correlation: string;
  /** The trace that the run belongs to, as TraceContext; null where it belongs to none. */
  readonly traceJson: string | null;
  /** Whether plans beside the present one of the run may name secrets of it: versions before, or that of its parent. */
  readonly hasOtherPlans: boolean;
  readonly event: EventRecord;
}

/** How far retention has removed events of a tenant. */
export interface LogTrimRecord extends LogPosition {
  /** The empty text is the default tenant. */
  readonly tenant: string;
}

/** Events of all runs, in the order in which they became durable. */
export interface LogPage {
  readonly events: readonly LoggedEvent[];
  /** Nothing up to here is left out. */
  readonly upTo: LogPosition;
  /** Whether the page goes to the end of the log. */
  readonly isLast: boolean;
  /** Retention has removed events up to here, those of this place too; 0/0 where it has not. */
  readonly trimmedTo: LogPosition;
}

/**
 * Reads of the log of all runs, by turn. Turns become durable in the order of their numbers, so that
 * nothing ever appears before a place that was read. Runs that were imported are history of elsewhere,
 * and are left out, as are runs that are on their way out.
 */
export interface LogRows {
  /** The highest turn that is durable; 0 where there is none. */
  newestTurn(): Promise<number>;
  /** Of all tenants unless one is given; the empty text is the default tenant. */
  logAfter(after: LogPosition, limit: number, tenant?: string): Promise<LogPage>;
  /** Of one run, by its number: events with a number above `seq`. */
  runLogAfter(run: number, seq: number, limit: number): Promise<readonly LoggedEvent[]>;
  /** Title of a plan version. */
  planTitle(hash: string): Promise<string | undefined>;
}

/** A webhook as a row. */
export interface WebhookRecord {
  readonly id: string;
  readonly url: string;
  /** As EventFilter. */
  readonly filterJson: string;
  readonly description: string;
  /** As Secret[], the newest first. */
  readonly secretsJson: string;
  /** Why nothing is delivered, as `{code, message, at}`; null while it is. */
  readonly disabledJson: string | null;
  /** It was given everything up to this turn, but for the runs that have a lane. */
  readonly turn: number;
  /** Since when nothing has been accepted; null unless the newest delivery failed. */
  readonly failingSince: number | null;
  /** When retention removed, last, what it had not been given; null where it never did. */
  readonly missedAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** A run of which a delivery failed: a cursor of its own, until it has caught up. */
export interface LaneRecord {
  readonly webhook: string;
  readonly run: number;
  /** Number of the last event that needs no delivery any more. */
  readonly seq: number;
  /** How often the next one has failed. */
  readonly tries: number;
  readonly dueAt: number;
  /** Why it failed last, as DeliveryError; `null` before the first failure. */
  readonly errorJson: string;
}

/** A delivery that has failed for good. */
export interface DeadLetterRecord {
  readonly webhook: string;
  /** Id of the message, the same for each try. */
  readonly message: string;
  readonly runId: string;
  readonly seq: number;
  readonly type: string;
  /** Exactly what is sent. */
  readonly bodyJson: string;
  readonly tries: number;
  readonly errorJson: string;
  readonly at: number;
}

/** A change of these rows. */
export type DeliveryRow =
  | { readonly type: 'webhook.put'; readonly record: WebhookRecord }
  | { readonly type: 'webhook.remove'; readonly id: string }
  | { readonly type: 'lane.put'; readonly record: LaneRecord }
  | { readonly type: 'lane.remove'; readonly webhook: string; readonly run: number }
  | { readonly type: 'lanes.remove' | 'dead-letters.remove'; readonly webhook: string }
  | { readonly type: 'dead-letter.put'; readonly record: DeadLetterRecord }
  | { readonly type: 'dead-letter.remove'; readonly webhook: string; readonly message: string };

/** Reads of these rows. Everything returned is durable. */
export interface DeliveryRows {
  /** All of them, by id: their number is limited. */
  webhooks(): Promise<readonly WebhookRecord[]>;
  lanes(webhook: string): Promise<readonly LaneRecord[]>;
  countDeadLetters(webhook: string): Promise<number>;
  /** Oldest first, those of a run and a time by number; `after` is the message that ended the page before. */
  deadLetters(
    webhook: string,
    page: { readonly after?: string; readonly limit: number },
  ): Promise<readonly DeadLetterRecord[]>;
  deadLetter(webhook: string, message: string): Promise<DeadLetterRecord | undefined>;
}
